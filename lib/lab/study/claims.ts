/** Contrasts measured: differences by run, their intervals, and a verdict where the protocol has one. @module */
import { Rng } from "../../base/random.ts";
import { bootstrap, holm, oneSidedP } from "../../measure/statistics.ts";
import type { Contrast, Family } from "./families.ts";
import type { Items } from "./items.ts";
import { mean, meanOfBases } from "./measure.ts";
import { overRuns } from "./over_runs.ts";

/**
 * What came of a contrast. "unfinished": some base of the league has no run of both sides yet, or the family too few. "reported": the two sides
 * are not alike, see {@linkcode Contrast.reported}.
 */
export type Verdict = typeof VERDICTS[number];

/** Every {@linkcode Verdict}, the decided ones first. */
export const VERDICTS = ["held", "not held", "open", "one run", "unfinished", "reported"] as const;

/** A contrast measured. */
export interface Measured extends Contrast {
  readonly family: number;
  readonly valueA: number;
  readonly valueB: number;
  /** Mean difference: the mean of bases' means. */
  readonly difference: number;
  /** Its 95 % interval, see {@linkcode intervalOf}; null where bases are missing. */
  readonly low: number | null;
  readonly high: number | null;
  readonly runs: number;
  readonly bases: number;
  /** Mean difference on each base, by its name. */
  readonly perBase: Readonly<Record<string, number>>;
  /** In a league of one base the difference of each run, by its seed; null of more bases. */
  readonly perSeed: Readonly<Record<string, number>> | null;
  /**
   * Holm-adjusted within the family, one-sided: that a - b + margin is not above 0; that it is not below 0. Null of a single
   * run and of what is reported.
   */
  readonly p: number | null;
  readonly pAgainst: number | null;
  /** The first of them of the bases' means in place of the runs, adjusted alike: null of one base. */
  readonly pBases: number | null;
  readonly verdict: Verdict;
}

/** Whether a contrast that runs decide is open where each base counts once, by its mean. */
export const openOverBases = ({ verdict, pBases }: Pick<Measured, "verdict" | "pBases">) =>
  verdict === "held" && pBases !== null && pBases >= LEVEL;

/** A run's items. */
export interface RunItems {
  readonly base: string;
  readonly seed: number;
  readonly items: Items;
}

/** The level of each side of a verdict. */
const LEVEL = 0.025;

/**
 * Measures a family's contrasts over the runs that have both sides; contrasts that no run has are left out, and yet count
 * in the family's correction.
 *
 * @param bases Those of the league: a verdict needs runs on each.
 */
export function measureFamily(
  family: Family,
  runs: readonly RunItems[],
  bases: readonly string[],
): Measured[] {
  const measured = family.contrasts.flatMap((contrast) => {
    const { a, b, margin = 0 } = contrast;
    const both = runs.filter(({ base, items }) => bases.includes(base) && items[a] && items[b]);
    if (both.length === 0) return [];
    const byBase = Map.groupBy(both, ({ base }) => base);
    const groups = [...byBase].map(([base, some]) => ({
      base,
      values: some.map(({ items }) => mean(items[a]) - mean(items[b])),
    }));
    // As the difference is: the mean of bases' means, however many seeds each has.
    const average = (name: string) => meanOfBases(both, ({ items }) => mean(items[name]));
    const baseMeans = groups.map(({ values }) => mean(values));
    const shifted = groups.flatMap(({ values }) => values.map((value) => value + margin));
    const several = shifted.length > 1;
    return [{
      ...{ ...contrast, family: family.number },
      ...{ valueA: average(a), valueB: average(b), difference: mean(baseMeans) },
      ...intervalOf(contrast, { groups, both, bases }),
      ...{ runs: both.length, bases: groups.length },
      perBase: Object.fromEntries(groups.map(({ base }, i) => [base, baseMeans[i]])),
      perSeed: bases.length > 1
        ? null
        : Object.fromEntries(both.map(({ seed }, i) => [seed, groups[0].values[i]])),
      p: several ? oneSidedP(shifted) : null,
      pAgainst: several ? oneSidedP(shifted.map((value) => -value)) : null,
      pBases: groups.length > 1 ? oneSidedP(baseMeans.map((value) => value + margin)) : null,
    }];
  });
  const counted = family.contrasts.filter(({ reported }) => reported === undefined).length;
  const corrected = (side: "p" | "pAgainst" | "pBases") => {
    const some = measured.filter((one) => one.reported === undefined);
    const adjusted = holm(some.map((one) => one[side] ?? 1), counted);
    return new Map(some.map((one, i) => [one, one[side] === null ? null : adjusted[i]]));
  };
  const [adjusted, against, ofBases] = (["p", "pAgainst", "pBases"] as const).map(corrected);
  return measured.map((one): Measured => {
    if (one.reported !== undefined) {
      return { ...one, p: null, pAgainst: null, pBases: null, verdict: "reported" };
    }
    const p = adjusted.get(one)!;
    const pAgainst = against.get(one)!;
    return {
      ...one,
      ...{ p, pAgainst, pBases: ofBases.get(one)! },
      verdict: one.runs < (family.runs ?? 1) && one.runs > 1
        ? "unfinished"
        : verdictOf({ ...one, p, pAgainst }, bases.length),
    };
  });
}

/** The protocol's rule. */
function verdictOf(
  { p, pAgainst, perBase, margin = 0, bases }: Omit<Measured, "verdict">,
  league: number,
): Verdict {
  if (p === null || pAgainst === null) return "one run";
  if (bases < league) return "unfinished";
  const shifted = Object.values(perBase).map((value) => value + margin);
  if (p < LEVEL && shifted.every((value) => value > 0)) return "held";
  return pAgainst < LEVEL && shifted.every((value) => value < 0) ? "not held" : "open";
}

/** The interval of a difference: of a single run over its prompts, of several over them ({@linkcode overRuns}). */
function intervalOf(
  { a, b }: Contrast,
  { groups, both, bases }: {
    groups: readonly { readonly values: readonly number[] }[];
    both: readonly RunItems[];
    bases: readonly string[];
  },
): { low: number | null; high: number | null } {
  const rng = Rng.named(0, `claim/${a}/${b}`);
  if (both.length === 1) {
    const differences = paired(both[0].items, a, b);
    if (differences.length < 2) return { low: null, high: null }; // its prompts are not at hand
    const { low, high } = bootstrap(differences, { rng });
    return { low, high };
  }
  const { low, high } = overRuns(groups.map(({ values }) => values), { bases: bases.length, rng });
  return { low, high };
}

/** The differences of two things on the same items; of different items each side's mean alone is comparable. */
function paired(items: Items, a: string, b: string): number[] {
  if (items[a].length !== items[b].length) return [mean(items[a]) - mean(items[b])];
  return items[a].map((value, i) => value - items[b][i]);
}

/** How right a judge is on the pairs that training ranked, step by step: no extra judging, the pairs are in the run's folder. @module */
import { mean, sum } from "simple-statistics";
import { apartBy, LAST_BITS } from "./desk_evidence.ts";
import type { World } from "./world.ts";

/** A pair that training learned from, as the run's folder has it. */
export interface LearnedPair {
  readonly step: number;
  /** Of the data set's pair whose prompt was asked. */
  readonly pair: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** Pairs of some steps whose answers differ in one way and by about as much, and how many were ranked right. */
export interface JudgedStep {
  readonly method: string;
  /** Of the run, where runs of several are together. */
  readonly base?: string;
  /** Steps from and to, the last one among them. */
  readonly from: number;
  readonly to: number;
  /** What differs between the two answers: one habit, or several. */
  readonly differs: string;
  /** Bin of the reward's gap. */
  readonly gap: string;
  readonly n: number;
  readonly right: number;
}

/** Steps together. */
const TOGETHER = 20;

/** The stretch of steps that one is told with. */
export function stretchOf(step: number): { from: number; to: number } {
  const from = Math.floor((step - 1) / TOGETHER) * TOGETHER + 1;
  return { from, to: from + TOGETHER - 1 };
}

/** Upper ends of the gaps' bins. */
const GAPS = [0.5, 1, Infinity] as const;

/** Habits that one of two answers has and the other has not. */
export function habitsApart(
  request: string,
  [a, b]: readonly [string, string],
  { habits }: Pick<World, "habits">,
): string[] {
  return Object.entries(habits)
    .filter(([, has]) => has(request, a) !== has(request, b))
    .map(([habit]) => habit);
}

/** Counts right and wrong rankings of a method's pairs by steps, gap and what differs; pairs of equal reward are left out. */
export function judgedSteps(
  pairs: readonly LearnedPair[],
  { method, requests, world }: {
    method: string;
    requests: ReadonlyMap<string, string>;
    world: Pick<World, "reward" | "habits">;
  },
): JudgedStep[] {
  const cells = new Map<
    string,
    { key: Omit<JudgedStep, "n" | "right">; n: number; right: number }
  >();
  for (const { step, pair, chosen, rejected } of pairs) {
    const request = requests.get(pair);
    if (request === undefined) continue; // an answer that was not drawn for a prompt of the data set
    const gap = world.reward(request, chosen) - world.reward(request, rejected);
    if (!apartBy(gap, 0)) continue;
    const differing = habitsApart(request, [chosen, rejected], world);
    const bin = GAPS.findIndex((most) => Math.abs(gap) <= most + LAST_BITS);
    const key = {
      ...{ method, ...stretchOf(step) },
      differs: differing.length === 1
        ? differing[0]
        : differing.length === 0
        ? "in degree"
        : "several",
      gap: GAPS[bin] === Infinity ? `over ${GAPS[bin - 1]}` : `up to ${GAPS[bin]}`,
    };
    const name = JSON.stringify(key);
    const cell = cells.get(name) ?? { key, n: 0, right: 0 };
    cells.set(name, { key, n: cell.n + 1, right: cell.right + Number(gap > 0) });
  }
  return [...cells.values()].map(({ key, n, right }) => ({ ...key, n, right }))
    .sort((a, b) =>
      a.from - b.from || a.differs.localeCompare(b.differs) || a.gap.localeCompare(b.gap)
    );
}

/** The share of pairs ranked right. */
const shareRight = (rows: readonly Pick<JudgedStep, "n" | "right">[]): number =>
  sum(rows.map(({ right }) => right)) / sum(rows.map(({ n }) => n));

/** The share of pairs ranked right, each base one value: of all pairs together, bases with many pairs to tell weigh more. */
export const shareOfBases = (rows: readonly JudgedStep[]): number =>
  mean([...Map.groupBy(rows, ({ base }) => base).values()].map(shareRight));

/** Steps with the share of pairs ranked right, as they are and with every cell (gap, what differs) as often as at first. */
export interface MatchedAccuracy {
  readonly from: number;
  readonly to: number;
  readonly n: number;
  readonly accuracy: number;
  /** Null where over a tenth of the first steps' weight lies in cells that these steps lack. */
  readonly matched: number | null;
  /** Pairs of these steps behind that. */
  readonly matchedPairs: number;
}

/**
 * Accuracy over steps of one method, all runs together. The mix is matched within each base: bases differ in how often
 * their answers have which flaw, and in their judges.
 */
export function matchedOverSteps(rows: readonly JudgedStep[]): MatchedAccuracy[] {
  const cellOf = ({ base, differs, gap }: JudgedStep) => `${base}/${differs}/${gap}`;
  const stretches = [...Map.groupBy(rows, ({ from }) => from)].sort(([a], [b]) => a - b);
  const counts = (some: readonly JudgedStep[]) => {
    const cells = new Map<string, { n: number; right: number }>();
    for (const row of some) {
      const old = cells.get(cellOf(row)) ?? { n: 0, right: 0 };
      cells.set(cellOf(row), { n: old.n + row.n, right: old.right + row.right });
    }
    return cells;
  };
  const first = counts(stretches[0]?.[1] ?? []);
  const total = sum([...first.values()].map(({ n }) => n));
  return stretches.map(([from, some]): MatchedAccuracy => {
    const cells = counts(some);
    let [weight, matched, matchedPairs] = [0, 0, 0];
    for (const [cell, { n: w }] of first) {
      const here = cells.get(cell);
      if (!here) continue;
      weight += w;
      matched += w * here.right / here.n;
      matchedPairs += here.n;
    }
    return {
      ...{ from, to: some[0].to, n: sum(some.map(({ n }) => n)), accuracy: shareRight(some) },
      ...weight >= 0.9 * total
        ? { matched: matched / weight, matchedPairs }
        : { matched: null, matchedPairs: 0 },
    };
  });
}

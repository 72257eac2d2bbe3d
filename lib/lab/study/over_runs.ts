/** Runs of a league: how many there are behind some rows, and the interval of a mean over them. @module */
import type { Rng } from "../../base/random.ts";
import { mean } from "simple-statistics";
import { hierarchical, overSeeds } from "../../measure/statistics.ts";
import { COUNTED } from "./counted.ts";

/** What of a row tells its run. */
export interface OfRun {
  readonly base: string;
  readonly seed: number;
}

/** A run's name. */
export const runOf = ({ base, seed }: OfRun) => `${base}/${seed}`;

/** The order of runs: by base, base 10 after base 9, then by seed. */
export const byRun = (a: OfRun, b: OfRun) =>
  a.base.localeCompare(b.base, "en", { numeric: true }) || a.seed - b.seed;

/** Runs behind some rows. */
export const runsOf = (rows: readonly OfRun[]) => new Set(rows.map(runOf)).size;

/**
 * The rows of methods that were played on every base, and those of the others. A base counts once half of the methods that a
 * claim counts have a run on it: neither the first row of a new base nor many methods on one base alone put the others aside.
 */
export function byBases<Row extends { readonly method: string; readonly base: string }>(
  rows: readonly Row[],
): { every: Row[]; some: Row[] } {
  const basesOf = new Map(
    [...Map.groupBy(rows, ({ method }) => method)]
      .map(([method, own]) => [method, new Set(own.map(({ base }) => base))]),
  );
  const counted = [...basesOf].filter(([method]) =>
    (COUNTED as readonly string[]).includes(method)
  );
  const played = (counted.length > 0 ? counted : [...basesOf]).map(([, bases]) => bases);
  const bases = [...new Set(rows.map(({ base }) => base))]
    .filter((base) => 2 * played.filter((own) => own.has(base)).length >= played.length);
  const whole = ({ method }: Row) => bases.every((base) => basesOf.get(method)!.has(base));
  return { every: rows.filter(whole), some: rows.filter((row) => !whole(row)) };
}

/**
 * The mean of bases' means with the protocol's interval: by the hierarchical bootstrap over bases and seeds; in a league of
 * one base over seeds by Student's t; none where some base has no run.
 *
 * @param values Of each base with runs, one a run.
 * @param options.bases How many bases the league has.
 */
export function overRuns(
  values: readonly (readonly number[])[],
  { bases, rng }: { bases: number; rng: Rng },
): { value: number; low: number | null; high: number | null } {
  if (values.length < bases) {
    return { value: mean(values.map((some) => mean([...some]))), low: null, high: null };
  }
  const { value, low, high } = bases === 1 ? overSeeds(values[0]) : hierarchical(values, { rng });
  return { value, low, high };
}

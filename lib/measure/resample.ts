import { quantileSorted } from "simple-statistics";
import { UserError } from "../base/error.ts";
import type { Rng } from "../base/random.ts";
import { proportion } from "./statistics.ts";

/**
 * A measured number, or the reason why there is none. `value` is null exactly when the measure is not
 * defined on these rows; `low` and `high` are null together, also where there is a value without an
 * interval. Wherever something is null, `reason` says why. Nothing in it is ever NaN.
 */
export interface Measure {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Rows that the value rests on. */
  readonly n: number;
  /** Independent groups (prompts) that those rows come from. */
  readonly clusters: number;
  readonly reason?: string;
}

/**
 * A statistic that is a function of sums over rows: means, ratios, correlations, kappa and binned
 * errors all are. So a resample costs one addition a group, whatever the statistic.
 */
export interface SumStatistic {
  /** What each row adds to the sums; null where the row says nothing of this measure. */
  readonly rows: readonly (readonly number[] | null)[];
  /** The statistic of the sums; null where it is not defined. */
  readonly of: (sums: Float64Array) => number | null;
  /** Why it may not be defined, as printed. */
  readonly undefinedWhen: string;
  /** It is a share in [0, 1]; see {@linkcode measureAll} on shares of 0 and 1. */
  readonly share?: boolean;
}

/** Settings of {@linkcode measureAll}. */
export interface ResampleOptions {
  /** The group of each row; rows of one group are drawn together. */
  readonly clusters: readonly string[];
  readonly rng: Rng;
  /** Resamples; 2000 unless said. */
  readonly samples?: number;
  /** Coverage of the intervals; 0.95 unless said. */
  readonly level?: 0.9 | 0.95 | 0.99;
}

/** Share of resamples in which a statistic must be defined for its interval to be given. */
const LEAST_DEFINED = 0.9;

/**
 * Values with bootstrap intervals; groups of rows are drawn with replacement, the same groups for all
 * statistics.
 *
 * Intervals are percentiles of the resamples (Efron and Tibshirani 1993, chapter 13); a statistic that noise
 * pushes to one side needs another (see `calibrationMeasure`). A
 * share of 0 or 1 has resamples that are all alike; there the interval is Wilson's, with the groups as
 * its n, since no failure among n is no proof that there are none.
 *
 * @throws {UserError} When there are no rows, or lists differ in length.
 */
export function measureAll<Name extends string>(
  statistics: Readonly<Record<Name, SumStatistic>>,
  options: ResampleOptions,
): Record<Name, Measure> {
  const { clusters, rng, samples = 2000, level = 0.95 } = options;
  const names = Object.keys(statistics) as Name[];
  if (clusters.length === 0) {
    throw new UserError("a statistic of no rows was asked for", "pass at least one row");
  }
  if (!(level > 0 && level < 1) || !Number.isInteger(samples) || samples < 1) {
    throw new UserError(
      `a bootstrap of ${samples} resamples at level ${level} cannot be drawn`,
      "give a whole number of resamples from 1 up and a level between 0 and 1",
    );
  }
  const tables = names.map((name) => tableOf(statistics[name], clusters, name));
  const groups = new Set(clusters).size;
  const replicates = tables.map(() => [] as number[]);
  const drawn = new Float64Array(groups);
  const undrawn = tables.map(({ statistic }) => statistic === null);
  for (let sample = 0; sample < samples; sample++) {
    drawn.fill(0);
    for (let i = 0; i < groups; i++) drawn[rng.int(groups)]++;
    tables.forEach((table, t) => {
      if (undrawn[t]) return;
      const value = table.of(weighted(table, drawn));
      if (value !== null) replicates[t].push(value);
    });
  }
  return Object.fromEntries(names.map((name, t) => [
    name,
    measureOf(tables[t], replicates[t], { statistic: statistics[name], samples, level }),
  ])) as Record<Name, Measure>;
}

/** The sums of a statistic, group by group, and its value on all rows. */
interface Table {
  readonly width: number;
  /** (groups, width), row-major. */
  readonly sums: Float64Array;
  readonly of: SumStatistic["of"];
  readonly statistic: number | null;
  readonly n: number;
  readonly clusters: number;
}

function tableOf(statistic: SumStatistic, clusters: readonly string[], name: string): Table {
  const { rows, of } = statistic;
  if (rows.length !== clusters.length) {
    throw new UserError(
      `${name} has ${rows.length} rows, but there are ${clusters.length} group names`,
      "name one group for every row",
    );
  }
  const index = new Map<string, number>();
  for (const cluster of clusters) if (!index.has(cluster)) index.set(cluster, index.size);
  const width = rows.find((row) => row !== null)?.length ?? 0;
  const sums = new Float64Array(index.size * width);
  const touched = new Set<number>();
  let n = 0;
  rows.forEach((row, r) => {
    if (row === null) return;
    const group = index.get(clusters[r])!;
    for (let k = 0; k < width; k++) {
      if (!Number.isFinite(row[k])) {
        throw new UserError(
          `${name}: row ${r} holds ${row[k]}, which has no average`,
          "find where that value was made and repair or leave the row out",
        );
      }
      sums[group * width + k] += row[k];
    }
    touched.add(group);
    n++;
  });
  const partial = { width, sums, of, n, clusters: touched.size };
  const all = new Float64Array(index.size).fill(1);
  return { ...partial, statistic: n === 0 ? null : of(weighted(partial, all)) };
}

function weighted({ width, sums }: Pick<Table, "width" | "sums">, drawn: Float64Array) {
  const total = new Float64Array(width);
  for (let group = 0; group < drawn.length; group++) {
    const times = drawn[group];
    if (times === 0) continue;
    for (let k = 0; k < width; k++) total[k] += times * sums[group * width + k];
  }
  return total;
}

function measureOf(
  { statistic: value, n, clusters }: Table,
  replicates: number[],
  { statistic, samples, level }: { statistic: SumStatistic; samples: number; level: number },
): Measure {
  if (value === null) {
    return { value, low: null, high: null, n, clusters, reason: statistic.undefinedWhen };
  }
  if (statistic.share && (value === 0 || value === 1)) {
    const { low, high } = proportion(value * clusters, clusters, { level: level as 0.95 });
    return { value, low, high, n, clusters };
  }
  const without = (reason: string) => ({ value, low: null, high: null, n, clusters, reason });
  if (clusters < 2) return without("no interval: all rows are of one prompt");
  if (replicates.length < LEAST_DEFINED * samples) {
    return without(
      `no interval: not defined in ${samples - replicates.length} of ${samples} resamples`,
    );
  }
  replicates.sort((a, b) => a - b);
  return {
    value,
    low: quantileSorted(replicates, (1 - level) / 2),
    high: quantileSorted(replicates, (1 + level) / 2),
    n,
    clusters,
  };
}

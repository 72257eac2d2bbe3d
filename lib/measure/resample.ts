import { UserError } from "../base/error.ts";
import {
  bootstrapAll,
  type BootstrapOptions,
  type Estimate,
  type Level,
  proportion,
} from "./statistics.ts";

/**
 * A statistic that is a function of sums over rows: means, ratios, correlations, kappa and binned
 * errors all are. So a resample costs one addition per group, whatever the statistic.
 */
export interface SumStatistic {
  /** What each row adds to the sums; null where the row says nothing of this measure. */
  readonly rows: readonly (readonly number[] | null)[];
  /** The statistic of the sums; null where it is not defined. */
  readonly of: (sums: Float64Array) => number | null;
  /** Why it may not be defined, as printed. */
  readonly undefinedWhen: string;
  /** It is a share in [0, 1], whose interval is Wilson's where all resamples are alike. */
  readonly share?: boolean;
}

/** Settings of {@linkcode measureAll}. */
export interface ResampleOptions extends BootstrapOptions {
  /** The group of each row; rows of one group are drawn together. */
  readonly clusters: readonly string[];
  readonly level?: Level;
}

/**
 * Values with bootstrap intervals; groups of rows are drawn with replacement, the same groups for all statistics.
 * {@linkcode Estimate} says which interval there is where resamples are all alike; `reason` says why something is null.
 *
 * @throws {UserError} When there are no rows, or lists differ in length.
 */
export function measureAll<Name extends string>(
  statistics: Readonly<Record<Name, SumStatistic>>,
  { clusters, ...options }: ResampleOptions,
): Record<Name, Estimate<number | null>> {
  const names = Object.keys(statistics) as Name[];
  if (clusters.length === 0) {
    throw new UserError("a statistic of no rows was asked for", "pass at least one row");
  }
  const tables = names.map((name) => tableOf(statistics[name], clusters, name));
  const groups = new Set(clusters).size;
  const times = new Float64Array(groups);
  const intervals = bootstrapAll(groups, (drawn) => {
    times.fill(0);
    for (const group of drawn) times[group]++;
    return tables.map((table) => table.value === null ? null : table.of(weighted(table, times)));
  }, options);
  return Object.fromEntries(names.map((name, t) => {
    const { value, n, clusters } = tables[t];
    const { undefinedWhen, share } = statistics[name];
    const none = { low: null, high: null };
    return [name, {
      value,
      n,
      clusters,
      ...(value === null
        ? { ...none, reason: undefinedWhen }
        : share && (value === 0 || value === 1)
        ? wilson(value, clusters, options)
        : clusters < 2
        ? { ...none, reason: "no interval: all rows are of one prompt" }
        : !alike(intervals[t])
        ? intervals[t]
        : share
        ? wilson(value, clusters, options)
        : { ...none, reason: "no interval: all resamples are alike" }),
    }];
  })) as Record<Name, Estimate<number | null>>;
}

/** Whether an interval has no width, but for the rounding of sums. */
function alike({ low, high }: ReturnType<typeof bootstrapAll>[number]): boolean {
  return low !== null && high - low < 1e-9;
}

function wilson(share: number, clusters: number, options: { readonly level?: Level }) {
  const { low, high } = proportion(Math.min(1, Math.max(0, share)) * clusters, clusters, options);
  return { low, high };
}

/** The sums of a statistic, group by group, and its value on all rows. */
interface Table {
  readonly width: number;
  /** (groups, width), row-major. */
  readonly sums: Float64Array;
  readonly of: SumStatistic["of"];
  readonly value: number | null;
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
  return { ...partial, value: n === 0 ? null : of(weighted(partial, all)) };
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

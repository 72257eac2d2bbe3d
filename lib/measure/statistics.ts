import { jStat } from "./jstat.ts";
import {
  mean,
  quantileSorted,
  sampleCorrelation,
  sampleStandardDeviation,
} from "simple-statistics";
import { UserError } from "../base/error.ts";
import type { Rng } from "../base/random.ts";

/**
 * A number with its interval, and what both rest on: the one type for it, in reports, tables and figures.
 *
 * Which parts there are is in the type: `Estimate` has a value and an interval, `Estimate<number, number | null>` may
 * lack the interval, `Estimate<number | null>` may lack the value too. `low` and `high` are null together; nothing in
 * it is ever NaN.
 *
 * Which interval: a count of independent trials has Wilson's ({@linkcode proportion}); a mean over seeds Student's
 * ({@linkcode overSeeds}); all else percentiles of a bootstrap ({@linkcode bootstrapAll}). A bootstrap of rows that are
 * all alike (a share of 0 or 1, halves throughout, differences of nothing) has no width, and certainty is not what it
 * shows: there the interval is Wilson's, with the independent groups as its n, or null where the number is no share.
 */
export interface Estimate<
  Value extends number | null = number,
  End extends number | null = Value,
> {
  readonly value: Value;
  readonly low: End;
  readonly high: End;
  /** Rows that the value rests on. */
  readonly n: number;
  /** Independent groups (prompts) that those rows come from, where rows are grouped. */
  readonly clusters?: number;
  /** Why there is no value or no interval. */
  readonly reason?: string;
}

/** Coverage of an interval that may be Wilson's. */
export type Level = keyof typeof NORMAL_QUANTILE;

/** Normal quantiles of the usual two-sided levels (scipy's `norm.ppf((1 + level) / 2)`). */
const NORMAL_QUANTILE = {
  0.9: 1.6448536269514722,
  0.95: 1.959963984540054,
  0.99: 2.5758293035489004,
};

/** Settings of {@linkcode bootstrapAll}. */
export interface BootstrapOptions {
  /** Where the resamples come from; the same stream gives the same interval. */
  readonly rng: Rng;
  /** How many resamples. @default 2000 */
  readonly samples?: number;
  /** Two-sided coverage in (0, 1). @default 0.95 */
  readonly level?: number;
}

/** An interval, or the reason why there is none. */
type Interval =
  | { readonly low: number; readonly high: number }
  | { readonly low: null; readonly high: null; readonly reason: string };

/** Share of resamples in which a statistic must be defined for its interval to be given. */
const LEAST_DEFINED = 0.9;

/**
 * The one bootstrap: percentile intervals (Efron and Tibshirani 1993, chapter 13) of statistics on the same resamples.
 * A statistic that noise pushes to one side needs another interval (see `calibrationMeasure`).
 *
 * @param count How many items there are; a resample is as many of them, drawn with replacement.
 * @param statistics The statistics of a resample, given its item numbers; null where one is not defined.
 * @returns An interval for each; none for one that over a tenth of the resamples do not define.
 * @throws {UserError} When resamples or level are impossible.
 */
export function bootstrapAll(
  count: number,
  statistics: (drawn: readonly number[]) => readonly (number | null)[],
  { rng, samples = 2000, level = 0.95 }: BootstrapOptions,
): Interval[] {
  if (!(level > 0 && level < 1) || !Number.isInteger(samples) || samples < 1) {
    throw new UserError(
      `a bootstrap of ${samples} resamples at level ${level} cannot be drawn`,
      "give a whole number of resamples from 1 up and a level between 0 and 1",
    );
  }
  const replicates: number[][] = [];
  const drawn = new Array<number>(count);
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < count; i++) drawn[i] = rng.int(count);
    statistics(drawn).forEach((value, s) => {
      replicates[s] ??= [];
      if (value !== null) replicates[s].push(value);
    });
  }
  return replicates.map((values): Interval => {
    if (values.length < LEAST_DEFINED * samples) {
      const reason = `no interval: not defined in ${
        samples - values.length
      } of ${samples} resamples`;
      return { low: null, high: null, reason };
    }
    values.sort((a, b) => a - b);
    return {
      low: quantileSorted(values, (1 - level) / 2),
      high: quantileSorted(values, (1 + level) / 2),
    };
  });
}

/**
 * A statistic of some values with its bootstrap interval, which has no width where the values are all alike.
 *
 * @param options.statistic What is estimated. For paired data, pass row numbers as values. @default the mean
 *
 * @example
 * ```ts
 * import { Rng } from "../base/random.ts";
 * import { bootstrap } from "./statistics.ts";
 * const { value, low, high } = bootstrap([1, 0, 1, 1], { rng: Rng.named(7, "accuracy") });
 * ```
 * @throws {UserError} When there are no values, or a value is not a finite number.
 */
export function bootstrap(
  values: readonly number[],
  { statistic = mean, ...options }: BootstrapOptions & {
    readonly statistic?: (sample: number[]) => number;
  },
): Estimate {
  const data = finite(values);
  const [{ low, high }] = bootstrapAll(
    data.length,
    (drawn) => finite([statistic(drawn.map((i) => data[i]))]),
    options,
  );
  return { value: statistic(data), low: low!, high: high!, n: data.length };
}

/**
 * A proportion with its Wilson score interval, which stays inside [0, 1] and has a width above zero
 * at 0 and n successes (Wilson 1927; Newcombe 1998, method 3).
 *
 * @throws {UserError} When `successes` of `n` is not a count of a positive number of trials.
 */
export function proportion(
  successes: number,
  n: number,
  options: { readonly level?: Level } = {},
): Estimate {
  if (!Number.isInteger(n) || n < 1 || !(successes >= 0 && successes <= n)) {
    throw new UserError(
      `${successes} successes of ${n} trials is not a proportion`,
      "count at least one trial, and between none and all of them as successes",
    );
  }
  const z = NORMAL_QUANTILE[options.level ?? 0.95];
  if (z === undefined) {
    throw new UserError(
      `a Wilson interval at level ${options.level} is not on offer`,
      `choose among ${Object.keys(NORMAL_QUANTILE).join(", ")}`,
    );
  }
  const value = successes / n;
  const centre = (successes + z * z / 2) / (n + z * z);
  const half = z / (n + z * z) * Math.sqrt(successes * (1 - value) + z * z / 4);
  // Without a success the lower end is 0, but for rounding, and so at the other end.
  const low = successes === 0 ? 0 : Math.max(0, centre - half);
  const high = successes === n ? 1 : Math.min(1, centre + half);
  return { value, low, high, n };
}

/**
 * Mean, sample standard deviation and standard error; a single value has a deviation of 0.
 *
 * @throws {UserError} When there are no values, or a value is not a finite number.
 */
export function summary(
  values: readonly number[],
): { mean: number; deviation: number; error: number; n: number } {
  const data = finite(values);
  const deviation = data.length > 1 ? sampleStandardDeviation(data) : 0;
  return { mean: mean(data), deviation, error: deviation / Math.sqrt(data.length), n: data.length };
}

/**
 * The mean over seeds with its 95 % interval by Student's t. Of a handful of runs the percentile bootstrap
 * resamples the same few values and comes out too narrow; t widens for that. One seed has no interval.
 *
 * @throws {UserError} When there are no values, or a value is not a finite number.
 */
export function overSeeds(values: readonly number[]): Estimate<number, number | null> {
  const { mean, error, n } = summary(values);
  if (n === 1) return { value: mean, low: null, high: null, n };
  const half = studentQuantile(n - 1) * error;
  return { value: mean, low: mean - half, high: mean + half, n };
}

/** The 97.5 % quantile of Student's t. */
export function studentQuantile(df: number): number {
  return jStat.studentt.inv(0.975, df);
}

/**
 * The probability, one-sided, of a mean as far above 0 as that of these values if there were nothing (Student's t test).
 * Of values that are all alike: 0 above 0, 1 below it.
 *
 * @throws {UserError} When there are less than two values, or one is not a finite number.
 */
export function oneSidedP(values: readonly number[]): number {
  const { mean, error, n } = summary(values);
  if (n < 2) {
    throw new UserError("a t test of one value was asked for", "pass two values or more");
  }
  if (error === 0) return mean > 0 ? 0 : mean < 0 ? 1 : 0.5;
  return 1 - jStat.studentt.cdf(mean / error, n - 1);
}

/**
 * Pearson's correlation of pairs of values, and the probability, one-sided, of one so far above 0 if there were none
 * (Student's t with n - 2 degrees of freedom).
 *
 * @throws {UserError} When there are less than three pairs, one list is longer, or a value is not a finite number.
 */
export function correlation(x: readonly number[], y: readonly number[]): { r: number; p: number } {
  if (x.length !== y.length || x.length < 3) {
    throw new UserError(
      `a correlation of ${x.length} and ${y.length} values was asked for`,
      "pass three pairs of values or more",
    );
  }
  const r = sampleCorrelation(finite(x), finite(y));
  const df = x.length - 2;
  if (Number.isNaN(r)) {
    throw new UserError(
      "a correlation with values that are all alike was asked for",
      "leave it out",
    );
  }
  if (Math.abs(r) >= 1) return { r, p: r > 0 ? 0 : 1 };
  return { r, p: 1 - jStat.studentt.cdf(r * Math.sqrt(df / (1 - r * r)), df) };
}

/**
 * Holm's adjusted p-values (Holm 1979), in the order given: what is below a level is held at it for the whole family.
 *
 * @param size Tests in the family, those without a p-value yet among them. @default as many as there are
 */
export function holm(ps: readonly number[], size = ps.length): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a] - ps[b]);
  const adjusted = new Array<number>(ps.length);
  let most = 0;
  order.forEach((i, rank) => {
    most = Math.max(most, Math.min(1, (size - rank) * ps[i]));
    adjusted[i] = most;
  });
  return adjusted;
}

/**
 * The mean of groups' means with the percentiles of a bootstrap that draws groups first, then values within each drawn
 * group. With a handful of groups it is too narrow rather than too wide.
 *
 * @throws {UserError} When a group has no values, or a value is not a finite number.
 */
export function hierarchical(
  groups: readonly (readonly number[])[],
  { rng, samples = 10_000, level = 0.95 }: BootstrapOptions,
): Estimate {
  const data = groups.map(finite);
  const drawn = (values: readonly number[]) =>
    mean(Array.from(values, () => values[rng.int(values.length)]));
  const replicates = Array.from(
    { length: samples },
    () => mean(Array.from(data, () => drawn(data[rng.int(data.length)]))),
  ).sort((a, b) => a - b);
  return {
    value: mean(data.map((values) => mean(values))),
    low: quantileSorted(replicates, (1 - level) / 2),
    high: quantileSorted(replicates, (1 + level) / 2),
    n: data.reduce((n, values) => n + values.length, 0),
    clusters: data.length,
  };
}

/** Quantiles of values, at shares in [0, 1]. @throws {UserError} as {@linkcode summary} */
export function quantiles(values: readonly number[], shares: readonly number[]): number[] {
  const sorted = finite(values).sort((a, b) => a - b);
  return shares.map((share) => quantileSorted(sorted, share));
}

/** A copy of the values, refused when an average of them would be NaN. */
function finite(values: readonly number[]): number[] {
  if (values.length === 0) {
    throw new UserError("a statistic of no values was asked for", "pass at least one value");
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new UserError(
      `value ${bad} of ${values.length} is ${values[bad]}, which has no average`,
      "find where that value was made and repair or leave it out",
    );
  }
  return [...values];
}

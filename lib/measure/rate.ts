import type { Rng } from "../base/random.ts";
import { bootstrap, type Estimate, proportion } from "./statistics.ts";

/** A number in percent, or points of percent, with its interval where the sample says something of one. */
export interface Rate {
  readonly value: number;
  /** `low` and `high` are null together: one comparison, or comparisons all alike, show no spread. */
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

/** How intervals are drawn. */
export interface RateOptions {
  readonly rng: Rng;
  readonly samples?: number;
  readonly level?: 0.9 | 0.95 | 0.99;
  /** What is estimated, of row numbers or values; the mean unless said. */
  readonly statistic?: (sample: number[]) => number;
}

/**
 * A value with its percentile bootstrap interval; none for a single value, nor where all resamples are alike:
 * that is want of knowledge, not certainty.
 */
export function resampled(values: readonly number[], options: RateOptions): Rate {
  const estimate: Estimate = bootstrap(values, options);
  return estimate.n < 2 || estimate.low === estimate.high
    ? { ...estimate, low: null, high: null }
    : estimate;
}

/**
 * The mean of values in [0, 100] with its interval: a percentile bootstrap, or Wilson's where the values are all
 * alike (ten wins of ten are no proof that the eleventh is one); none for a single value.
 */
export function meanRate(values: readonly number[], options: Omit<RateOptions, "statistic">): Rate {
  const rate = resampled(values, options);
  if (rate.n < 2 || !values.every((value) => value === values[0])) return rate;
  const { low, high } = proportion(rate.n * values[0] / 100, rate.n, { level: options.level });
  return { ...rate, low: 100 * low, high: 100 * high };
}

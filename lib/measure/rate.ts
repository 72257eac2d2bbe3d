import { bootstrap, type BootstrapOptions, type Estimate, proportion } from "./statistics.ts";

/**
 * A value with its bootstrap interval; none for a single value, nor where all resamples are alike: that is lack of
 * knowledge, not certainty.
 */
export function resampled(
  values: readonly number[],
  options: Parameters<typeof bootstrap>[1],
): Estimate<number, number | null> {
  const estimate = bootstrap(values, options);
  return estimate.n < 2 || estimate.low === estimate.high
    ? { ...estimate, low: null, high: null }
    : estimate;
}

/**
 * The mean of values in [0, 100] with its interval: a bootstrap's, or Wilson's where the values are all alike (ten
 * wins of ten are no proof that the eleventh is one); none for a single value.
 */
export function meanRate(
  values: readonly number[],
  options: BootstrapOptions,
): Estimate<number, number | null> {
  const rate = resampled(values, options);
  if (rate.n < 2 || !values.every((value) => value === values[0])) return rate;
  const { low, high } = proportion(rate.n * values[0] / 100, rate.n);
  return { ...rate, low: 100 * low, high: 100 * high };
}

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
 * The mean of values from 0 to `top` with its interval: a bootstrap's, or Wilson's where the values are all alike (ten
 * wins of ten are no proof that the eleventh is one); none for a single value.
 *
 * @param options.top The most that a value can be. @default 100, percent
 */
export function meanRate(
  values: readonly number[],
  { top = 100, ...options }: BootstrapOptions & { readonly top?: number },
): Estimate<number, number | null> {
  const rate = resampled(values, options);
  if (rate.n < 2 || !values.every((value) => value === values[0])) return rate;
  const { low, high } = proportion(rate.n * values[0] / top, rate.n);
  return { ...rate, low: top * low, high: top * high };
}

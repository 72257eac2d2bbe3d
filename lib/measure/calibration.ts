import type { Rng } from "../base/random.ts";
import { measureAll, type ResampleOptions } from "./resample.ts";
import type { Estimate } from "./statistics.ts";

/** One pair as calibration sees it: the confidence of the judge in its answer, and whether that answer was right. */
export interface Call {
  /** max(p, 1 - p) of the probability p that it gave to the first answer; in [0.5, 1]. */
  readonly confidence: number;
  /** 1 where the answer it leaned to is the labelled one, 0 where not, 0.5 where it leaned to none. */
  readonly right: number;
}

/** One bin of a reliability curve. */
export interface ReliabilityRow {
  /** Ends of the bin; the upper one belongs to it in the last bin only. */
  readonly from: number;
  readonly to: number;
  /** Pairs in the bin. */
  readonly n: number;
  /** Mean confidence. */
  readonly confidence: number;
  /** Share of them that were right, with its interval. */
  readonly accuracy: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** Number of bins of the reliability curve and of the calibration error. */
export const BINS = 10;

/**
 * Turns a probability for the first answer and the label into what calibration needs. It does not matter
 * which answer of a pair was written first: both ways give the same call.
 */
export function call(pFirst: number, label: "first" | "second"): Call {
  const right = pFirst === 0.5 ? 0.5 : Number((pFirst > 0.5) === (label === "first"));
  return { confidence: Math.max(pFirst, 1 - pFirst), right };
}

/** The bin of a confidence, of {@linkcode BINS} equal ones over [0.5, 1]. */
export function binOf(confidence: number): number {
  const place = (confidence - 0.5) * 2 * BINS + 1e-9; // 0.6 - 0.5 is a little less than 0.1
  return Math.max(0, Math.min(BINS - 1, Math.floor(place)));
}

/** What one call adds to the sums of {@linkcode calibrationError}: count, confidence and hits of its bin. */
export function calibrationSums({ confidence, right }: Call): number[] {
  const sums = Array<number>(3 * BINS).fill(0);
  const bin = 3 * binOf(confidence);
  sums[bin] = 1;
  sums[bin + 1] = confidence;
  sums[bin + 2] = right;
  return sums;
}

/**
 * Expected calibration error: the distance of mean confidence and accuracy in each bin, averaged with
 * the bins' shares as weights (Naeini et al. 2015; Guo et al. 2017, equation 3). The bins are equal ones
 * over [0.5, 1], where confidences of two answers lie.
 *
 * It is a sum of absolute values, so noise alone makes it larger than 0: see {@linkcode calibrationFloor},
 * and `calibrationMeasure` for an interval that allows for it.
 *
 * @returns null where there are no calls
 */
export function calibrationError(sums: ArrayLike<number>): number | null {
  let [total, error] = [0, 0];
  for (let bin = 0; bin < sums.length; bin += 3) {
    total += sums[bin];
    error += Math.abs(sums[bin + 1] - sums[bin + 2]);
  }
  return total > 0 ? error / total : null;
}

/**
 * The calibration error that a judge with just these confidences would show if they were exactly right:
 * mean over simulated labels, with the middle 95 % of them as its interval. An error within it is no
 * sign of bad calibration. Pairs are taken as independent.
 */
export function calibrationFloor(
  calls: readonly Call[],
  { rng, samples = 500 }: { rng: Rng; samples?: number },
): Estimate<number | null> {
  if (calls.length === 0) {
    return {
      value: null,
      low: null,
      high: null,
      n: 0,
      reason: "no pair has a label that may be used and is not a tie",
    };
  }
  const places = calls.map(({ confidence }) => binOf(confidence));
  const errors = Array.from({ length: samples }, () => {
    const gaps = new Float64Array(BINS);
    calls.forEach(({ confidence }, i) => {
      if (confidence === 0.5) return; // it leans to none, and is half right whatever the label
      gaps[places[i]] += confidence - Number(rng.uniform() < confidence);
    });
    return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / calls.length;
  }).sort((a, b) => a - b);
  const at = (share: number) => errors[Math.min(samples - 1, Math.floor(share * samples))];
  const value = errors.reduce((sum, error) => sum + error, 0) / samples;
  return { value, low: at(0.025), high: at(0.975), n: calls.length };
}

/**
 * Accuracy against confidence, one row per bin that is not empty.
 *
 * @param calls null where a pair has no label
 */
export function reliabilityCurve(
  calls: readonly (Call | null)[],
  options: ResampleOptions,
): ReliabilityRow[] {
  const filled = [
    ...new Set(calls.flatMap((made) => made === null ? [] : [binOf(made.confidence)])),
  ].sort((a, b) => a - b);
  const inBin = (bin: number) =>
    calls.map((made) => made !== null && binOf(made.confidence) === bin ? made : null);
  if (filled.length === 0) return [];
  const measures = measureAll(
    Object.fromEntries(filled.map((bin) => [bin, {
      rows: inBin(bin).map((made) => made && [1, made.right]),
      of: ([n, right]) => n > 0 ? right / n : null,
      undefinedWhen: "the bin is empty",
      share: true,
    }])),
    options,
  );
  return filled.map((bin): ReliabilityRow => {
    const members = inBin(bin).filter((made) => made !== null);
    const { value, low, high, n } = measures[bin];
    return {
      from: 0.5 + bin / (2 * BINS),
      to: 0.5 + (bin + 1) / (2 * BINS),
      n,
      confidence: members.reduce((sum, made) => sum + made.confidence, 0) / n,
      accuracy: value!,
      low,
      high,
    };
  });
}

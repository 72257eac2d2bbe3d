import { probit, quantileSorted } from "simple-statistics";
import type { Rng } from "../base/random.ts";
import { binOf, BINS, type Call } from "./calibration.ts";
import type { Estimate } from "./statistics.ts";

/** What counts as luck: less error than this share of the samples of a judge without error have. */
const LUCK = 0.16;

/**
 * The expected calibration error of some calls with an interval for the error that the judge would have on
 * endlessly many of such pairs.
 *
 * Noise moves each bin's mean confidence and accuracy apart, so the error in a sample lies above the true one,
 * and resampling it adds the noise once more: percentiles of resamples lie too high even when corrected for
 * median bias (of a judge without error none of 300 held the truth). So the interval
 * inverts a test instead: it holds every error under which a sample's error as large as this one, and as small,
 * has at least (1 - level) / 2 of the chances. Errors are tried along the bins' own profile, or along their noise
 * where they have no error; a sample's bins are those of the error tried plus normal noise, one draw per cluster, that
 * is nowhere smaller than exact probabilities would make it. Less error than noise alone leaves in most samples is
 * luck, and no proof of a small one: the upper end is at least that of the sample at 0.16 of those of a judge
 * without error (Cowan et al. 2011, https://arxiv.org/abs/1105.3166). The value itself is plain (comparable with
 * {@linkcode calibrationFloor} and published ones), and the interval is widened to hold it.
 *
 * The problem: Bröcker 2012, https://doi.org/10.1007/s00382-011-1191-1; Kumar, Liang and Ma 2019,
 * https://arxiv.org/abs/1909.10155, section 4. Their corrections take off only part of the noise where the
 * error is near 0, which a test inverted need not.
 *
 * Measured with 300 samples each of 100, 300 and 1000 pairs and a judge that is exact, too shy (log-odds 1.6 and
 * 2.5 times what it says) or too sure (half): intervals at 0.95 held the truth in 0.93 to 0.99. Where each pair
 * came five times over in one cluster, in 0.92 to 1.
 *
 * @param calls null where a pair has no label
 */
export function calibrationMeasure(
  calls: readonly (Call | null)[],
  { clusters, rng, samples = 400, level = 0.95 }: {
    readonly clusters: readonly string[];
    readonly rng: Rng;
    readonly samples?: number;
    readonly level?: number;
  },
): Estimate<number | null> {
  const { n, ...sums } = gapsOf(calls, clusters);
  const { gaps, groups } = sums;
  const missing = { value: null, low: null, high: null, n, clusters: groups.length };
  if (n === 0) {
    return { ...missing, reason: "no pair has a label that may be used and is not a tie" };
  }
  const observed = distance(gaps);
  const value = observed / n;
  const without = (reason: string): Estimate<number | null> => ({ ...missing, value, reason });
  if (groups.length < 2) return without("no interval: all rows are of one prompt");
  const noise = noiseOf(sums, { rng, samples });
  if (noise === null) return without("no interval: the calls show no spread");
  const profile = profileOf(sums);
  /** The error of samples, in sums over pairs, if the true one were `truth`: from small to large. */
  const under = (truth: number) =>
    noise.map((draw) => draw.reduce((sum, e, bin) => sum + Math.abs(profile[bin] * truth + e), 0))
      .sort((a, b) => a - b);
  const alone = under(0);
  const least = Math.max(observed, quantileSorted(alone, LUCK));
  const widest = 2 * observed + quantileSorted(alone, 1);
  /** The least true error that puts this one at this quantile of its samples. */
  const errorAt = (quantile: number, error: number) => {
    const reaches = (truth: number) => quantileSorted(under(truth), quantile) >= error;
    let [from, to] = [0, widest];
    if (reaches(0)) return 0;
    for (let step = 0; step < 16; step++) { // to 1 / 65,536 of the range
      const middle = (from + to) / 2;
      if (reaches(middle)) to = middle;
      else from = middle;
    }
    return to / n;
  };
  return {
    value,
    low: Math.min(value, errorAt((1 + level) / 2, observed)),
    high: Math.min(1, Math.max(value, errorAt((1 - level) / 2, least))),
    n,
    clusters: groups.length,
  };
}

/** Sums of confidence less accuracy. */
interface Gaps {
  /** By bin. */
  readonly gaps: Float64Array;
  /** By cluster and bin, sparse: only bins that the cluster has calls in. */
  readonly groups: readonly ReadonlyMap<number, number>[];
  /** By bin, their variance if every confidence were exactly right and the calls independent. */
  readonly nominal: Float64Array;
  /** By bin, sums of squares call by call. */
  readonly squares: Float64Array;
}

function gapsOf(
  calls: readonly (Call | null)[],
  clusters: readonly string[],
): Gaps & { n: number } {
  const gaps = new Float64Array(BINS);
  const nominal = new Float64Array(BINS);
  const squares = new Float64Array(BINS);
  const groups = new Map<string, Map<number, number>>();
  let n = 0;
  calls.forEach((made, i) => {
    if (made === null) return;
    const { confidence, right } = made;
    const bin = binOf(confidence);
    const group = groups.get(clusters[i]) ?? new Map<number, number>();
    groups.set(clusters[i], group);
    group.set(bin, (group.get(bin) ?? 0) + confidence - right);
    gaps[bin] += confidence - right;
    squares[bin] += (confidence - right) ** 2;
    // A call that leans to neither answer is half right whatever the label.
    if (confidence !== 0.5) nominal[bin] += confidence * (1 - confidence);
    n++;
  });
  return { gaps, nominal, squares, groups: [...groups.values()], n };
}

/** Each bin's part of an error: as the gaps have it, or their variance where they are none but for rounding. */
function profileOf({ gaps, nominal }: Gaps): Float64Array {
  const parts = distance(gaps) > 1e-9 ? gaps : nominal;
  return parts.map((part) => part / distance(parts));
}

/**
 * Draws of what chance adds to each bin's gap: every cluster's part, times its normal number. Null where
 * chance adds nothing, by the calls: each was certain, or even, and all clusters are alike.
 */
function noiseOf(
  { gaps, groups, nominal, squares }: Gaps,
  { rng, samples }: { rng: Rng; samples: number },
): Float64Array[] | null {
  const shares = gaps.map((gap) => gap / groups.length);
  const observed = new Float64Array(gaps.length);
  for (const group of groups) for (const [bin, gap] of group) observed[bin] += gap * gap;
  // Few calls, all right, show no variance; that is luck, and exact probabilities would have some: as much more
  // of it as calls of one cluster are seen to go together.
  const exact = nominal.map((variance, bin) =>
    variance * (squares[bin] > 0 ? Math.max(1, observed[bin] / squares[bin]) : 1)
  );
  const spread = observed.map((sum, bin) => sum - groups.length * shares[bin] ** 2);
  if (exact.every((variance, bin) => variance === 0 && spread[bin] === 0)) return null;
  const lacking = exact.map((variance, bin) => Math.sqrt(Math.max(0, variance - spread[bin])));
  const normal = () => probit(rng.uniform());
  return Array.from({ length: samples }, () => {
    const draw = lacking.map((deviation) => deviation === 0 ? 0 : deviation * normal());
    let all = 0;
    for (const group of groups) {
      const z = normal();
      all += z;
      for (const [bin, gap] of group) draw[bin] += z * gap;
    }
    shares.forEach((share, bin) => draw[bin] -= all * share);
    return draw;
  });
}

function distance(gaps: Float64Array): number {
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0);
}

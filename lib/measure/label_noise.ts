import { agreementCell, cohenKappa } from "./kappa.ts";
import { measureAll, type ResampleOptions, type SumStatistic } from "./resample.ts";
import type { Estimate } from "./statistics.ts";
import type { Winner } from "../method/judgment.ts";

/** A label that a judge gave, beside the gold sample's where that has the pair. */
export interface GivenLabel {
  /** J of the answer that it chose. */
  readonly J: number;
  /** The choice, and gold's, between the same two answers in the same order; null where gold has none. */
  readonly chosen: "first" | "second";
  readonly gold: Winner | null;
}

/** What labels are worth. A noise is a share of wrong labels, in [0, 1]. */
export type LabelNoise = Readonly<
  Record<
    "expectedNoise" | "measuredNoise" | "excessNoise" | "accuracy" | "kappa",
    Estimate<number | null>
  >
>;

/**
 * The noise of labels: expected of a calibrated judge, the mean of 1 - J (of a choice by the votes of several principles
 * J may be below 1/2), and measured against a gold sample; the difference of the two on the gold sample, by which the
 * judge is too sure; and the agreement with gold as accuracy and Cohen's kappa. A tie of gold is half wrong whatever is
 * chosen.
 *
 * kappa needs the answers in an order that does not follow from gold's choice.
 *
 * Source: annotation quality in https://arxiv.org/abs/2402.13446
 *
 * @param options.clusters The prompt of each label.
 * @example
 * ```ts
 * import { Rng } from "../base/random.ts";
 * import { labelNoise } from "./label_noise.ts";
 * const labels = [{ J: 0.9, chosen: "first", gold: "first" }, { J: 0.7, chosen: "first", gold: "second" }] as const;
 * labelNoise(labels, { clusters: ["a", "b"], rng: Rng.named(7, "noise") }).measuredNoise.value; // 0.5
 * ```
 */
export function labelNoise(labels: readonly GivenLabel[], options: ResampleOptions): LabelNoise {
  const wrong = ({ chosen, gold }: GivenLabel) =>
    gold === null ? null : gold === "tie" ? 0.5 : Number(chosen !== gold);
  const mean = (value: (label: GivenLabel) => number | null): SumStatistic => ({
    rows: labels.map((label) => {
      const found = value(label);
      return found === null ? null : [1, found];
    }),
    of: ([n, sum]) => n > 0 ? sum / n : null,
    undefinedWhen: "no label is in the gold sample",
    share: true,
  });
  const right = (label: GivenLabel) => {
    const noise = wrong(label);
    return noise === null ? null : 1 - noise;
  };
  const excess = (label: GivenLabel) => {
    const noise = wrong(label);
    return noise === null ? null : noise - (1 - label.J);
  };
  return measureAll({
    expectedNoise: { ...mean(({ J }) => 1 - J), share: false },
    measuredNoise: mean(wrong),
    excessNoise: { ...mean(excess), share: false },
    accuracy: mean(right),
    kappa: {
      rows: labels.map(({ chosen, gold }) => gold === null ? null : agreementCell(chosen, gold)),
      of: cohenKappa,
      undefinedWhen: "no label is in the gold sample, or all are the same one",
    },
  }, options);
}

/** A least confidence, what is kept at it, and the noise of that. */
export interface NoiseRow {
  readonly least: number;
  readonly n: number;
  /** Of all labels. */
  readonly share: number;
  readonly expected: number;
  /** Measured, with its interval; null where no label kept is in the gold sample. */
  readonly measured: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Least confidences of {@linkcode noiseByConfidence}. */
const LEAST = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/** The noise of what is kept, by the least confidence it is kept at; no row where nothing is. */
export function noiseByConfidence(
  labels: readonly GivenLabel[],
  { clusters, ...options }: ResampleOptions,
): NoiseRow[] {
  return LEAST.flatMap((least): NoiseRow[] => {
    const kept = labels.map((_, i) => i).filter((i) => labels[i].J >= least);
    if (kept.length === 0) return [];
    const { expectedNoise, measuredNoise: { value, low, high } } = labelNoise(
      kept.map((i) => labels[i]),
      { ...options, clusters: kept.map((i) => clusters[i]) },
    );
    return [{
      ...{ least, n: kept.length, share: kept.length / labels.length },
      ...{ expected: expectedNoise.value!, measured: value, low, high },
    }];
  });
}

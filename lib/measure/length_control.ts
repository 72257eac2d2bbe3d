import { sampleStandardDeviation } from "simple-statistics";
import { sigmoid } from "./logistic.ts";
import { fitValidated, FOLDS, refit } from "./logistic_cv.ts";

/** A comparison as the length-controlled rate sees it. */
export interface LengthCase {
  /** Probability that the model's answer is the better one, in [0, 1]; null where the annotator gave none. */
  readonly preference: number | null;
  /** Characters of the baseline's answer less those of the model's; null where an answer is missing. */
  readonly excess: number | null;
}

/** AlpacaEval's length-controlled win rate, minimal variant. */
export interface LengthControlled {
  /** Win rate in percent. */
  readonly rate: number;
  /**
   * Standard error of the mean of the predictions, in percent, as AlpacaEval takes it. The minimal variant
   * predicts the same for every instruction, so it is 0 and says nothing about the sampling error; for
   * that see {@linkcode refit} and the bootstrap interval made from it.
   */
  readonly standardError: number;
  /** Coefficients of tanh(excess / deviation) and of the model. */
  readonly coefficients: { readonly length: number; readonly model: number };
  /** The chosen C of liblinear; null for the baseline against itself, where nothing is fitted. */
  readonly strength: number | null;
  /** Comparisons in the fit. */
  readonly n: number;
  /**
   * The rate in percent of a resample of the fitted comparisons (numbers from 0 up to n), at the same C and
   * length scale.
   */
  readonly refit: (rows: readonly number[]) => number;
}

/**
 * `length_controlled_minimal`: logistic regression without intercept of the preference on
 * tanh(length difference / its standard deviation) and a constant model term, L1 strength by
 * cross-validation; the rate is the mean prediction with the length term at 0.
 *
 * The deviation is that of all comparisons, those without a preference included.
 *
 * Source: Dubois et al. 2024, https://arxiv.org/abs/2404.04475; settings and folds as
 * `alpaca_eval/metrics/glm_winrate.py` (0.6.6) has them.
 *
 * @param options.isBaseline The model is the baseline itself: 50 by construction.
 * @returns The rate, or the reason why there is none.
 */
export function lengthControlled(
  cases: readonly LengthCase[],
  { isBaseline = false }: { readonly isBaseline?: boolean } = {},
): LengthControlled | { readonly reason: string } {
  const usable = cases.filter((c): c is { preference: number; excess: number } =>
    c.preference !== null && c.excess !== null
  );
  const n = usable.length;
  if (isBaseline) {
    const coefficients = { length: 0, model: 0 };
    return { rate: 50, standardError: 0, coefficients, strength: null, n, refit: () => 50 };
  }
  if (n < FOLDS) {
    return { reason: `${n} usable comparisons are too few for ${FOLDS}-fold cross-validation` };
  }
  const excesses = cases.flatMap(({ excess }) => excess === null ? [] : [excess]);
  const deviation = sampleStandardDeviation(excesses);
  if (deviation === 0 && excesses[0] !== 0) {
    return {
      reason: `every answer is ${Math.abs(excesses[0])} characters ${
        excesses[0] > 0 ? "shorter" : "longer"
      } than the baseline's, so length and quality cannot be distinguished`,
    };
  }
  const features = usable.map(({ excess }) => [
    deviation === 0 ? 0 : Math.tanh(excess / deviation),
    1,
  ]);
  const targets = usable.map(({ preference }) => preference);
  const { coefficients, strength } = fitValidated({ features, targets });
  const rateOf = ([, model]: readonly number[]) => 100 * sigmoid(model);
  return {
    rate: rateOf(coefficients),
    standardError: 0,
    coefficients: { length: coefficients[0], model: coefficients[1] },
    strength,
    n,
    refit: (rows) =>
      rateOf(refit(
        { features: rows.map((i) => features[i]), targets: rows.map((i) => targets[i]) },
        strength,
      )),
  };
}

import { dot, fitLogistic, type LogisticProblem, sigmoid } from "./logistic.ts";

/** Folds of the cross-validation. */
export const FOLDS = 5;

/** scikit-learn's `Cs=10`: ten values of C, evenly spaced in the exponent from 1e-4 to 1e4. */
export const STRENGTHS: readonly number[] = Array.from(
  { length: 10 },
  (_, i) => 10 ** (-4 + i * 8 / 9),
);

/**
 * What scikit-learn seeds liblinear with under AlpacaEval's `random_state=123`, fit by fit along the values
 * of C: `RandomState(123).randint(2**31 - 1)`. Coordinates are visited in an order drawn from them, which
 * shows because liblinear stops before the optimum.
 */
// deno-fmt-ignore
const SEEDS: readonly number[] = [
  843828734, 914636141, 1228959102, 1840268610, 974319580,
  819844194, 220395238, 941243409, 942612051, 2109339754,
];

/** A fit with the penalty that predicted best on cases it had not seen. */
export interface ValidatedFit {
  /** Coefficients of all cases under {@linkcode strength}. */
  readonly coefficients: readonly number[];
  /** The chosen C of liblinear. */
  readonly strength: number;
  /** Mean log loss over the folds (nats per case), for each of {@linkcode STRENGTHS}. */
  readonly losses: readonly number[];
}

/**
 * Chooses C by 5-fold cross-validation on the log loss, and fits all cases with it: what scikit-learn's
 * `LogisticRegressionCV(Cs=10, penalty="l1", solver="liblinear", fit_intercept=False)` does over
 * `GroupKFold(5)` when every group has the same size. There the last case goes to the first fold, the one
 * before it to the second, and so on; nothing is drawn at random. Of equal losses the smallest C wins.
 *
 * @param problem At least {@linkcode FOLDS} cases.
 */
export function fitValidated({ features, targets }: LogisticProblem): ValidatedFit {
  const n = targets.length;
  const losses = STRENGTHS.map(() => 0);
  for (let fold = 0; fold < FOLDS; fold++) {
    const held = (i: number) => (n - 1 - i) % FOLDS === fold;
    const kept = {
      features: features.filter((_, i) => !held(i)),
      targets: targets.filter((_, i) => !held(i)),
    };
    const tested = {
      features: features.filter((_, i) => held(i)),
      targets: targets.filter((_, i) => held(i)),
    };
    for (const [c, strength] of STRENGTHS.entries()) {
      losses[c] += logLoss(tested, fitLogistic(kept, { strength, seed: SEEDS[c] })) / FOLDS;
    }
  }
  const strength = STRENGTHS[losses.indexOf(Math.min(...losses))];
  return { coefficients: refit({ features, targets }, strength), strength, losses };
}

/** The fit of all cases once C is known. */
export function refit(problem: LogisticProblem, strength: number): number[] {
  return fitLogistic(problem, { strength, seed: SEEDS[0] });
}

/** Mean log loss, probabilities kept 1e-15 away from 0 and 1 as AlpacaEval keeps them. */
function logLoss({ features, targets }: LogisticProblem, w: readonly number[]): number {
  const margin = 1e-15;
  let sum = 0;
  for (const [i, row] of features.entries()) {
    const p = Math.min(Math.max(sigmoid(dot(row, w)), margin), 1 - margin);
    sum -= targets[i] * Math.log(p) + (1 - targets[i]) * Math.log(1 - p);
  }
  return sum / targets.length;
}

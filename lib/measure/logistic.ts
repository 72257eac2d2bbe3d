/**
 * Logistic regression with an L1 penalty, for soft labels and a handful of features, as liblinear fits it.
 *
 * Why not a library: of npm's kept packages, `ml-logistic-regression` is gradient descent without a
 * penalty, `scikitjs` runs Adam on tfjs and takes no soft labels, `@stdlib/ml` has incremental SGD, and
 * `fmin` needs a smooth function. And the optimum alone is not enough: liblinear stops early (relative
 * tolerance 1e-4), and AlpacaEval's published figures carry what is left to go, up to 0.06 points of win
 * rate (an exact solver is more than 0.01 points off on 6 of 15 files). So this is liblinear's algorithm with its
 * rule for stopping and its random order of coordinates (in a fixed order win rates differ by up to 0.1 points); a
 * smaller `tolerance` gives the optimum. Its active sets are left out: with a handful of features they save nothing,
 * and change no coefficient of the tests' problems by 1e-9.
 *
 * @module
 */
import { mersenne } from "pure-rand/generator/mersenne";

/** What is fitted: P(1 | x) = sigmoid(w . x), no intercept. */
export interface LogisticProblem {
  /** One row per case; every row has the same number K of finite features. */
  readonly features: readonly (readonly number[])[]; // n, K
  /** The probability of class 1 of each case, in [0, 1]. */
  readonly targets: readonly number[]; // n
}

/** Settings of {@linkcode fitLogistic}. */
export interface LogisticOptions {
  /** C > 0 of liblinear: the weight of the loss beside the penalty; small means strong shrinkage. */
  readonly strength: number;
  /** Seed of the order in which coordinates are visited, a 32-bit number. @default 0 */
  readonly seed?: number;
  /** Stop when the slopes have shrunk to about this part of what they are at 0. @default 1e-4 */
  readonly tolerance?: number;
}

/** Newton steps at most (scikit-learn's `max_iter`), sweeps within one, halvings of a step. */
const LIMITS = { steps: 100, sweeps: 1000, halvings: 20 };

/** 1 / (1 + exp(-z)). */
export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : 1 - 1 / (1 + Math.exp(z));
}

/** The product of two vectors of equal length. */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/**
 * The coefficients that minimise `|w|_1 + C sum_i [log(1 + exp(z_i)) - p_i z_i]`, `z = X w`.
 *
 * A case with target p counts as one of class 1 with weight p and one of class 0 with weight 1 - p. A step
 * is Newton's for the loss with the penalty kept exact: coordinate descent on the quadratic model, then
 * halving until the objective falls enough. Yuan, Ho and Lin 2012, algorithm newGLMNET,
 * https://jmlr.org/papers/v13/yuan12a.html; compare scikit-learn's
 * `LogisticRegression(penalty="l1", solver="liblinear", fit_intercept=False)` on the weighted rows.
 */
export function fitLogistic(
  problem: LogisticProblem,
  { strength, seed = 0, tolerance = 1e-4 }: LogisticOptions,
): number[] {
  const { features, targets } = problem;
  // Rows of weight 0 are not there for liblinear, and the smaller class scales its tolerance.
  const positives = targets.filter((p) => p > 0).length;
  const negatives = targets.filter((p) => p < 1).length;
  const part = tolerance * Math.max(Math.min(positives, negatives), 1) / (positives + negatives);

  const shuffle = shuffler(features[0].length, seed);

  let w = features[0].map(() => 0);
  let value = objective(problem, w, strength);
  let innerPart = 1;
  let atZero = Infinity;
  for (let step = 0; step < LIMITS.steps; step++) {
    const model = { w, ...derivatives(problem, w, strength) };
    const total = w.reduce((sum, wk, k) => sum + violation(wk, model.slope[k]), 0);
    if (step === 0) atZero = total;
    if (total <= part * atZero) break;

    const { target, sweeps } = minimiseModel(model, { enough: innerPart * atZero, shuffle });
    let next = target;
    let promised = dot(model.slope, target.map((t, k) => t - w[k])) + norm(target) - norm(w);
    for (let halving = 0; halving < LIMITS.halvings; halving++) {
      const nextValue = objective(problem, next, strength);
      if (nextValue - value <= 0.01 * promised) {
        w = next;
        value = nextValue;
        break;
      }
      next = next.map((t, k) => (t + w[k]) / 2);
      promised /= 2;
    }
    if (sweeps === 1) innerPart /= 4;
  }
  return w;
}

/** The quadratic model of the loss at `w`. */
interface Model {
  readonly w: readonly number[];
  /** Gradient of the loss. */
  readonly slope: readonly number[]; // K
  /** Its Hessian. */
  readonly curvature: readonly (readonly number[])[]; // K, K
}

/**
 * Minimises `slope . d + d' curvature d / 2 + |w + d|_1` by coordinate descent until the coordinates' distances from
 * optimality sum to `enough`; the target is w + d.
 */
function minimiseModel(
  { w, slope, curvature }: Model,
  { enough, shuffle }: { readonly enough: number; readonly shuffle: () => readonly number[] },
) {
  const target = [...w];
  const moved = w.map(() => 0);
  for (let sweeps = 1;; sweeps++) {
    let total = 0;
    for (const k of shuffle()) {
      const bend = curvature[k][k];
      const here = slope[k] + dot(curvature[k], moved);
      total += violation(target[k], here);
      let change = -target[k];
      if (here + 1 < bend * target[k]) change = -(here + 1) / bend;
      else if (here - 1 > bend * target[k]) change = -(here - 1) / bend;
      if (Math.abs(change) < 1e-12) continue;
      change = Math.min(Math.max(change, -10), 10);
      target[k] += change;
      moved[k] += change;
    }
    if (total <= enough || sweeps === LIMITS.sweeps) return { target, sweeps };
  }
}

/** How far a coordinate is from optimality: the objective's slope of least size along it. */
function violation(wk: number, slope: number): number {
  return wk === 0 ? Math.max(Math.abs(slope) - 1, 0) : Math.abs(slope + Math.sign(wk));
}

function norm(w: readonly number[]): number {
  return w.reduce((sum, wk) => sum + Math.abs(wk), 0);
}

function objective(
  { features, targets }: LogisticProblem,
  w: readonly number[],
  strength: number,
): number {
  let loss = 0;
  for (let i = 0; i < targets.length; i++) {
    const z = dot(features[i], w);
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - targets[i] * z;
  }
  return norm(w) + strength * loss;
}

function derivatives(
  { features, targets }: LogisticProblem,
  w: readonly number[],
  strength: number,
): Pick<Model, "slope" | "curvature"> {
  const slope = w.map(() => 0);
  const curvature = w.map(() => w.map(() => 0));
  features.forEach((row, i) => {
    const p = sigmoid(dot(row, w));
    for (let k = 0; k < w.length; k++) {
      slope[k] += strength * (p - targets[i]) * row[k];
      for (let l = 0; l < w.length; l++) {
        curvature[k][l] += strength * p * (1 - p) * row[k] * row[l];
      }
    }
  });
  // A feature that is 0 everywhere has no curvature to divide by.
  for (let k = 0; k < w.length; k++) curvature[k][k] += 1e-12;
  return { slope, curvature };
}

/**
 * The next order of the coordinates, each shuffled from the one before, as liblinear draws it in scikit-learn: whole
 * numbers by Lemire's method on MT19937.
 */
function shuffler(width: number, seed: number): () => readonly number[] {
  const generator = mersenne(seed);
  const below = (range: number): number => {
    for (;;) {
      const product = BigInt(generator.next() >>> 0) * BigInt(range);
      const low = Number(product & 0xffffffffn);
      if (low >= range || low >= 2 ** 32 % range) return Number(product >> 32n);
    }
  };
  const order = Array.from({ length: width }, (_, k) => k);
  return () => {
    for (let s = 0; s < width; s++) {
      const other = s + below(width - s);
      [order[s], order[other]] = [order[other], order[s]];
    }
    return order;
  };
}

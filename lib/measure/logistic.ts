/**
 * Logistic regression with an L1 penalty, for soft labels and a handful of features, to liblinear's answer.
 *
 * Why not a library: of npm's kept packages, `ml-logistic-regression` is gradient descent without a
 * penalty, `scikitjs` runs Adam on tfjs and takes no soft labels, `@stdlib/ml` has incremental SGD, and
 * `fmin` needs a smooth function. And the optimum alone is not enough: liblinear stops early (relative
 * tolerance 1e-4), and AlpacaEval's published figures carry what is left to go, up to 0.06 points of win
 * rate on its files (an exact solver is more than 0.01 points off on 6 of 15). So this is liblinear's algorithm with its rules for stopping and its order of
 * coordinates; a smaller `tolerance` gives the optimum itself.
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
 * https://jmlr.org/papers/v13/yuan12a.html; same result as scikit-learn's
 * `LogisticRegression(penalty="l1", solver="liblinear", fit_intercept=False)` on the weighted rows.
 */
export function fitLogistic(
  { features, targets }: LogisticProblem,
  { strength, seed = 0, tolerance = 1e-4 }: LogisticOptions,
): number[] {
  const width = features[0].length;
  // Rows of weight 0 are not there for liblinear, and the smaller class scales its tolerance.
  const positives = targets.filter((p) => p > 0).length;
  const negatives = targets.filter((p) => p < 1).length;
  const rows = positives + negatives;
  const enough = tolerance * Math.max(Math.min(positives, negatives), 1) / rows;
  const order = Array.from({ length: width }, (_, k) => k);
  const draw = bounded(seed);

  let w = new Array<number>(width).fill(0);
  let value = objective(features, targets, w, strength);
  let innerPart = 1;
  let steepestAtZero = 0;
  let slack = Infinity;
  for (let step = 0; step < LIMITS.steps; step++) {
    const { slope, curvature } = derivatives(features, targets, w, strength);
    const { active, total, largest } = activeCoordinates(order, { w, slope, slack });
    if (step === 0) steepestAtZero = total;
    if (total <= enough * steepestAtZero) break;

    const { target, sweeps } = minimiseModel(
      { w, slope, curvature },
      { order, active, enough: innerPart * steepestAtZero, rows, draw },
    );
    let next = target;
    let promised = dot(slope, target.map((t, k) => t - w[k])) + norm(target) - norm(w);
    for (let halving = 0; halving < LIMITS.halvings; halving++) {
      const nextValue = objective(features, targets, next, strength);
      if (nextValue - value <= 0.01 * promised) {
        w = next;
        value = nextValue;
        break;
      }
      next = next.map((t, k) => (t + w[k]) / 2);
      promised /= 2;
    }
    if (sweeps === 1) innerPart /= 4;
    slack = largest / rows;
  }
  return w;
}

interface Model {
  readonly w: readonly number[];
  /** Gradient of the loss at `w`. */
  readonly slope: readonly number[]; // K
  /** Its Hessian. */
  readonly curvature: readonly (readonly number[])[]; // K, K
}

/**
 * Moves to the end of `order` the coordinates that rest at 0 and are `slack` away from leaving it, and says
 * how many are before them, the sum of the others' distances from optimality and the largest one.
 */
function activeCoordinates(
  order: number[],
  { w, slope, slack }: Pick<Model, "w" | "slope"> & { readonly slack: number },
): { active: number; total: number; largest: number } {
  let active = order.length;
  let total = 0;
  let largest = 0;
  for (let s = 0; s < active; s++) {
    const k = order[s];
    if (rests(w[k], slope[k], slack)) {
      swap(order, s--, --active);
      continue;
    }
    const distance = violation(w[k], slope[k]);
    total += distance;
    largest = Math.max(largest, distance);
  }
  return { active, total, largest };
}

/** Minimises `slope . d + d' curvature d / 2 + |w + d|_1` by coordinate descent; the target is w + d. */
function minimiseModel(
  { w, slope, curvature }: Model,
  { order, active, enough, rows, draw }: {
    readonly order: number[];
    readonly active: number;
    readonly enough: number;
    readonly rows: number;
    readonly draw: (range: number) => number;
  },
): { target: number[]; sweeps: number } {
  const target = [...w];
  const moved = w.map(() => 0);
  let left = active;
  let slack = Infinity;
  let sweeps = 0;
  while (sweeps < LIMITS.sweeps) {
    let total = 0;
    let largest = 0;
    for (let s = 0; s < left; s++) swap(order, s, s + draw(left - s));
    for (let s = 0; s < left; s++) {
      const k = order[s];
      const bend = curvature[k][k];
      const here = slope[k] + dot(curvature[k], moved);
      if (rests(target[k], here, slack)) {
        swap(order, s--, --left);
        continue;
      }
      const distance = violation(target[k], here);
      total += distance;
      largest = Math.max(largest, distance);
      let change = -target[k];
      if (here + 1 < bend * target[k]) change = -(here + 1) / bend;
      else if (here - 1 > bend * target[k]) change = -(here - 1) / bend;
      if (Math.abs(change) < 1e-12) continue;
      change = Math.min(Math.max(change, -10), 10);
      target[k] += change;
      moved[k] += change;
    }
    sweeps++;
    slack = largest / rows;
    if (total > enough) continue;
    if (left === active) break;
    // Once more with the coordinates that were set aside.
    left = active;
    slack = Infinity;
  }
  return { target, sweeps };
}

/** Whether a coordinate is at 0 and the loss pulls at it by less than 1 - slack. */
function rests(wk: number, slope: number, slack: number): boolean {
  return wk === 0 && slope + 1 > slack && slope - 1 < -slack;
}

/** How far a coordinate is from optimality: the objective's slope of least size along it. */
function violation(wk: number, slope: number): number {
  return wk === 0 ? Math.max(Math.abs(slope) - 1, 0) : Math.abs(slope + Math.sign(wk));
}

function norm(w: readonly number[]): number {
  return w.reduce((sum, wk) => sum + Math.abs(wk), 0);
}

function objective(
  features: LogisticProblem["features"],
  targets: readonly number[],
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
  features: LogisticProblem["features"],
  targets: readonly number[],
  w: readonly number[],
  strength: number,
): Pick<Model, "slope" | "curvature"> {
  const width = w.length;
  const slope = new Array<number>(width).fill(0);
  const curvature = w.map(() => new Array<number>(width).fill(0));
  for (let i = 0; i < targets.length; i++) {
    const row = features[i];
    const p = sigmoid(dot(row, w));
    for (let k = 0; k < width; k++) {
      slope[k] += strength * (p - targets[i]) * row[k];
      for (let l = 0; l <= k; l++) curvature[k][l] += strength * p * (1 - p) * row[k] * row[l];
    }
  }
  for (let k = 0; k < width; k++) {
    for (let l = 0; l < k; l++) curvature[l][k] = curvature[k][l];
    // A feature that is 0 everywhere has no curvature to divide by.
    curvature[k][k] += 1e-12;
  }
  return { slope, curvature };
}

function swap(list: number[], i: number, j: number): void {
  [list[i], list[j]] = [list[j], list[i]];
}

/** Whole numbers in [0, range) as liblinear draws them in scikit-learn: Lemire's method on MT19937. */
function bounded(seed: number): (range: number) => number {
  const generator = mersenne(seed);
  return (range) => {
    for (;;) {
      const product = BigInt(generator.next() >>> 0) * BigInt(range);
      const low = Number(product & 0xffffffffn);
      if (low >= range || low >= 2 ** 32 % range) return Number(product >> 32n);
    }
  };
}

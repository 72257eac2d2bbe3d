import * as tf from "@tensorflow/tfjs";
import { AdamW, type AdamWConfig, clipped } from "./adamw.ts";
import type { Optimizer, OptimizerState } from "./optimizer_type.ts";

/** A parameter as an optimiser sees it. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Settings of {@linkcode Muon}. */
export interface MuonConfig {
  /** Decay of the momentum of matrices; Nesterov's form. */
  readonly momentum: number;
  /** Decoupled decay of matrices: a step takes this share of the learning rate off them. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this norm over all parameters; 0 switches clipping off. */
  readonly clipNorm: number;
  /** What is not a hidden matrix (embeddings, heads, norms) is left to AdamW. */
  readonly adamw: Omit<AdamWConfig, "clipNorm">;
  /** AdamW's learning rate, as a multiple of the given one. */
  readonly adamwRate: number;
}

/** One learning rate for everything, no weight decay. */
export const MUON_DEFAULTS: MuonConfig = {
  momentum: 0.95,
  weightDecay: 0,
  clipNorm: 1,
  adamw: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0 },
  adamwRate: 1,
};

/** Embedding and heads: of the next token, of a reward model, of SPO's grades. */
const OUTER = /(^|\.)(embed_tokens|lm_head|score|grade)\./;

/** Whether Muon moves a parameter: a matrix that is neither the embedding nor a head. */
export function isHiddenMatrix({ name, shape }: NamedShape): boolean {
  return shape.length === 2 && !OUTER.test(name);
}

/** Matrices of one shape, treated as one stack: a handful of ops, however many there are. */
interface Group {
  /** Name of its momentum in a saved state. */
  readonly moment: string;
  /** Places of its matrices among the parameters. */
  readonly at: readonly number[];
  readonly shape: readonly [n: number, rows: number, columns: number];
  readonly factor: number;
  momentum: tf.Tensor3D;
}

/**
 * Momentum whose update is made orthogonal, for the matrices of hidden layers; AdamW for the rest.
 *
 *     M <- mu M + (1 - mu) g
 *     W <- (1 - rate decay) W - rate factor orthogonal((1 - mu) g + mu M)
 *
 * The factor 0.2 sqrt(max(rows, columns)) gives an update the root mean square of a typical AdamW update
 * (https://arxiv.org/abs/2502.16982, section 2.2), so that AdamW's learning rates carry over.
 *
 * Source: https://kellerjordan.github.io/posts/muon/, in the form of `torch.optim.Muon` with
 * `adjust_lr_fn="match_rms_adamw"`.
 */
export class Muon implements Optimizer {
  readonly #groups: readonly Group[];
  readonly #rest: readonly number[];
  readonly #adamw: AdamW;
  readonly momentSizes: Readonly<Record<string, number>>;

  /** @param parameters In the order of {@linkcode step}; {@linkcode isHiddenMatrix} says who gets what. */
  constructor(
    parameters: readonly NamedShape[],
    readonly config: MuonConfig = MUON_DEFAULTS,
  ) {
    const places = Map.groupBy(
      parameters.flatMap((parameter, i) => isHiddenMatrix(parameter) ? [i] : []),
      (i) => parameters[i].shape.join("x"),
    );
    this.#groups = [...places].map(([name, at]) => {
      const [rows, columns] = parameters[at[0]].shape;
      const factor = 0.2 * Math.sqrt(Math.max(rows, columns));
      const shape = [at.length, rows, columns] as const;
      return { moment: `momentum.${name}`, at, shape, factor, momentum: tf.zeros([...shape]) };
    });
    this.#rest = parameters.flatMap((parameter, i) => isHiddenMatrix(parameter) ? [] : [i]);
    const sizes = this.#rest.map((i) => parameters[i].shape.reduce((a, b) => a * b, 1));
    this.#adamw = new AdamW(sizes.reduce((a, b) => a + b, 0), { ...config.adamw, clipNorm: 0 });
    this.momentSizes = {
      ...this.#adamw.momentSizes,
      ...Object.fromEntries(this.#groups.map(({ moment, momentum }) => [moment, momentum.size])),
    };
  }

  step(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
  ): { updated: tf.Tensor[]; norm: tf.Scalar } {
    const { momentum: mu, weightDecay, clipNorm, adamwRate } = this.config;
    const updated: tf.Tensor[] = Array(parameters.length);
    const { norm, scale } = clipped(gradients, clipNorm);
    const share = tf.mul(scale, 1 - mu);
    for (const group of this.#groups) {
      const [momentum, ...values] = tf.tidy(() => {
        // All (n, rows, columns).
        const g = tf.mul(tf.stack(group.at.map((i) => gradients[i])), share);
        const m = tf.add(tf.mul(group.momentum, mu), g);
        const ahead = tf.add(tf.mul(m, mu), g) as tf.Tensor3D;
        const change = orthogonal(ahead, { scale: learningRate * group.factor });
        let w = tf.stack(group.at.map((i) => parameters[i]));
        if (weightDecay > 0) w = tf.mul(w, 1 - learningRate * weightDecay);
        return [m, ...tf.unstack(tf.sub(w, change))];
      });
      group.momentum.dispose();
      group.momentum = tf.keep(momentum as tf.Tensor3D);
      group.at.forEach((i, k) => updated[i] = values[k]);
    }
    if (this.#rest.length > 0) {
      const scaled = this.#rest.map((i) => tf.mul(gradients[i], scale));
      const now = this.#rest.map((i) => parameters[i]);
      const rest = this.#adamw.step(now, scaled, learningRate * adamwRate);
      this.#rest.forEach((i, k) => updated[i] = rest.updated[k]);
      tf.dispose([rest.norm, ...scaled]);
    }
    tf.dispose([scale, share]);
    return { updated, norm };
  }

  async state(): Promise<OptimizerState> {
    const { step, moments } = await this.#adamw.state();
    const own = await Promise.all(
      this.#groups.map(async ({ moment, momentum }) =>
        [moment, await momentum.data() as Float32Array] as const
      ),
    );
    return { step, moments: { ...moments, ...Object.fromEntries(own) } };
  }

  restore(state: OptimizerState): void {
    this.#adamw.restore(state);
    for (const group of this.#groups) {
      group.momentum.dispose();
      group.momentum = tf.tensor3d(state.moments[group.moment], [...group.shape]);
    }
  }

  dispose(): void {
    this.#adamw.dispose();
    this.#groups.forEach(({ momentum }) => momentum.dispose());
  }
}

/** Coefficients of x -> a x + b x^3 + c x^5, of which five rounds take (0, 1] to about 1. */
const [A, B, C] = [3.4445, -4.7750, 2.0315];
const ROUNDS = 5;
/** Smallest norm divided by, so that zeros stay zeros. */
const EPS = 1e-7;

/**
 * Matrices with the singular vectors of those given and singular values near 1, by five rounds of Newton
 * and Schulz's iteration: 0.68 to 1.21 for all that were above 0.002 of the matrix' Frobenius norm.
 *
 * A round is X <- (a + b G + c G^2) X with G = X X^T. Completing the square and carrying c^(1/4) X in
 * place of X leaves three products and two sums with a constant:
 *
 *     D = X X^T + b / (2 sqrt(c)),  X <- (D^2 + a - b^2 / (4 c)) X
 *
 * For tall matrices the same with X^T X on the other side: no transpose is written out.
 *
 * @param stack (n, rows, columns)
 * @param options.scale Factor on the result.
 * @returns (n, rows, columns)
 */
export function orthogonal(stack: tf.Tensor3D, { scale = 1 } = {}): tf.Tensor3D {
  return tf.tidy(() => {
    const [, rows, columns] = stack.shape;
    const tall = rows > columns;
    const eye = tf.eye(Math.min(rows, columns)); // (k, k), k = min(rows, columns)
    const [inner, outer] = [tf.mul(eye, B / (2 * Math.sqrt(C))), tf.mul(eye, A - B * B / (4 * C))];
    const root = C ** 0.25;
    // The Frobenius norm is at least the largest singular value.
    const norm = tf.sqrt(tf.sum(tf.square(stack), [1, 2], true)); // (n, 1, 1)
    let x: tf.Tensor = tf.mul(stack, tf.div(root, tf.maximum(norm, EPS)));
    for (let round = 0; round < ROUNDS; round++) {
      const d = tf.add(tf.matMul(x, x, tall, !tall), inner); // (n, k, k)
      const p = tf.add(tf.matMul(d, d), outer); // (n, k, k)
      x = tall ? tf.matMul(x, p) : tf.matMul(p, x);
    }
    return tf.mul(x, scale / root) as tf.Tensor3D;
  });
}

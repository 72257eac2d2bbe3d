import * as tf from "@tensorflow/tfjs";

/** Settings of {@linkcode AdamW}. */
export interface AdamWConfig {
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** Gradients are scaled down to this global norm; 0 switches clipping off. */
  clipNorm: number;
}

/** PyTorch's defaults, with the usual clip at norm 1. */
export const ADAMW_DEFAULTS: AdamWConfig = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0,
  clipNorm: 1,
};

/** What an optimiser needs to go on after a restart. */
export interface AdamWState {
  step: number;
  m: Float32Array;
  v: Float32Array;
}

/**
 * Adam with decoupled weight decay over all parameters as one flat vector: a dozen ops a step, whatever
 * the number of tensors (LoRA on 30 layers has 420).
 *
 * Source: https://arxiv.org/abs/1711.05101, algorithm 2, in the form of `torch.optim.AdamW`.
 */
export class AdamW {
  #step = 0;
  #m: tf.Tensor1D;
  #v: tf.Tensor1D;

  /** @param size Number of scalars over all parameters. */
  constructor(readonly size: number, readonly config: AdamWConfig = ADAMW_DEFAULTS) {
    this.#m = tf.zeros([size]);
    this.#v = tf.zeros([size]);
  }

  /**
   * One update.
   *
   * @param parameters Current values, in a fixed order; they are left as they are.
   * @param gradients One per parameter, of the same shapes.
   * @returns the new values, owned by the caller, and the gradient norm before clipping, a scalar
   */
  step(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
  ): { updated: tf.Tensor[]; norm: tf.Scalar } {
    const { beta1, beta2, eps, weightDecay, clipNorm } = this.config;
    this.#step++;
    const [m, v, norm, ...updated] = tf.tidy(() => {
      let g = flatten(gradients);
      const norm = tf.sqrt(tf.sum(tf.square(g))) as tf.Scalar;
      if (clipNorm > 0) {
        g = tf.mul(g, tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6))));
      }
      const m = tf.add(tf.mul(this.#m, beta1), tf.mul(g, 1 - beta1));
      const v = tf.add(tf.mul(this.#v, beta2), tf.mul(tf.square(g), 1 - beta2));
      const unbiased = Math.sqrt(1 - beta2 ** this.#step);
      const rate = learningRate / (1 - beta1 ** this.#step);
      const change = tf.mul(tf.div(m, tf.add(tf.div(tf.sqrt(v), unbiased), eps)), rate);
      const flat = tf.sub(tf.mul(flatten(parameters), 1 - learningRate * weightDecay), change);
      const parts = tf.split(flat, parameters.map((p) => p.size));
      return [m, v, norm, ...parts.map((part, i) => tf.reshape(part, parameters[i].shape))];
    });
    this.#m.dispose();
    this.#v.dispose();
    this.#m = tf.keep(m as tf.Tensor1D);
    this.#v = tf.keep(v as tf.Tensor1D);
    return { updated, norm: norm as tf.Scalar };
  }

  /** A copy of the state on the host. */
  async state(): Promise<AdamWState> {
    const [m, v] = await Promise.all([this.#m.data(), this.#v.data()]);
    return { step: this.#step, m: m as Float32Array, v: v as Float32Array };
  }

  /** Continue from a saved {@linkcode state}. */
  restore({ step, m, v }: AdamWState): void {
    this.dispose();
    this.#step = step;
    this.#m = tf.tensor1d(m);
    this.#v = tf.tensor1d(v);
  }

  dispose(): void {
    this.#m.dispose();
    this.#v.dispose();
  }
}

function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  return tf.concat(tensors.map((t) => tf.reshape(t, [t.size])) as tf.Tensor1D[]);
}

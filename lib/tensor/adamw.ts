import * as tf from "@tensorflow/tfjs";
import { native } from "./kernels.ts";
import type { Optimizer, OptimizerState } from "./optimizer_type.ts";

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

/** Scalars of a group of parameters: 64 MiB of them. A step needs about nine times as much for a moment. */
export const ADAMW_GROUP = 2 ** 24;

interface Moments {
  m: tf.Tensor1D;
  v: tf.Tensor1D;
}

/**
 * Adam with decoupled weight decay over the parameters as flat vectors of up to {@linkcode ADAMW_GROUP} scalars: a dozen ops
 * for each, whatever the number of tensors (LoRA on 30 layers has 420), and no copy of a large model.
 *
 * Source: https://arxiv.org/abs/1711.05101, algorithm 2, in the form of `torch.optim.AdamW`.
 */
export class AdamW implements Optimizer {
  readonly momentSizes: Readonly<Record<string, number>>;
  #step = 0;
  /** One a group; null until the groups are known, which is at the first step. */
  #moments: Moments[] | null = null;
  #restored: OptimizerState["moments"] | null = null;

  readonly #limit: number;

  /**
   * @param size Number of scalars over all parameters.
   * @param options.group Scalars updated together; a larger tensor is updated whole. @default ADAMW_GROUP
   */
  constructor(
    readonly size: number,
    readonly config: AdamWConfig = ADAMW_DEFAULTS,
    { group = ADAMW_GROUP }: { group?: number } = {},
  ) {
    this.#limit = group;
    this.momentSizes = { m: size, v: size };
  }

  step(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
    { free = false }: { free?: boolean } = {},
  ): { updated: tf.Tensor[]; norm: tf.Scalar } {
    this.#step++;
    const groups = grouped(parameters, this.#limit);
    const moments = this.#moments ??= this.#momentsOf(groups, parameters);
    const { norm, scale } = clipped(gradients, this.config.clipNorm, { group: this.#limit });
    const updated: tf.Tensor[] = [];
    groups.forEach(([from, to], i) => {
      const [now, slopes] = [parameters.slice(from, to), gradients.slice(from, to)];
      const { m, v, values } = this.#updated(now, slopes, { ...moments[i], scale, learningRate });
      tf.dispose([moments[i].m, moments[i].v, ...(free ? [...now, ...slopes] : [])]);
      moments[i] = { m: tf.keep(m), v: tf.keep(v) };
      updated.push(...values);
    });
    scale.dispose();
    return { updated, norm };
  }

  /** New moments and new values of a group. */
  #updated(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    { scale, learningRate, ...old }: Moments & { scale: tf.Scalar; learningRate: number },
  ): Moments & { values: tf.Tensor[] } {
    const { beta1, beta2, eps, weightDecay } = this.config;
    const unbiased = Math.sqrt(1 - beta2 ** this.#step);
    const rate = learningRate / (1 - beta1 ** this.#step);
    return tf.tidy(() => {
      const g = tf.tidy(() => tf.mul(flatten(gradients), scale));
      const m = tf.tidy(() => tf.add(tf.mul(old.m, beta1), tf.mul(g, 1 - beta1)));
      const v = tf.tidy(() => tf.add(tf.mul(old.v, beta2), tf.mul(tf.square(g), 1 - beta2)));
      g.dispose();
      const flat = tf.tidy(() => {
        const change = tf.tidy(() =>
          tf.mul(tf.div(m, tf.add(tf.div(tf.sqrt(v), unbiased), eps)), rate)
        );
        return tf.sub(tf.mul(flatten(parameters), 1 - learningRate * weightDecay), change);
      });
      const parts = parameters.length === 1
        ? [flat]
        : tf.split(flat, parameters.map((p) => p.size));
      const values = parts.map((part, i) => tf.reshape(part, parameters[i].shape));
      return { m: m as tf.Tensor1D, v: v as tf.Tensor1D, values };
    });
  }

  /** The moments at the first step: zeros, or as they were restored. */
  #momentsOf(groups: readonly Group[], parameters: readonly tf.Tensor[]): Moments[] {
    let start = 0;
    const moments = groups.map(([from, to]): Moments => {
      const size = parameters.slice(from, to).reduce((sum, p) => sum + p.size, 0);
      const at = start;
      start += size;
      const make = (flat?: Float32Array) =>
        tf.keep(flat ? tf.tensor1d(flat.slice(at, at + size)) : tf.zeros([size])) as tf.Tensor1D;
      return { m: make(this.#restored?.m), v: make(this.#restored?.v) };
    });
    this.#restored = null;
    return moments;
  }

  async state(): Promise<OptimizerState> {
    const joined = async (tensors: readonly tf.Tensor1D[]) => {
      const flat = new Float32Array(this.size);
      let start = 0;
      for (const tensor of tensors) {
        flat.set(await tensor.data() as Float32Array, start);
        start += tensor.size;
      }
      return flat;
    };
    const moments = this.#moments ?? [];
    return {
      step: this.#step,
      moments: this.#restored ??
        { m: await joined(moments.map(({ m }) => m)), v: await joined(moments.map(({ v }) => v)) },
    };
  }

  restore({ step, moments: { m, v } }: OptimizerState): void {
    this.dispose();
    this.#step = step;
    this.#moments = null;
    this.#restored = { m: m.slice(), v: v.slice() };
  }

  dispose(): void {
    this.#moments?.forEach(({ m, v }) => tf.dispose([m, v]));
  }
}

/** Tensors from an index to before another. */
type Group = readonly [from: number, to: number];

/** Neighbours in groups of at most `limit` scalars; a larger tensor is a group of its own. */
function grouped(tensors: readonly tf.Tensor[], limit: number): Group[] {
  const groups: [number, number][] = [];
  let sum = Infinity;
  tensors.forEach(({ size }, i) => {
    if (sum + size > limit) {
      groups.push([i, i]);
      sum = 0;
    }
    groups.at(-1)![1] = i + 1;
    sum += size;
  });
  return groups;
}

/** The norm over all gradients, and the factor that brings it down to `clipNorm` (1 if that is 0). */
export function clipped(
  gradients: readonly tf.Tensor[],
  clipNorm: number,
  { group = ADAMW_GROUP }: { group?: number } = {},
): { norm: tf.Scalar; scale: tf.Scalar } {
  const [norm, scale] = tf.tidy(() => {
    const squares = grouped(gradients, group).map(([from, to]) =>
      tf.tidy(() => sumOfSquares(gradients.slice(from, to)))
    );
    const norm = tf.sqrt(squares.length === 1 ? squares[0] : tf.addN(squares));
    return [
      norm,
      clipNorm > 0 ? tf.minimum(1, tf.div(clipNorm, tf.add(norm, 1e-6))) : tf.scalar(1),
    ];
  }) as tf.Scalar[];
  return { norm, scale };
}

/**
 * Sum of the squares of all numbers of some tensors. tfjs' wasm adds one number after another, which over a million of
 * them loses the third digit: off native TensorFlow rows are summed first.
 */
function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Scalar {
  if (native()) return tf.sum(tf.square(flatten(tensors)));
  return tf.addN(tensors.map((x) => tf.sum(tf.sum(tf.square(x), -1)))) as tf.Scalar;
}

function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  const flat = tensors.map((t) => tf.reshape(t, [t.size])) as tf.Tensor1D[];
  return flat.length === 1 ? flat[0] : tf.concat(flat);
}

/**
 * The differentiable ops of a decoder layer, each with its gradient written by hand.
 *
 * Activations are matrices of rows: N = B * T positions by C channels. Every op takes the tape last, as an
 * option; without one it just computes.
 */
import * as tf from "@tensorflow/tfjs";
import { matmul, meanLast, seededUniform, segmentSum } from "./kernels.ts";
import { rowsOf, widened } from "./narrow.ts";
import type { Tape } from "./tape.ts";

/** Whether, and where, an op is recorded for the backward pass. */
export interface OnTape {
  tape?: Tape | null;
}

/** An output no gradient flows to: a later op may still read it in its pullback, so the tape holds it. */
export function passed<T extends tf.Tensor>(output: T, tape?: Tape | null): T {
  return tape ? tape.hold(output) : output;
}

/** Rows of an embedding table. @param ids int32 (N) @param table (V, C) @returns (N, C) */
export function embedding(
  ids: tf.Tensor1D,
  table: tf.Tensor2D,
  { tape }: OnTape = {},
): tf.Tensor2D {
  const output = rowsOf(table, ids); // (N, C)
  if (!tape?.tracks(table)) return passed(output, tape);
  return tape.record({
    inputs: [table],
    output,
    saved: [],
    pullback: (dy) => [segmentSum(dy, ids, table.shape[0])], // (V, C)
  });
}

/** The rows of `x` named by `rows`. @param x (N, C) @param rows int32 (M) @returns (M, C) */
export function takeRows(x: tf.Tensor2D, rows: tf.Tensor1D, { tape }: OnTape = {}): tf.Tensor2D {
  return embedding(rows, x, { tape });
}

/** Sum of two activations of one shape (the residual connection). */
export function add(a: tf.Tensor2D, b: tf.Tensor2D, { tape }: OnTape = {}): tf.Tensor2D {
  const output = tf.add(a, b) as tf.Tensor2D;
  if (!tape || !(tape.tracks(a) || tape.tracks(b))) return passed(output, tape);
  return tape.record({
    inputs: [a, b],
    output,
    saved: [],
    pullback: (dy) => [tf.clone(dy), tf.clone(dy)],
  });
}

/** A low-rank update W + scale * B A of one weight. Source: LoRA, https://arxiv.org/abs/2106.09685, eq. 3. */
export interface LowRank {
  /** (r, in) */
  a: tf.Tensor2D;
  /** (out, r) */
  b: tf.Tensor2D;
  /** alpha / r */
  scale: number;
  /** Dropout on the adapter's input while training: rate, and the seed of this call's mask. */
  dropout?: { rate: number; seed: readonly [number, number] };
}

/** What {@linkcode linear} may be given beside its input and weight. */
export interface LinearOptions extends OnTape {
  /** (out) */
  bias?: tf.Tensor1D;
  lora?: LowRank | null;
}

/**
 * y = x W^T (+ bias) (+ scale * dropout(x) A^T B^T).
 *
 * @param x (N, in)
 * @param w (out, in), the layout of a Hugging Face checkpoint; a frozen one may be of two bytes a number
 * @returns (N, out)
 */
export function linear(x: tf.Tensor2D, w: tf.Tensor2D, options: LinearOptions = {}): tf.Tensor2D {
  const { bias, lora, tape } = options;
  const inputs: tf.Tensor[] = [x, w];
  if (bias) inputs.push(bias);
  if (lora) inputs.push(lora.a, lora.b);
  const recorded = tape != null && inputs.some((input) => tape.tracks(input));
  const saved: tf.Tensor[] = [];

  const output = tf.tidy(() => {
    let y = matmul(x, widened(w), { transposeB: true }); // (N, out)
    if (bias) y = tf.add(y, bias);
    if (!lora) return y;
    const mask = recorded && lora.dropout ? dropoutMask(x.shape, lora.dropout) : null; // (N, in)
    const dropped = mask ? tf.mul(x, mask) as tf.Tensor2D : x;
    const low = tf.mul(matmul(dropped, lora.a, { transposeB: true }), lora.scale); // (N, r)
    if (recorded) saved.push(tf.keep(low), ...(mask ? [tf.keep(mask), tf.keep(dropped)] : []));
    return tf.add(y, matmul(low, lora.b, { transposeB: true })) as tf.Tensor2D;
  });
  if (!recorded) return passed(output, tape);

  return tape.record({
    inputs,
    output,
    saved,
    pullback: (dy, wanted) => {
      let dx = wanted(0) ? matmul(dy, widened(w)) : null; // (N, in)
      const dw = wanted(1) ? matmul(dy, x, { transposeA: true }) : null; // (out, in)
      const gradients: (tf.Tensor | null)[] = [dx, dw];
      if (bias) gradients.push(wanted(2) ? tf.sum(dy, 0) : null);
      if (lora) {
        const [low, mask, dropped = x] = saved;
        const dlow = tf.mul(matmul(dy, lora.b), lora.scale); // (N, r)
        const da = matmul(dlow, dropped, { transposeA: true }); // (r, in)
        const db = matmul(dy, low, { transposeA: true }); // (out, r)
        if (dx) {
          const through = matmul(dlow, lora.a); // (N, in)
          dx = tf.add(dx, mask ? tf.mul(through, mask) : through) as tf.Tensor2D;
          gradients[0] = dx;
        }
        gradients.push(da, db);
      }
      return gradients;
    },
  });
}

function dropoutMask(shape: number[], { rate, seed }: NonNullable<LowRank["dropout"]>): tf.Tensor {
  return tf.tidy(() =>
    tf.mul(tf.cast(tf.greaterEqual(seededUniform(shape, seed), rate), "float32"), 1 / (1 - rate))
  );
}

/**
 * Root-mean-square normalisation: y = g * x / sqrt(mean(x^2) + eps).
 * Source: https://arxiv.org/abs/1910.07467, eq. 4.
 *
 * @param x (N, C)
 * @param g (C)
 */
export function rmsNorm(
  x: tf.Tensor2D,
  g: tf.Tensor1D,
  { eps, tape }: OnTape & { eps: number },
): tf.Tensor2D {
  const recorded = tape != null && (tape.tracks(x) || tape.tracks(g));
  let r: tf.Tensor | null = null; // (N, 1), 1 / rms
  const output = tf.tidy(() => {
    r = tf.rsqrt(tf.add(meanLast(tf.square(x)), eps));
    if (recorded) tf.keep(r);
    return tf.mul(tf.mul(x, r), g) as tf.Tensor2D;
  });
  if (!recorded) return passed(output, tape);
  const rms = r!;
  return tape.record({
    inputs: [x, g],
    output,
    saved: [rms],
    pullback: (dy, wanted) => {
      const n = tf.mul(x, rms); // (N, C), normalised x
      const dn = tf.mul(dy, g); // (N, C)
      const along = meanLast(tf.mul(dn, n)); // (N, 1), the part that only rescales x
      return [
        wanted(0) ? tf.mul(tf.sub(dn, tf.mul(n, along)), rms) : null,
        wanted(1) ? tf.sum(tf.mul(dy, n), 0) : null,
      ];
    },
  });
}

/**
 * silu(gate) * up, the gate of a SwiGLU feed-forward layer, silu(z) = z * sigmoid(z).
 * Source: https://arxiv.org/abs/2002.05202, eq. 6.
 *
 * @param gate (N, F)
 * @param up (N, F)
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D, { tape }: OnTape = {}): tf.Tensor2D {
  const output = tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up) as tf.Tensor2D);
  if (!tape || !(tape.tracks(gate) || tape.tracks(up))) return passed(output, tape);
  return tape.record({
    inputs: [gate, up],
    output,
    saved: [],
    pullback: (dy) => {
      const s = tf.sigmoid(gate); // recomputed: cheaper than a second activation kept alive
      const silu = tf.mul(gate, s);
      // d silu / d gate = s + silu * (1 - s)
      const slope = tf.add(s, tf.mul(silu, tf.sub(1, s)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
    },
  });
}

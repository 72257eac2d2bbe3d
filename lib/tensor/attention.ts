import * as tf from "@tensorflow/tfjs";
import { type OnTape, passed } from "./ops.ts";

/**
 * Rotary position tables over the whole head width, each (B or 1, 1, T, D): cosines twice, and sines with
 * the sign of the half they are for, (-sin, sin).
 */
export interface Rotary {
  cos: tf.Tensor4D;
  sin: tf.Tensor4D;
}

/** Rotated keys, and values, of some positions: each (B, K, S, D). */
export interface KeysValues {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** Everything {@linkcode attention} needs beside q, k and v. */
export interface AttentionOptions extends OnTape {
  /** B, rows of the batch. */
  batch: number;
  /** H, query heads. */
  heads: number;
  /** K, key and value heads; H / K queries share one. */
  kvHeads: number;
  rotary: Rotary;
  /** Added to the scores: (B or 1, 1, T, T), 0 where position t attends and -1e9 elsewhere. */
  mask: tf.Tensor4D | null;
  /** Receives the rotated keys and values, for a cache. The receiver owns them. */
  onKeysValues?: (block: KeysValues) => void;
}

/** Rotates pairs (i, i + D/2) of the last axis by the tables' angles. @param x (B, heads, T, D) */
export function rotate(x: tf.Tensor4D, { cos, sin }: Rotary): tf.Tensor4D {
  const [x1, x2] = tf.split(x, 2, 3); // (B, heads, T, D/2)
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([x2, x1], 3), sin));
}

/** The inverse rotation: its transpose, and so its gradient. */
function rotateBack(x: tf.Tensor4D, { cos, sin }: Rotary): tf.Tensor4D {
  return rotate(x, { cos, sin: tf.neg(sin) });
}

/**
 * Causal grouped-query attention with rotary positions.
 *
 * Queries of one group are stacked along T, (B, K, G * T, D), so that a key head is read once for all the
 * heads that share it and is never repeated in memory.
 *
 * Source: rotary positions https://arxiv.org/abs/2104.09864, grouped queries https://arxiv.org/abs/2305.13245.
 *
 * @param q (N, H * D)
 * @param k (N, K * D)
 * @param v (N, K * D)
 * @returns (N, H * D)
 */
export function attention(
  [q, k, v]: readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
  options: AttentionOptions,
): tf.Tensor2D {
  const { batch: B, heads: H, kvHeads: K, rotary, mask, onKeysValues, tape } = options;
  const [T, D, G] = [q.shape[0] / B, q.shape[1] / H, H / K];
  const scale = 1 / Math.sqrt(D);
  const recorded = tape != null && [q, k, v].some((x) => tape.tracks(x));

  // One position needs no transpose: (B, 1, heads, D) and (B, heads, 1, D) are the same numbers.
  const swap = (x: tf.Tensor) => T === 1 ? x : tf.transpose(x, [0, 2, 1, 3]);
  const toHeads = (x: tf.Tensor, heads: number) =>
    tf.reshape(swap(tf.reshape(x, [B, T, heads, D])), [B, heads, T, D]) as tf.Tensor4D;
  const fromHeads = (x: tf.Tensor, heads: number) =>
    tf.reshape(swap(tf.reshape(x, [B, heads, T, D])), [B * T, heads * D]);
  const grouped = (x: tf.Tensor) => tf.reshape(x, [B, K, G * T, D]) as tf.Tensor4D;

  const saved: tf.Tensor[] = [];
  const output = tf.tidy(() => {
    const qr = grouped(tf.mul(rotate(toHeads(q, H), rotary), scale)); // (B, K, G*T, D)
    const kr = rotate(toHeads(k, K), rotary); // (B, K, T, D)
    const vh = toHeads(v, K); // (B, K, T, D)
    let scores = tf.matMul(qr, kr, false, true); // (B, K, G*T, T)
    if (mask) {
      scores = tf.reshape(
        tf.add(tf.reshape(scores, [B, H, T, T]), mask), // (B, H, T, T)
        [B, K, G * T, T],
      );
    }
    const p = tf.softmax(scores) as tf.Tensor4D; // (B, K, G*T, T)
    const o = tf.matMul(p, vh); // (B, K, G*T, D)
    if (recorded) saved.push(...[qr, kr, vh, p].map((x) => tf.keep(x)));
    if (onKeysValues) onKeysValues({ keys: tf.keep(kr), values: tf.keep(vh) });
    return fromHeads(o, H) as tf.Tensor2D;
  });
  if (!recorded) return passed(output, tape);

  return tape.record({
    inputs: [q, k, v],
    output,
    saved,
    pullback: (dy) => {
      const [qr, kr, vh, p] = saved as tf.Tensor4D[];
      const dO = grouped(toHeads(dy, H)); // (B, K, G*T, D)
      const dv = tf.matMul(p, dO, true, false); // (B, K, T, D)
      const ds = tf.tidy(() => {
        const dp = tf.mul(tf.matMul(dO, vh, false, true), p); // (B, K, G*T, T)
        return tf.sub(dp, tf.mul(p, tf.sum(dp, 3, true))); // softmax: p * (dp - <dp, p>)
      });
      const dqr = tf.reshape(tf.mul(tf.matMul(ds, kr), scale), [B, H, T, D]) as tf.Tensor4D;
      const dkr = tf.matMul(ds, qr, true, false) as tf.Tensor4D; // (B, K, T, D)
      return [
        fromHeads(rotateBack(dqr, rotary), H),
        fromHeads(rotateBack(dkr, rotary), K),
        fromHeads(dv, K),
      ];
    },
  });
}

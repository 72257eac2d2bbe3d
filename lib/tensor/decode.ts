/** The ops of a decoder layer that only decoding one token per row needs; they have no gradients. */
import * as tf from "@tensorflow/tfjs";
import type { KeysValues, Rotary } from "./attention.ts";

/** What {@linkcode decodeAttention} needs beside its input. */
export interface DecodeAttentionOptions {
  /** B, rows of the batch. */
  batch: number;
  /** K, key and value heads. */
  kvHeads: number;
  /** D, width of a head. */
  headDim: number;
  /** Tables over a whole group, each (B or 1, 1, G + 2, D), from {@linkcode groupRotary}. */
  rotary: Rotary;
  /** Added to the scores: (B or 1, 1, 1, S), 0 on the columns a row attends to and -1e9 on others. */
  mask: tf.Tensor4D;
  /** Puts the new keys and values, (B, K, 1, D) each, into the cache; returns all of it, S columns. */
  write: (block: KeysValues) => KeysValues;
}

/**
 * Attention of one new position per row over the cache, grouped by key head: each of the K groups holds its
 * G query heads, its key and its value, so that one product makes them and one multiplication rotates them.
 *
 * @param x (B, K * (G + 2) * D)
 * @returns (B, K * G * D), the heads in their usual order
 */
export function decodeAttention(x: tf.Tensor2D, options: DecodeAttentionOptions): tf.Tensor2D {
  const { batch: B, kvHeads: K, headDim: D, rotary, mask, write } = options;
  const G = x.shape[1] / (K * D) - 2;
  return tf.tidy(() => {
    const groups = tf.reshape(x, [B, K, G + 2, D]);
    const [low, high] = tf.split(groups, 2, 3); // (B, K, G + 2, D/2)
    const rotated = tf.add(
      tf.mul(groups, rotary.cos),
      tf.mul(tf.concat([high, low], 3), rotary.sin),
    );
    const [q, key, value] = tf.split(rotated, [G, 1, 1], 2) as tf.Tensor4D[];
    const { keys, values } = write({ keys: key, values: value }); // (B, K, S, D)
    const scores = tf.matMul(q, keys, false, true); // (B, K, G, S)
    const p = tf.softmax(tf.add(scores, mask)); // (B, K, G, S)
    return tf.reshape(tf.matMul(p, values), [B, K * G * D]) as tf.Tensor2D;
  });
}

/**
 * Rotary tables for {@linkcode decodeAttention}: queries are rotated and divided by sqrt(D), the key is
 * rotated, the value stays as it is.
 *
 * @param tables Row by row (n, D), as {@linkcode Rotary} describes them.
 * @param options.groupHeads G, query heads that share a key.
 */
export function groupRotary(
  tables: { cos: Float32Array; sin: Float32Array },
  { groupHeads: G, headDim: D }: { groupHeads: number; headDim: number },
): Rotary {
  const n = tables.cos.length / D;
  const table = (from: Float32Array, untouched: number) => {
    const to = new Float32Array(n * (G + 2) * D).fill(untouched);
    for (let b = 0; b < n; b++) {
      const row = from.subarray(b * D, (b + 1) * D);
      const start = b * (G + 2) * D;
      const scaled = row.map((x) => x / Math.sqrt(D));
      for (let g = 0; g < G; g++) to.set(scaled, start + g * D);
      to.set(row, start + G * D);
    }
    return tf.tensor4d(to, [n, 1, G + 2, D]);
  };
  return { cos: table(tables.cos, 1), sin: table(tables.sin, 0) };
}

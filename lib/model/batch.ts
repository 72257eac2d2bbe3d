import * as tf from "@tensorflow/tfjs";
import type { TreePaths } from "../tensor/mod.ts";

/** Added to the attention score of a masked position: its exponential is 0 in float32. */
export const HIDDEN = -1e9;

/** Token ids in a rectangle, with what attention needs to know about it. */
export interface Batch {
  /** B */
  size: number;
  /** T */
  length: number;
  /** int32, B * T, row by row. */
  ids: Int32Array;
  /** Rotary position of every token: T of them if all rows agree, else B * T. */
  positions: Int32Array;
  /** Added to attention scores, (B or 1, 1, T, S); null where every position attends to all before it. */
  mask: tf.Tensor4D | null;
  /** Set where the one row is a prefix tree, whose nodes attend to the path that leads to them. */
  tree?: TreePaths;
}

/** The causal mask of a block of T positions, (1, 1, T, T). */
function causalMask(T: number): tf.Tensor4D {
  const mask = new Float32Array(T * T);
  for (let t = 0; t < T; t++) mask.fill(HIDDEN, t * T + t + 1, (t + 1) * T);
  return tf.tensor4d(mask, [1, 1, T, T]);
}

/**
 * Sequences as rows, padded at the right. A causal model never attends to the right, so that padding needs no
 * mask; the outputs at padding mean nothing and are not read.
 */
export function rightPadded(sequences: readonly (readonly number[])[], padId: number): Batch {
  const T = Math.max(...sequences.map((s) => s.length));
  const ids = new Int32Array(sequences.length * T).fill(padId);
  sequences.forEach((s, b) => ids.set(s, b * T));
  return {
    size: sequences.length,
    length: T,
    ids,
    positions: Int32Array.from({ length: T }, (_, t) => t),
    mask: causalMask(T),
  };
}

/**
 * Sequences as rows, padded at the left, so that all rows continue at the same column. For generation.
 *
 * @returns the batch and `padding`, the number of padding columns of each row
 */
export function leftPadded(
  sequences: readonly (readonly number[])[],
  padId: number,
): Batch & { padding: number[] } {
  const T = Math.max(...sequences.map((s) => s.length));
  const B = sequences.length;
  const padding = sequences.map((s) => T - s.length);
  const ids = new Int32Array(B * T).fill(padId);
  const positions = new Int32Array(B * T);
  const mask = new Float32Array(B * T * T).fill(HIDDEN);
  sequences.forEach((s, b) => {
    const pad = padding[b];
    ids.set(s, b * T + pad);
    for (let t = 0; t < T; t++) {
      positions[b * T + t] = Math.max(0, t - pad);
      const row = (b * T + t) * T;
      // Padding attends to itself: a softmax over nothing would be NaN.
      mask.fill(0, row + Math.min(pad, t), row + t + 1);
    }
  });
  return { size: B, length: T, ids, positions, mask: tf.tensor4d(mask, [B, 1, T, T]), padding };
}

/**
 * Several sequences one behind the other in each row; each attends only to itself and starts at position 0.
 *
 * @param rows For each row the sequences in it.
 */
export function packed(rows: readonly (readonly (readonly number[])[])[], padId: number): Batch {
  const B = rows.length;
  const T = Math.max(...rows.map((row) => row.reduce((sum, s) => sum + s.length, 0)));
  const ids = new Int32Array(B * T).fill(padId);
  const positions = new Int32Array(B * T);
  const mask = new Float32Array(B * T * T).fill(HIDDEN);
  rows.forEach((row, b) => {
    let start = 0;
    const padding = T - row.reduce((sum, s) => sum + s.length, 0);
    for (const sequence of padding ? [...row, Array(padding).fill(padId)] : row) {
      ids.set(sequence, b * T + start);
      for (let i = 0; i < sequence.length; i++) {
        const t = start + i;
        positions[b * T + t] = i;
        mask.fill(0, (b * T + t) * T + start, (b * T + t) * T + t + 1);
      }
      start += sequence.length;
    }
  });
  return { size: B, length: T, ids, positions, mask: tf.tensor4d(mask, [B, 1, T, T]) };
}

/**
 * Indices of `lengths` in groups of at most `budget` tokens when padded to the longest of the group. Neighbours
 * in length share a group, so that there is little padding.
 */
export function lengthBuckets(lengths: readonly number[], budget: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b] || a - b);
  const groups: number[][] = [];
  for (const i of order) {
    const group = groups.at(-1);
    if (group && (group.length + 1) * lengths[i] <= budget) group.push(i);
    else groups.push([i]);
  }
  return groups;
}

/** Attention over a prefix tree, in which sequences that begin alike share positions; without gradients. */
import * as tf from "@tensorflow/tfjs";
import { type Rotary, rotate } from "./attention.ts";

/**
 * The N positions of a prefix tree laid out for attention: R rows of at most T positions to compute, each with the
 * path of at most S positions that leads from the root to its last one.
 */
export interface TreePaths {
  /** R */
  readonly rows: number;
  /** T */
  readonly width: number;
  /** S */
  readonly depth: number;
  /** (R * T): the node, in [0, N), that each row computes; each node once, the rest filled with 0. */
  readonly nodes: Int32Array;
  /** (R * S): the path of each row, filled with 0. */
  readonly paths: Int32Array;
}

/** The tensors of {@linkcode TreePaths} for G query heads that share a key. */
export interface TreeIndex {
  readonly rows: number;
  /** int32 (R * G * T) of G * N. */
  readonly queries: tf.Tensor1D;
  /** int32 (R * S) of N. */
  readonly keys: tf.Tensor1D;
  /** int32 (G * N) of R * G * T: where the output of each node is. */
  readonly outputs: tf.Tensor1D;
  /** (R * G * T, S): 0 on the columns up to the position itself, -1e9 behind. */
  readonly mask: tf.Tensor2D;
}

/**
 * What {@linkcode treeAttention} reads in every layer.
 *
 * @param options.groupHeads G, query heads that share a key.
 * @param options.positions (N): how deep each node lies, from 0.
 */
export function treeIndex(
  { rows: R, width: T, depth: S, nodes, paths }: TreePaths,
  { groupHeads: G, positions }: { groupHeads: number; positions: Int32Array },
): TreeIndex {
  const N = positions.length;
  const queries = new Int32Array(R * G * T);
  const outputs = new Int32Array(G * N);
  const last = new Int32Array(R * G * T);
  // Backwards, so that of the nodes 0 that fill up rows the true one, the first, is written last.
  for (let r = R - 1; r >= 0; r--) {
    for (let t = T - 1; t >= 0; t--) {
      const node = nodes[r * T + t];
      for (let g = 0; g < G; g++) {
        const at = (r * G + g) * T + t;
        queries[at] = g * N + node;
        outputs[g * N + node] = at;
        last[at] = positions[node];
      }
    }
  }
  const mask = tf.tidy(() => {
    const columns = tf.tensor2d(Int32Array.from({ length: S }, (_, s) => s), [1, S]);
    const behind = tf.greater(columns, tf.tensor2d(last, [R * G * T, 1])); // (R*G*T, S)
    return tf.mul(tf.cast(behind, "float32"), -1e9) as tf.Tensor2D;
  });
  return {
    rows: R,
    queries: tf.tensor1d(queries, "int32"),
    keys: tf.tensor1d(paths, "int32"),
    outputs: tf.tensor1d(outputs, "int32"),
    mask,
  };
}

/**
 * Causal grouped-query attention in which each node of a prefix tree attends to the path that leads to it: what
 * {@linkcode attention} gives each sequence by itself, up to rounding.
 *
 * Queries, keys and values are computed once a node and gathered into the rows of the index.
 *
 * @param q (N, H * D)
 * @param k (N, K * D)
 * @param v (N, K * D)
 * @returns (N, H * D)
 */
export function treeAttention(
  [q, k, v]: readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
  options: { heads: number; kvHeads: number; rotary: Rotary; index: TreeIndex },
): tf.Tensor2D {
  const { heads: H, kvHeads: K, rotary, index } = options;
  const [N, D, R] = [q.shape[0], q.shape[1] / H, index.rows];
  const toHeads = (x: tf.Tensor, heads: number) =>
    tf.transpose(tf.reshape(x, [1, N, heads, D]), [0, 2, 1, 3]) as tf.Tensor4D; // (1, heads, N, D)
  /** A row's part of every node's. @param x (1, heads, N, D) @returns (K, R, of each row, D) */
  const rows = (x: tf.Tensor4D, index: tf.Tensor1D) =>
    tf.reshape(tf.gather(tf.reshape(x, [K, -1, D]), index, 1), [K, R, -1, D]);
  return tf.tidy(() => {
    const o = tf.tidy(() => {
      const qr = tf.tidy(() =>
        rows(tf.mul(rotate(toHeads(q, H), rotary), 1 / Math.sqrt(D)), index.queries)
      ); // (K, R, G*T, D)
      const kr = tf.tidy(() => rows(rotate(toHeads(k, K), rotary), index.keys)); // (K, R, S, D)
      const scores = tf.matMul(qr, kr, false, true); // (K, R, G*T, S)
      const masked = tf.add(tf.reshape(scores, [K, ...index.mask.shape]), index.mask);
      const p = tf.softmax(tf.reshape(masked, scores.shape)); // (K, R, G*T, S)
      return tf.matMul(p, tf.tidy(() => rows(toHeads(v, K), index.keys))); // (K, R, G*T, D)
    });
    const back = tf.gather(tf.reshape(o, [K, -1, D]), index.outputs, 1); // (K, G*N, D)
    return tf.reshape(tf.transpose(tf.reshape(back, [H, N, D]), [1, 0, 2]), [N, H * D]);
  });
}

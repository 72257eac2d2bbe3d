import * as tf from "@tensorflow/tfjs";
import { crossEntropy, matmul } from "./kernels.ts";
import { widened } from "./narrow.ts";
import { type OnTape, passed } from "./ops.ts";

/** Logits that are in memory at once: 128 MiB of them. */
const LOGITS_AT_ONCE = 2 ** 25;

/** Positions whose logits are in memory at once, at a vocabulary of this size. */
export function logitRows(vocabSize: number): number {
  return Math.max(1, Math.floor(LOGITS_AT_ONCE / vocabSize));
}

/** Options of {@linkcode tokenLogProbs}. */
export interface TokenLogProbsOptions extends OnTape {
  /** int32 (M) */
  targets: tf.Tensor1D;
  /** (C, V), the output embedding transposed, if at hand: the faster way to the logits. */
  columns?: tf.Tensor2D;
  /** Rows computed at once. @default as many as have 128 MiB of logits */
  rows?: number;
}

/**
 * Log-probability of each target under softmax(x W^T): output layer and cross-entropy in one op, so that
 * logits exist only for the positions asked for, and for {@linkcode logitRows} of them at a time.
 *
 * Where there are more, nothing of size V is kept for the backward pass. A frozen W needs none of it: the row's
 * gradient for dy = 1, (softmax - onehot) W, is (C) and is computed at once; a W in training has its logits
 * computed again.
 *
 * @param x (M, C), the hidden states of those positions
 * @param w (V, C), the output embedding
 * @returns (M)
 */
export function tokenLogProbs(
  x: tf.Tensor2D,
  w: tf.Tensor2D,
  { targets, columns, tape, rows = logitRows(w.shape[0]) }: TokenLogProbsOptions,
): tf.Tensor1D {
  const M = x.shape[0];
  const trained = tape?.tracks(w) ?? false;
  const recorded = trained || (tape?.tracks(x) ?? false);
  const starts = Array.from({ length: Math.max(1, Math.ceil(M / rows)) }, (_, i) => i * rows);
  const whole = starts.length === 1;

  const blockOf = <T extends tf.Tensor>(tensor: T, start: number): T =>
    whole ? tensor : tf.slice(tensor, start, Math.min(rows, M - start)) as T;
  /** -log p of a block's targets (m), and its gradient with respect to the logits (m, V). */
  const lossOf = (start: number) => {
    const block = blockOf(x, start); // (m, C)
    const logits = columns
      ? matmul(block, columns)
      : matmul(block, widened(w), { transposeB: true }); // (m, V)
    return crossEntropy(logits, blockOf(targets, start));
  };

  let slope: tf.Tensor | null = null; // (M, V), of all rows where they are one block
  let unit: tf.Tensor | null = null; // (M, C), dx for dy = 1
  const output = tf.tidy(() => {
    const blocks = starts.map((start) =>
      tf.tidy(() => {
        const { loss, gradient } = lossOf(start);
        if (recorded && whole) slope = tf.keep(gradient);
        const through = recorded && !whole && !trained ? [matmul(gradient, widened(w))] : []; // (m, C)
        return [loss, ...through];
      })
    );
    if (blocks[0].length > 1) unit = tf.keep(tf.concat(blocks.map(([, through]) => through)));
    return tf.neg(whole ? blocks[0][0] : tf.concat(blocks.map(([loss]) => loss))) as tf.Tensor1D;
  });
  if (!recorded) return passed(output, tape);

  return tape!.record({
    inputs: [x, w],
    output,
    saved: [slope, unit].filter((tensor) => tensor !== null),
    pullback: (dy, wanted) => {
      if (unit) return [tf.mul(tf.neg(tf.expandDims(dy, 1)), unit), null];
      const dxs: tf.Tensor[] = [];
      let dw: tf.Tensor | null = null; // (V, C)
      for (const start of starts) {
        const [more, dx] = tf.tidy(() => {
          const down = tf.neg(tf.expandDims(blockOf(dy, start), 1)); // (m, 1)
          const dlogits = tf.mul(down, slope ?? lossOf(start).gradient); // (m, V)
          const part = wanted(1) ? matmul(dlogits, blockOf(x, start), { transposeA: true }) : null;
          return [
            part && dw ? tf.add(dw, part) : part,
            wanted(0) ? matmul(dlogits, widened(w)) : null, // (m, C)
          ];
        });
        dw?.dispose();
        dw = more;
        if (dx) dxs.push(dx);
      }
      return [dxs.length > 1 ? tf.concat(dxs) : dxs[0] ?? null, dw];
    },
  });
}

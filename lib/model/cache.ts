import * as tf from "@tensorflow/tfjs";
import type { PastBlock } from "../tensor/mod.ts";

/** Positions gathered in the recent block before they join the long one. */
const BLOCK = 32;

/**
 * Keys and values of the positions decoded so far.
 *
 * Tensors cannot grow, so appending copies. Each layer keeps a long block and a recent one of up to
 * {@linkcode BLOCK} positions: a step copies only the recent one.
 */
export class KeyValueCache {
  #layers: PastBlock[][] = [];

  /** Cached positions. */
  get length(): number {
    return (this.#layers[0] ?? []).reduce((sum, { keys }) => sum + keys.shape[2], 0);
  }

  /** The cached blocks of a layer, oldest first. */
  blocks(layer: number): PastBlock[] {
    return this.#layers[layer] ?? [];
  }

  /** Appends a layer's new positions and takes them over. */
  append(layer: number, block: PastBlock): void {
    const blocks = this.#layers[layer] ??= [];
    blocks.push(block);
    if (blocks.length < 3) return;
    const recent = joined(blocks.splice(1));
    if (recent.keys.shape[2] < BLOCK) blocks.push(recent);
    else blocks.push(joined([blocks.pop()!, recent]));
  }

  /** Keeps the given rows of the batch, in that order; a row may be asked for more than once. */
  select(rows: readonly number[]): void {
    const index = tf.tensor1d([...rows], "int32");
    const pick = (x: tf.Tensor4D) => {
      const picked = tf.keep(tf.gather(x, index));
      x.dispose();
      return picked;
    };
    this.#layers = this.#layers.map((blocks) =>
      blocks.map(({ keys, values }) => ({ keys: pick(keys), values: pick(values) }))
    );
    index.dispose();
  }

  dispose(): void {
    for (const { keys, values } of this.#layers.flat()) {
      keys.dispose();
      values.dispose();
    }
    this.#layers = [];
  }
}

/** One block with the positions of all, which are disposed of. */
function joined(blocks: PastBlock[]): PastBlock {
  const join = (tensors: tf.Tensor4D[]) => {
    const whole = tf.keep(tf.concat(tensors, 2)) as tf.Tensor4D; // (B, K, S, D)
    for (const tensor of tensors) tensor.dispose();
    return whole;
  };
  return { keys: join(blocks.map((b) => b.keys)), values: join(blocks.map((b) => b.values)) };
}

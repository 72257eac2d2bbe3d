import * as tf from "@tensorflow/tfjs";
import { type KeysValues, writeRows } from "../tensor/mod.ts";

/** Positions by which a cache grows: growing copies it, and a shape that stays spares new kernels. */
const GROWTH = 16;

/**
 * Keys and values of the positions decoded so far, each (B, K, capacity, D) in a layer.
 *
 * There is room for positions to come; a step writes its own in place. What lies behind
 * {@linkcode KeyValueCache.length} is zero and has to be masked.
 *
 * @example
 * ```ts
 * const cache = new KeyValueCache();
 * model.hidden(prompts, { onKeysValues: (layer, block) => cache.fill(layer, block) });
 * const { column } = cache.extend(); // then, in each layer:
 * const { keys, values } = cache.write(layer, next);
 * ```
 */
export class KeyValueCache {
  #layers: KeysValues[] = [];
  #length = 0;
  #rows: tf.Tensor1D | null = null; // of the step under way, in a view (B * K * capacity, D)

  /** Cached positions. */
  get length(): number {
    return this.#length;
  }

  /** Positions there is room for, cached ones included. */
  get capacity(): number {
    return this.#layers[0]?.keys.shape[2] ?? 0;
  }

  /** What a layer holds, room included. */
  layer(layer: number): KeysValues {
    return this.#layers[layer];
  }

  /** Takes over a layer's keys and values of the prompt. */
  fill(layer: number, block: KeysValues): void {
    this.#layers[layer] = block;
    this.#length = block.keys.shape[2];
  }

  /** Makes room for one more position, to be written in every layer; answers its column. */
  extend(): number {
    if (this.#length === this.capacity) this.#map((x) => grown(x, GROWTH));
    const [B, K, capacity] = this.#layers[0].keys.shape;
    const column = this.#length++;
    this.#rows?.dispose();
    this.#rows = tf.keep(
      tf.tensor1d(Int32Array.from({ length: B * K }, (_, i) => i * capacity + column), "int32"),
    );
    return column;
  }

  /**
   * Writes a layer's keys and values of the newest position.
   *
   * @param block (B, K, 1, D) each; stays the caller's.
   * @returns all of the layer, {@linkcode capacity} columns; stays the cache's
   */
  write(layer: number, block: KeysValues): KeysValues {
    const rows = this.#rows!;
    const into = (whole: tf.Tensor4D, part: tf.Tensor4D) => {
      const [B, K, capacity, D] = whole.shape;
      const written = tf.tidy(() => {
        const flat = writeRows(
          tf.reshape(whole, [B * K * capacity, D]),
          rows,
          tf.reshape(part, [B * K, D]),
        );
        return tf.keep(tf.reshape(flat, whole.shape)) as tf.Tensor4D;
      });
      whole.dispose();
      return written;
    };
    const { keys, values } = this.#layers[layer];
    return this.#layers[layer] = {
      keys: into(keys, block.keys),
      values: into(values, block.values),
    };
  }

  /** Keeps the given rows of the batch, in that order; a row may be asked for more than once. */
  select(rows: readonly number[]): void {
    const index = tf.tensor1d([...rows], "int32");
    this.#map((x) => tf.gather(x, index));
    index.dispose();
  }

  /** Frees everything. */
  dispose(): void {
    for (const { keys, values } of this.#layers) tf.dispose([keys, values]);
    this.#rows?.dispose();
    this.#layers = [];
    this.#rows = null;
    this.#length = 0;
  }

  /** Replaces every tensor by what `change` makes of it. */
  #map(change: (x: tf.Tensor4D) => tf.Tensor4D): void {
    const changed = (x: tf.Tensor4D) => {
      const y = tf.keep(tf.tidy(() => change(x)));
      x.dispose();
      return y;
    };
    this.#layers = this.#layers.map(({ keys, values }) => ({
      keys: changed(keys),
      values: changed(values),
    }));
  }
}

/** With `more` columns of zeros at the end. @param x (B, K, S, D) */
function grown(x: tf.Tensor4D, more: number): tf.Tensor4D {
  const [B, K, , D] = x.shape;
  return tf.concat([x, tf.zeros<tf.Rank.R4>([B, K, more, D])], 2);
}

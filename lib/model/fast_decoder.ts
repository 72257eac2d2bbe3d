import * as tf from "@tensorflow/tfjs";
import {
  add,
  decodeAttention,
  embedding,
  groupRotary,
  type KeysValues,
  matmul,
  rmsNorm,
  type Rotary,
  swiglu,
  widened,
} from "../tensor/mod.ts";
import { HIDDEN } from "./batch.ts";
import type { KeyValueCache } from "./cache.ts";
import { type LanguageModel, mergedWeight } from "./language_model.ts";
import { type LinearModule, modulePath } from "./linear_modules.ts";
import { moduleShape } from "./lora.ts";
import { ropeTables } from "./rope_tables.ts";

/** A product with all that several linear layers of one input do. */
interface Product {
  /** (in, out): at a few rows a product reads this faster than the (out, in) of a checkpoint. */
  readonly columns: tf.Tensor2D;
  /** (out) */
  readonly bias: tf.Tensor1D | null;
}

interface FastDecoderLayer {
  readonly groups: Product;
  readonly o: Product;
  readonly gateUp: Product;
  readonly down: Product;
}

/**
 * A model laid out for decoding one token per row at a time, which is bound by the reading of weights and by
 * the number of ops: the adapter is added into copies of the linear layers, layers of one input are
 * joined, and all are transposed. The same function as {@linkcode LanguageModel.hidden} up to rounding.
 *
 * It takes the memory of the linear layers once more, and shares embedding and norms with the model, which
 * must not change meanwhile.
 *
 * @example
 * ```ts
 * const decoder = new FastDecoder(model);
 * const column = cache.extend();
 * const hidden = decoder.hidden(tokens, { cache, column, padding }); // (B, C)
 * decoder.dispose();
 * ```
 */
export class FastDecoder {
  readonly #model: LanguageModel;
  readonly #layers: FastDecoderLayer[] = [];

  constructor(model: LanguageModel) {
    this.#model = model;
    for (let layer = 0; layer < model.config.layers; layer++) {
      this.#layers.push(joined(model, layer));
    }
  }

  /**
   * Hidden states after the last norm of one new token per row, behind what the cache holds.
   *
   * @param tokens B token ids
   * @param options.cache Takes the keys and values of the new position.
   * @param options.column The new position, for which the cache was extended.
   * @param options.padding Cached columns at the start that each row does not see.
   * @returns (B, C)
   */
  hidden(
    tokens: readonly number[],
    { cache, column, padding }: {
      cache: KeyValueCache;
      column: number;
      padding: readonly number[];
    },
  ): tf.Tensor2D {
    const { weights } = this.#model;
    return tf.tidy(() => {
      const rotary = this.#rotary(padding, column);
      const mask = visible(padding, column, cache.capacity);
      const ids = tf.tensor1d(Int32Array.from(tokens), "int32");
      let x = embedding(ids, weights.get("model.embed_tokens.weight") as tf.Tensor2D); // (B, C)
      this.#layers.forEach((_, layer) => {
        const write = (block: KeysValues) => cache.write(layer, block);
        const next = tf.tidy(() => this.#layer(x, { layer, rotary, mask, write }));
        x.dispose();
        x = next;
      });
      return this.#norm(x, "model.norm");
    });
  }

  /** Frees the copies; the model stays. */
  dispose(): void {
    for (const product of this.#layers.flatMap((layer) => Object.values(layer) as Product[])) {
      product.columns.dispose();
      product.bias?.dispose();
    }
    this.#layers.length = 0;
  }

  /** One block, as in LanguageModel: x + attention(norm(x)), then + feed-forward(norm(.)). */
  #layer(
    x: tf.Tensor2D,
    { layer, ...attention }: {
      layer: number;
      rotary: Rotary;
      mask: tf.Tensor4D;
      write: (block: KeysValues) => KeysValues;
    },
  ): tf.Tensor2D {
    const { groups, o, gateUp, down } = this.#layers[layer];
    const at = `model.layers.${layer}`;
    const { kvHeads, headDim } = this.#model.config;
    const heads = decodeAttention(
      product(this.#norm(x, `${at}.input_layernorm`), groups), // (B, K * (G + 2) * D)
      { batch: x.shape[0], kvHeads, headDim, ...attention },
    );
    const mixed = add(x, product(heads, o));
    const h = this.#norm(mixed, `${at}.post_attention_layernorm`); // (B, C)
    const [gate, up] = tf.split(product(h, gateUp), 2, 1) as tf.Tensor2D[]; // (B, F)
    return add(mixed, product(swiglu(gate, up), down));
  }

  #norm(x: tf.Tensor2D, path: string): tf.Tensor2D {
    const { config, weights } = this.#model;
    return rmsNorm(x, weights.get(`${path}.weight`) as tf.Tensor1D, { eps: config.rmsEps });
  }

  /** Tables of the column's position in each row, or one for all where they agree. */
  #rotary(padding: readonly number[], column: number): Rotary {
    const { config } = this.#model;
    const alike = padding.every((pad) => pad === padding[0]);
    const positions = (alike ? padding.slice(0, 1) : padding).map((pad) => column - pad);
    return groupRotary(ropeTables(config, positions), {
      groupHeads: config.heads / config.kvHeads,
      headDim: config.headDim,
    });
  }
}

/** x W + b. @param x (B, in) @returns (B, out) */
function product(x: tf.Tensor2D, { columns, bias }: Product): tf.Tensor2D {
  const y = matmul(x, columns);
  return bias ? tf.add(y, bias) : y;
}

/** Hides the room behind `column` and the padding before each row: (B or 1, 1, 1, capacity). */
function visible(padding: readonly number[], column: number, capacity: number): tf.Tensor4D {
  const rows = padding.some((pad) => pad > 0) ? padding : [0];
  const mask = new Float32Array(rows.length * capacity).fill(HIDDEN);
  rows.forEach((pad, b) => mask.fill(0, b * capacity + pad, b * capacity + column + 1));
  return tf.tensor4d(mask, [rows.length, 1, 1, capacity]);
}

/** The products of one layer. */
function joined(model: LanguageModel, layer: number): FastDecoderLayer {
  const { config } = model;
  const weight = (module: LinearModule) => {
    const path = modulePath(layer, module);
    const w = model.weights.get(`${path}.weight`)!;
    const update = model.adapter?.update(path);
    return update ? mergedWeight(w, update) : widened(w);
  };
  const bias = (module: LinearModule) =>
    model.weights.get(`${modulePath(layer, module)}.bias`) ??
      tf.zeros([moduleShape(config, module)[0]]);
  /** Rows of several layers, one behind the other, within each of `parts` equal parts. */
  const join = (tensors: tf.Tensor[], parts: number) => {
    if (tensors.length === 1) return tensors[0];
    const rows = tensors.map((x) => tf.reshape(x, [parts, x.shape[0] / parts, -1]));
    const whole = tf.concat(rows, 1);
    const out = whole.shape[0] * whole.shape[1]!;
    return tf.reshape(whole, tensors[0].rank === 1 ? [out] : [out, -1]);
  };
  const make = (modules: LinearModule[], parts = 1): Product => {
    const biased = modules.some((module) => config.biases.includes(module));
    const copy = <T extends tf.Tensor>(make: () => tf.Tensor) => tf.keep(tf.tidy(make)) as T;
    return {
      columns: copy(() => tf.transpose(join(modules.map(weight), parts))),
      bias: biased ? copy(() => tf.clone(join(modules.map(bias), parts))) : null,
    };
  };
  return {
    groups: make(["q_proj", "k_proj", "v_proj"], config.kvHeads), // a key head's queries, its key, its value
    o: make(["o_proj"]),
    gateUp: make(["gate_proj", "up_proj"]),
    down: make(["down_proj"]),
  };
}

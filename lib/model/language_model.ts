import * as tf from "@tensorflow/tfjs";
import {
  add,
  attention,
  embedding,
  type FrozenDtype,
  type KeysValues,
  linear,
  type LowRank,
  matmul,
  rmsNorm,
  type Rotary,
  stored,
  storedType,
  swiglu,
  type Tape,
  treeAttention,
  type TreeIndex,
  treeIndex,
  widened,
} from "../tensor/mod.ts";
import type { Batch } from "./batch.ts";
import { checkWeights } from "./check_weights.ts";
import type { ModelConfig } from "./config.ts";
import { LINEAR_MODULES, modulePath } from "./linear_modules.ts";
import { type LoraAdapter, moduleShape } from "./lora.ts";
import { ropeTables } from "./rope_tables.ts";
import type { WeightSource } from "./weight_source.ts";

/** How one forward pass is run. */
export interface ForwardOptions {
  /** Record for a backward pass. */
  tape?: Tape | null;
  /** Receives the batch's keys and values of a layer, and owns them. */
  onKeysValues?: (layer: number, block: KeysValues) => void;
  /** Switches the adapter's dropout on (training) and seeds its masks. */
  dropoutSeed?: number;
}

/**
 * A decoder as Llama and its relatives have it: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 * What sets the families apart is in `families.ts`.
 *
 * It computes hidden states; what is done with them (log-probabilities, judgments, sampling) lives
 * elsewhere, and it knows nothing of preferences.
 */
export class LanguageModel {
  /** The adapter in use, if any. */
  adapter: LoraAdapter | null = null;
  #columns: { of: number; tensor: tf.Tensor2D } | null = null;

  private constructor(
    readonly config: ModelConfig,
    /** Tensors by their Hugging Face names. */
    readonly weights: Map<string, tf.Tensor>,
  ) {}

  /** Names and shapes of the weights a config asks for. */
  static shapes(config: ModelConfig): Map<string, number[]> {
    const { vocabSize: V, hiddenSize: C } = config;
    const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [V, C]]]);
    for (let layer = 0; layer < config.layers; layer++) {
      shapes.set(`model.layers.${layer}.input_layernorm.weight`, [C]);
      shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [C]);
      for (const module of LINEAR_MODULES) {
        const path = modulePath(layer, module);
        const [out, input] = moduleShape(config, module);
        shapes.set(`${path}.weight`, [out, input]);
        if (config.biases.includes(module)) shapes.set(`${path}.bias`, [out]);
      }
    }
    shapes.set("model.norm.weight", [C]);
    if (!config.tieEmbeddings) shapes.set("lm_head.weight", [V, C]);
    return shapes;
  }

  /**
   * A model with values from `fill`, for example fresh random ones.
   *
   * @param options.frozenDtype As {@linkcode LanguageModel.load} has it. @default "float32"
   */
  static build(
    config: ModelConfig,
    fill: (name: string, shape: number[]) => Float32Array,
    { frozenDtype = "float32" }: { frozenDtype?: FrozenDtype } = {},
  ): LanguageModel {
    const weights = new Map<string, tf.Tensor>();
    for (const [name, shape] of LanguageModel.shapes(config)) {
      weights.set(name, weightOf(fill(name, shape), shape, frozenDtype));
    }
    return new LanguageModel(config, weights);
  }

  /**
   * A model read from a checkpoint.
   *
   * @param options.file The checkpoint's path, for messages.
   * @param options.frozenDtype How matrices are stored. Two bytes a number halve the memory of a model that is asked,
   *   or trained by an adapter: it computes in float32 with its weights rounded. @default "float32"
   * @param options.alsoRead Tensors beside the model's that the caller reads.
   * @throws {UserError} if a tensor is missing, has another shape than the config says or would be overlooked;
   *   it is named
   */
  static async load(
    config: ModelConfig,
    source: WeightSource,
    options: {
      file: string;
      frozenDtype?: FrozenDtype;
      alsoRead?: readonly string[];
      onProgress?: (done: number, total: number) => void;
    },
  ): Promise<LanguageModel> {
    const { file, frozenDtype = "float32", alsoRead, onProgress = () => {} } = options;
    const shapes = LanguageModel.shapes(config);
    await checkWeights(source, { config, shapes, file, alsoRead });
    const weights = new Map<string, tf.Tensor>();
    for (const [name, shape] of shapes) {
      weights.set(name, weightOf(await source.read(name), shape, frozenDtype));
      onProgress(weights.size, shapes.size);
    }
    return new LanguageModel(config, weights);
  }

  /** Output embedding (V, C): logits = hidden x its transpose. */
  get outputEmbedding(): tf.Tensor2D {
    return this.#weight(
      this.config.tieEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight",
    ) as tf.Tensor2D;
  }

  /**
   * Hidden states after the last norm. A batch that is a prefix tree is for a pass without a tape and without
   * `onKeysValues`.
   *
   * @returns (B * T, C). The caller disposes of it, or the tape does once the pass was recorded.
   */
  hidden(batch: Batch, options: ForwardOptions = {}): tf.Tensor2D {
    const { config } = this;
    const { tape = null } = options;
    if (batch.tree && (tape || options.onKeysValues)) {
      throw new Error("a prefix tree has no gradients and fills no cache");
    }
    return tf.tidy(() => {
      const ids = tf.tensor1d(batch.ids, "int32");
      const rotary = this.#rotary(batch);
      const tree = batch.tree && treeIndex(batch.tree, {
        groupHeads: config.heads / config.kvHeads,
        positions: batch.positions,
      });
      for (const tensor of [ids, rotary.cos, rotary.sin]) tape?.hold(tensor); // pullbacks read them
      let x = embedding(ids, this.#weight("model.embed_tokens.weight") as tf.Tensor2D, { tape });
      for (let layer = 0; layer < config.layers; layer++) {
        const run = (x: tf.Tensor2D, tape: Tape | null = null) =>
          tf.tidy(() => this.#layer(x, { ...options, tape, layer, batch, rotary, tree }));
        const next = tape ? tape.segment(x, run) : run(x);
        if (!tape) x.dispose();
        x = next;
      }
      return this.#norm(x, "model.norm", tape);
    });
  }

  /** One block: x + attention(norm(x)), then + feed-forward(norm(.)). */
  #layer(
    x: tf.Tensor2D,
    { layer, batch, rotary, tree, tape = null, onKeysValues, dropoutSeed }: ForwardOptions & {
      layer: number;
      batch: Batch;
      rotary: Rotary;
      tree?: TreeIndex;
    },
  ): tf.Tensor2D {
    const at = `model.layers.${layer}`;
    const project = (input: tf.Tensor2D, path: string) =>
      linear(input, this.#weight(`${path}.weight`) as tf.Tensor2D, {
        bias: this.weights.get(`${path}.bias`) as tf.Tensor1D | undefined,
        lora: this.adapter?.update(path, dropoutSeed),
        tape,
      });

    const mixed = tf.tidy(() => {
      const h = this.#norm(x, `${at}.input_layernorm`, tape); // (N, C)
      const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((m) =>
        project(h, `${at}.self_attn.${m}`)
      );
      const { heads, kvHeads } = this.config;
      const qkv = [q, k, v] as const;
      const o = tree
        ? treeAttention(qkv, { heads, kvHeads, rotary, index: tree })
        : attention(qkv, {
          batch: batch.size,
          heads,
          kvHeads,
          rotary,
          mask: batch.mask,
          onKeysValues: onKeysValues && ((block) => onKeysValues(layer, block)),
          tape,
        });
      return add(x, project(o, `${at}.self_attn.o_proj`), { tape });
    });
    return tf.tidy(() => {
      const h = this.#norm(mixed, `${at}.post_attention_layernorm`, tape); // (N, C)
      const gate = project(h, `${at}.mlp.gate_proj`); // (N, F)
      const up = project(h, `${at}.mlp.up_proj`); // (N, F)
      return add(mixed, project(swiglu(gate, up, { tape }), `${at}.mlp.down_proj`), { tape });
    });
  }

  /** Logits of some hidden states. @param hidden (M, C) @returns (M, V) */
  logits(hidden: tf.Tensor2D): tf.Tensor2D {
    return matmul(hidden, this.outputColumns);
  }

  /**
   * The output embedding transposed, (C, V), kept until the embedding changes: at a few rows and a large
   * vocabulary a product with it takes about half the time of one that reads the embedding sideways.
   */
  get outputColumns(): tf.Tensor2D {
    const { id } = this.outputEmbedding;
    if (this.#columns?.of !== id) {
      this.#columns?.tensor.dispose();
      const tensor = tf.keep(tf.tidy(() => tf.transpose(widened(this.outputEmbedding))));
      this.#columns = { of: id, tensor };
    }
    return this.#columns.tensor;
  }

  /** Runs `work` with the adapter off: as the model was before training. */
  async withoutAdapter<T>(work: () => Promise<T>): Promise<T> {
    const { adapter } = this;
    this.adapter = null;
    try {
      return await work();
    } finally {
      this.adapter = adapter;
    }
  }

  /**
   * Adds the adapter into the weights for good and drops it: the trained model becomes the base of the next. Weights of
   * two bytes become float32, since rounding them again would lose what was learned.
   */
  foldAdapter(): void {
    const { adapter } = this;
    if (!adapter) return;
    for (const path of adapter.paths) {
      const w = this.#weight(`${path}.weight`);
      this.weights.set(`${path}.weight`, tf.keep(mergedWeight(w, adapter.update(path)!)));
      w.dispose();
    }
    adapter.dispose();
    this.adapter = null;
  }

  /** Stores the matrices anew, as {@linkcode LanguageModel.load} would have with this type. */
  storeAs(dtype: FrozenDtype): void {
    for (const [name, w] of this.weights) {
      if (w.shape.length === 1 || storedType(w) === dtype) continue;
      this.weights.set(name, tf.keep(tf.tidy(() => stored(widened(w), dtype))));
      w.dispose();
    }
  }

  dispose(): void {
    this.adapter?.dispose();
    this.#columns?.tensor.dispose();
    for (const tensor of this.weights.values()) tensor.dispose();
    this.weights.clear();
  }

  #weight(name: string): tf.Tensor {
    return this.weights.get(name)!;
  }

  #norm(x: tf.Tensor2D, path: string, tape: Tape | null): tf.Tensor2D {
    const gain = this.#weight(`${path}.weight`) as tf.Tensor1D;
    return rmsNorm(x, gain, { eps: this.config.rmsEps, tape });
  }

  /** Tables for the batch's positions, (1 or B, 1, T, D). */
  #rotary({ positions, size, length }: Batch): Rotary {
    const { cos, sin } = ropeTables(this.config, positions);
    const rows = positions.length === length && size > 1 ? 1 : positions.length / length;
    const shape: [number, number, number, number] = [rows, 1, length, this.config.headDim];
    return { cos: tf.tensor4d(cos, shape), sin: tf.tensor4d(sin, shape) };
  }
}

/** A weight as the model keeps it: norms and biases are always float32. */
function weightOf(values: Float32Array, shape: number[], dtype: FrozenDtype): tf.Tensor {
  const make = () => tf.tensor(values, shape, "float32");
  if (shape.length === 1 || dtype === "float32") return tf.keep(make());
  return tf.keep(tf.tidy(() => stored(make(), dtype)));
}

/** W + scale * B A, in float32. @param w (out, in) */
export function mergedWeight(w: tf.Tensor, { a, b, scale }: LowRank): tf.Tensor {
  return tf.tidy(() => tf.add(widened(w), tf.mul(matmul(b, a), scale)));
}

import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import type { Rng } from "../base/random.ts";
import type { LowRank } from "../tensor/mod.ts";
import type { ModelConfig } from "./config.ts";
import { LINEAR_MODULES, type LinearModule, modulePath } from "./linear_modules.ts";

/** Settings of an adapter, in PEFT's terms. */
export interface LoraConfig {
  /** Rank. */
  r: number;
  /** The update is scaled by alpha / r. */
  alpha: number;
  /** Dropout on the adapter's input while training. */
  dropout: number;
  /** Layers that get an update. */
  targetModules: readonly LinearModule[];
}

/** The paper's settings for HH-RLHF, on every linear layer. */
export const LORA_DEFAULTS: LoraConfig = {
  r: 8,
  alpha: 16,
  dropout: 0.1,
  targetModules: LINEAR_MODULES,
};

/** Shape (out, in) of a linear layer's weight. */
export function moduleShape(config: ModelConfig, module: LinearModule): [number, number] {
  const { hiddenSize: C, intermediateSize: F, heads, kvHeads, headDim } = config;
  const shapes: Record<LinearModule, [number, number]> = {
    q_proj: [heads * headDim, C],
    k_proj: [kvHeads * headDim, C],
    v_proj: [kvHeads * headDim, C],
    o_proj: [C, heads * headDim],
    gate_proj: [F, C],
    up_proj: [F, C],
    down_proj: [C, F],
  };
  return shapes[module];
}

/**
 * Low-rank updates for the linear layers of one model. With the adapter switched off the model is what it
 * was: the reference policy and the judge need no second copy of the weights.
 */
export class LoraAdapter {
  /** Parameters by PEFT's name without prefix: "model.layers.0.self_attn.q_proj.lora_A.weight". */
  readonly parameters = new Map<string, tf.Tensor2D>();
  readonly #index = new Map<string, number>();

  private constructor(readonly config: LoraConfig) {}

  /** A fresh adapter: A uniform as PEFT initialises it, B zero, so that it changes nothing yet. */
  static create(model: ModelConfig, config: LoraConfig, rng: Rng): LoraAdapter {
    return LoraAdapter.#build(model, config, (path, [out, input]) => {
      // PEFT: kaiming_uniform_(a = sqrt(5)), which is U(-1/sqrt(in), 1/sqrt(in)).
      const bound = 1 / Math.sqrt(input);
      const a = Float32Array.from(
        { length: config.r * input },
        () => (2 * rng.uniform() - 1) * bound,
      );
      return path.endsWith("lora_A.weight") ? a : new Float32Array(out * config.r);
    });
  }

  /** An adapter from stored parameters; a missing or misshapen one is named. */
  static from(
    model: ModelConfig,
    config: LoraConfig,
    stored: {
      file: string;
      get(name: string): { shape: number[]; data: Float32Array } | undefined;
    },
  ): LoraAdapter {
    return LoraAdapter.#build(model, config, (path, _shape, expected) => {
      const found = stored.get(path);
      if (!found) {
        throw new UserError(
          `${stored.file}: adapter tensor "${path}" is missing`,
          "use an adapter made for this model and these target modules",
        );
      }
      if (found.shape.join() !== expected.join()) {
        throw new UserError(
          `${stored.file}: adapter tensor "${path}" has shape [${found.shape}], expected [${expected}]`,
          "use an adapter made for this model, with the rank its adapter_config.json states",
        );
      }
      return found.data;
    });
  }

  static #build(
    model: ModelConfig,
    config: LoraConfig,
    values: (path: string, shape: [number, number], expected: [number, number]) => Float32Array,
  ): LoraAdapter {
    const adapter = new LoraAdapter(config);
    for (let layer = 0; layer < model.layers; layer++) {
      for (const module of config.targetModules) {
        const path = modulePath(layer, module);
        const [out, input] = moduleShape(model, module);
        adapter.#index.set(path, adapter.#index.size);
        for (
          const [name, shape] of [
            [`${path}.lora_A.weight`, [config.r, input]],
            [`${path}.lora_B.weight`, [out, config.r]],
          ] as [string, [number, number]][]
        ) {
          adapter.parameters.set(
            name,
            tf.keep(tf.tensor2d(values(name, [out, input], shape), shape)),
          );
        }
      }
    }
    return adapter;
  }

  /**
   * The update of one layer, or null where the adapter has none.
   *
   * @param dropoutSeed Given while training: the same seed draws the same masks.
   */
  update(path: string, dropoutSeed?: number): LowRank | null {
    const a = this.parameters.get(`${path}.lora_A.weight`);
    const b = this.parameters.get(`${path}.lora_B.weight`);
    if (!a || !b) return null;
    const { r, alpha, dropout: rate } = this.config;
    const dropout = dropoutSeed !== undefined && rate > 0
      ? { rate, seed: [dropoutSeed, this.#index.get(path)!] as const }
      : undefined;
    return { a, b, scale: alpha / r, dropout };
  }

  /** Paths of the layers that have an update. */
  get paths(): string[] {
    return [...this.#index.keys()];
  }

  dispose(): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
    this.parameters.clear();
  }
}

import { LINEAR_MODULES, type ModelConfig, parseConfig } from "../../model/mod.ts";
import type { Residents, Workload } from "../../model/mod.ts";

/** A row of `data/results/memory.csv`. */
export interface MemoryCase {
  readonly model: keyof typeof MODELS;
  /** "none", "adapter" (r 8 on all linear layers), "adapter, dropout" or "full". */
  readonly tuning: string;
  readonly residents: Residents;
  readonly workload: Workload;
  /** Whether the gradient is a compiled step. @default false */
  readonly compiled?: boolean;
}

function llama(
  [hidden_size, intermediate_size, num_hidden_layers]: readonly [number, number, number],
  [num_attention_heads, num_key_value_heads]: readonly [number, number],
  [vocab_size, tie_word_embeddings]: readonly [number, boolean],
  more: Record<string, unknown> = {},
): ModelConfig {
  return parseConfig({
    ...{ model_type: "llama", hidden_size, intermediate_size, num_hidden_layers },
    ...{ num_attention_heads, num_key_value_heads, vocab_size, tie_word_embeddings },
    ...{ max_position_embeddings: 4096, bos_token_id: 1, eos_token_id: 2, ...more },
  }, "memory_cases.ts");
}

/** Shapes: three that are measured on a small machine, and those a researcher wants to train. */
export const MODELS = {
  "8M": llama([256, 688, 8], [4, 4], [8192, true]),
  "SmolLM2-135M": llama([576, 1536, 30], [9, 3], [49_152, true]),
  "SmolLM2-360M": llama([960, 2560, 32], [15, 5], [49_152, true]),
  "Llama-3.2-1B": llama([2048, 8192, 16], [32, 8], [128_256, true]),
  "Llama-3.2-3B": llama([3072, 8192, 28], [24, 8], [128_256, true]),
  "Llama-2-7B": llama([4096, 11_008, 32], [32, 32], [32_000, false]),
  "Llama-3.1-8B": llama([4096, 14_336, 32], [32, 8], [128_256, false]),
} as const;

const ADAPTER = { r: 8, dropout: 0, targetModules: LINEAR_MODULES };
const TUNINGS = {
  "none": null,
  "adapter": ADAPTER,
  "adapter, dropout": { ...ADAPTER, dropout: 0.1 },
  "full": "full",
} as const;

function one(
  model: MemoryCase["model"],
  tuning: keyof typeof TUNINGS,
  workload: Workload,
  more: Omit<Residents, "tuning"> = {},
): MemoryCase {
  return { model, tuning, residents: { tuning: TUNINGS[tuning], ...more }, workload };
}

/** Training on rows of which every second token is learned. */
function training(
  rows: number,
  length: number,
  recompute: "none" | "layers" = "none",
): Workload & { work: "train" } {
  return { work: "train", rows, length, learned: rows * length / 2, steps: 2, recompute };
}

const both = ["none", "layers"] as const;
const narrow = { frozenDtype: "bfloat16" } as const;

/** Those that fit a small machine. */
export const MEASURED: readonly MemoryCase[] = [
  ...both.map((recompute) => one("8M", "full", training(8, 512, recompute))),
  ...both.map((recompute) => one("8M", "adapter", training(8, 512, recompute))),
  ...both.map((recompute) => one("SmolLM2-135M", "full", training(2, 512, recompute))),
  ...both.map((recompute) => one("SmolLM2-135M", "adapter", training(2, 512, recompute))),
  one("SmolLM2-135M", "adapter, dropout", training(2, 512)),
  one("SmolLM2-135M", "adapter", training(2, 512, "layers"), narrow),
  one("SmolLM2-135M", "none", { work: "score", rows: 8, length: 256, scored: 8, batches: 2 }),
  one("SmolLM2-135M", "none", { work: "sample", rows: 8, prompt: 128, newTokens: 64, batches: 1 }),
  ...both.map((recompute) => one("SmolLM2-360M", "full", training(1, 256, recompute))),
  ...both.map((recompute) => one("SmolLM2-360M", "adapter", training(1, 512, recompute))),
  one("SmolLM2-360M", "adapter", training(1, 512, "layers"), narrow),
  one("SmolLM2-360M", "adapter", { ...training(1, 2048, "layers"), steps: 1 }, narrow),
];

/**
 * A LoRA step op by op and compiled, for `data/results/memory-compiled.csv`: two runs to record, two that a function
 * computes. The step must take more than the arrays that the weights were made of, or their peak is what is seen.
 */
export const COMPILED: readonly MemoryCase[] = (["SmolLM2-135M", "SmolLM2-360M"] as const)
  .flatMap((model) =>
    [false, true].map((compiled) => ({
      ...one(model, "adapter", { ...training(2, 512), steps: 4 }),
      compiled,
    }))
  );

const sampled: Workload = { work: "sample", rows: 8, prompt: 1536, newTokens: 512, batches: 1 };

/** Those that need a large GPU: by the formula alone. A pair of a preference loss is 2 rows of 2,048 tokens. */
export const CALCULATED: readonly MemoryCase[] = [
  ...both.map((recompute) => one("Llama-2-7B", "adapter", training(2, 2048, recompute))),
  ...both.map((recompute) => one("Llama-2-7B", "adapter", training(2, 2048, recompute), narrow)),
  one("Llama-2-7B", "adapter, dropout", training(2, 2048, "layers"), narrow),
  one("Llama-2-7B", "adapter", sampled),
  one("Llama-2-7B", "adapter", sampled, narrow),
  one("Llama-2-7B", "full", training(1, 2048, "layers")),
  one("Llama-2-7B", "full", training(2, 2048, "layers"), { otherModels: 1, ...narrow }),
  one("Llama-3.1-8B", "adapter", training(2, 2048, "layers"), narrow),
  one("Llama-3.1-8B", "adapter", sampled, narrow),
  one("Llama-3.2-3B", "full", training(2, 2048, "layers")),
  one("Llama-3.2-1B", "full", training(2, 2048, "layers"), { otherModels: 1 }),
];

/**
 * How much memory a model needs at its peak, from its config alone: no weight is read.
 *
 * The formula follows the engine op by op: what the tape keeps of a layer, what an op holds while it runs, when each is
 * freed. It counts tensors; the process itself (Deno, TensorFlow's libraries: 0.4 GB on a CPU, about 1 GB with CUDA's)
 * comes on top. `data/results/memory.csv` has it beside measured peaks.
 *
 * @module
 */
import { ADAMW_GROUP, type FrozenDtype, logitRows, type Recompute } from "../tensor/mod.ts";
import type { ModelConfig } from "./config.ts";
import { LanguageModel } from "./language_model.ts";
import { ATTENTION_MODULES, type LinearModule, MLP_MODULES } from "./linear_modules.ts";
import { type LoraConfig, moduleShape } from "./lora.ts";

/** What is trained: all weights, an adapter, or nothing. */
export type Tuning = "full" | Pick<LoraConfig, "r" | "dropout" | "targetModules"> | null;

/** What is in memory for as long as a stage runs. */
export interface Residents {
  readonly tuning: Tuning;
  /** @default "float32" */
  readonly frozenDtype?: FrozenDtype;
  /** Linear layers that an adapter was folded into, which makes them float32. @default none */
  readonly folded?: readonly LinearModule[];
  /** Other whole models: under full tuning the reference of a preference loss, which also judges. @default 0 */
  readonly otherModels?: number;
}

/** One kind of work that a stage does; sizes are of what goes through the model at once, filling included. */
export type Workload =
  | {
    /** Forward and backward passes, and optimiser steps. */
    readonly work: "train";
    readonly rows: number;
    /** Tokens of a row. */
    readonly length: number;
    /** Positions of a micro-batch whose next token is learned. */
    readonly learned: number;
    /** Micro-batches of a step. @default 1 */
    readonly parts?: number;
    readonly steps: number;
    /** @default "none" */
    readonly recompute?: Recompute;
  }
  | {
    /** Log-probabilities under a model, or the two labels of a judge (one position a row). */
    readonly work: "score";
    readonly rows: number;
    readonly length: number;
    /** Positions of a batch whose next token is scored. */
    readonly scored: number;
    readonly batches: number;
  }
  | {
    /** Answers drawn with a key-value cache. */
    readonly work: "sample";
    /** Answers drawn together. */
    readonly rows: number;
    /** Tokens of a prompt. */
    readonly prompt: number;
    readonly newTokens: number;
    readonly batches: number;
  };

/** Bytes at the peak, by what they hold, and their sum. */
export interface ExpectedMemory {
  /** What runs at the peak: "logits", "backward", "last gradients", "step", "forward", "prefill" or "decode". */
  readonly phase: string;
  readonly parts: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** Numbers of a model's parameters, by what matters to memory and time. */
export interface ParameterCounts {
  readonly all: number;
  /** Of the linear layers of all blocks. */
  readonly linear: number;
  /** Of the embedding, and of the output embedding where it is another. */
  readonly embeddings: number;
  /** Of norms and biases, which are always float32. */
  readonly vectors: number;
  /** Of the largest matrix inside a block. */
  readonly largest: number;
}

/** Counts the parameters of a model. */
export function parameterCounts(config: ModelConfig): ParameterCounts {
  const counts = { all: 0, linear: 0, embeddings: 0, vectors: 0, largest: 0 };
  for (const [name, shape] of LanguageModel.shapes(config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    counts.all += size;
    if (shape.length === 1) counts.vectors += size;
    else if (name.startsWith("model.layers.")) {
      counts.linear += size;
      counts.largest = Math.max(counts.largest, size);
    } else counts.embeddings += size;
  }
  return counts;
}

/** Parameters of an adapter: r (in + out) for each of its linear layers. */
export function adapterSize(
  config: ModelConfig,
  { r, targetModules }: Pick<LoraConfig, "r" | "targetModules">,
): number {
  const sides = targetModules.map((module) => moduleShape(config, module));
  return config.layers * sides.reduce((sum, [out, input]) => sum + r * (input + out), 0);
}

/** Parameters that are trained. */
export function trainedSize(config: ModelConfig, tuning: Tuning): number {
  if (tuning === null) return 0;
  return tuning === "full" ? parameterCounts(config).all : adapterSize(config, tuning);
}

/**
 * Peak memory of one kind of work.
 *
 * @example
 * ```ts
 * import { expectedMemory } from "./memory.ts";
 * import { parseConfig } from "./config.ts";
 * const llama2 = parseConfig({
 *   model_type: "llama", vocab_size: 32000, hidden_size: 4096, intermediate_size: 11008,
 *   num_hidden_layers: 32, num_attention_heads: 32,
 * }, "config.json");
 * const { bytes } = expectedMemory(llama2, { tuning: "full" }, {
 *   work: "train", rows: 1, length: 2048, learned: 512, steps: 1, recompute: "layers",
 * });
 * bytes > 80e9; // true: all weights of 7B do not fit one 80 GB GPU in float32
 * ```
 */
export function expectedMemory(
  config: ModelConfig,
  residents: Residents,
  workload: Workload,
): ExpectedMemory {
  const fixed = residentParts(config, residents);
  const phases = workload.work === "train"
    ? trainingPhases(config, residents, workload)
    : workload.work === "score"
    ? { forward: forwardParts(config, workload) }
    : samplingPhases(config, workload);
  // A two-byte weight is widened while a product reads it.
  const { largest } = parameterCounts(config);
  const { vocabSize: V, hiddenSize: C } = config;
  const widened = (phase: string) =>
    narrow(residents) && phase !== "step" ? 4 * (phase === "logits" ? V * C : largest) : 0;
  return Object.entries(phases).map(([phase, parts]): ExpectedMemory => {
    const all = Object.fromEntries(
      Object.entries({ ...fixed, ...parts, widened: widened(phase) })
        .filter(([, bytes]) => bytes > 0),
    );
    return { phase, parts: all, bytes: Object.values(all).reduce((a, b) => a + b, 0) };
  }).reduce((most, next) => next.bytes > most.bytes ? next : most);
}

/** Whether the model's matrices have two bytes a number. */
function narrow({ tuning, frozenDtype = "float32" }: Residents): boolean {
  return tuning !== "full" && frozenDtype !== "float32";
}

function residentParts(config: ModelConfig, residents: Residents): Record<string, number> {
  const { tuning, frozenDtype = "float32", folded = [], otherModels = 0 } = residents;
  const { linear, embeddings, vectors } = parameterCounts(config);
  const merged = config.layers * folded.map((module) => moduleShape(config, module))
    .reduce((sum, [out, input]) => sum + out * input, 0);
  const stored = (bytes: number) => bytes * (embeddings + linear - merged) + 4 * (merged + vectors);
  const trained = trainedSize(config, tuning);
  return {
    weights: stored(narrow(residents) ? 2 : 4),
    otherModels: otherModels * stored(frozenDtype === "float32" ? 4 : 2),
    adapter: tuning === "full" ? 0 : 4 * trained,
    moments: 8 * trained,
    // The output embedding transposed, which scoring, sampling and training under an adapter read and keep.
    outputColumns: 4 * config.vocabSize * config.hiddenSize,
  };
}

/** Sizes of one micro-batch's activations, in numbers. */
function sizes(config: ModelConfig, rows: number, length: number) {
  const N = rows * length;
  return {
    c: N * config.hiddenSize,
    f: N * config.intermediateSize,
    q: N * config.heads * config.headDim,
    k: N * config.kvHeads * config.headDim,
    p: rows * config.heads * length ** 2, // attention probabilities
    n: N,
  };
}

/** Bytes that the tape keeps of the two halves of a layer. */
function keptOfLayer(
  config: ModelConfig,
  { rows, length, tuning }: { rows: number; length: number; tuning: Tuning },
): { attention: number; mlp: number } {
  const { c, f, q, k, p, n } = sizes(config, rows, length);
  const adapter = (modules: readonly LinearModule[]) => {
    if (tuning === null || tuning === "full") return 0;
    const inputs = modules.filter((module) => tuning.targetModules.includes(module))
      .map((module) => moduleShape(config, module)[1]);
    // Dropout: the mask and what it left.
    return inputs.reduce(
      (sum, input) => sum + n * (tuning.r + (tuning.dropout > 0 ? 2 * input : 0)),
      0,
    );
  };
  return {
    attention: 4 * (3 * c + 3 * q + 4 * k + n + p + adapter(ATTENTION_MODULES)),
    mlp: 4 * (3 * c + 3 * f + n + adapter(MLP_MODULES)),
  };
}

function trainingPhases(
  config: ModelConfig,
  { tuning }: Residents,
  { rows, length, learned, parts = 1, recompute = "none" }: Workload & { work: "train" },
): Record<string, Record<string, number>> {
  const { vocabSize: V, hiddenSize: C, layers } = config;
  const { c, f, q, k, p } = sizes(config, rows, length);
  const { attention, mlp } = keptOfLayer(config, { rows, length, tuning });
  const layer = attention + mlp;
  const kept = recompute === "layers" ? 4 * c * layers : layer * layers;
  const activations = kept + 4 * (2 * c + learned * C); // embedding, last norm, rows that are learned
  const again = { recomputedLayer: recompute === "layers" ? layer : 0 };
  // When attention's turn comes, what the second half of the layer kept is gone.
  const atAttention = 4 * Math.max(4 * p + 2 * q + k, p + 10 * q + 9 * k) - mlp;
  const working = 4 * 2 * c + Math.max(4 * 9 * f, atAttention);
  const trained = trainedSize(config, tuning);
  const accumulated = { accumulatedGradients: parts > 1 ? 4 * trained : 0 };

  const blocks = Math.ceil(learned / logitRows(V));
  const logits = 4 * V * Math.min(learned, logitRows(V)) *
    (blocks > 1 && tuning === "full" ? 3 : 2);
  const embedding = tuning === "full" ? 4 * V * C : 0;
  const group = Math.max(Math.min(trained, ADAMW_GROUP), tuning === "full" ? V * C : 0);
  return {
    logits: {
      activations,
      logits,
      ...accumulated,
      gradients: embedding * Math.min(blocks, 2),
    },
    backward: { activations, ...again, working, ...accumulated, gradients: embedding },
    "last gradients": {
      activations: 4 * 2 * c + (recompute === "layers" ? 0 : layer),
      ...again,
      working,
      ...accumulated,
      gradients: 4 * trained,
    },
    step: { gradients: 4 * trained, optimizerStep: 7 * 4 * group },
  };
}

/** Forward pass that records nothing, then the logits of some positions. */
function forwardParts(
  config: ModelConfig,
  { rows, length, scored }: { rows: number; length: number; scored: number },
): Record<string, number> {
  const { c, f, q, k, p } = sizes(config, rows, length);
  const layer = 4 * (2 * c + length ** 2 + Math.max(10 * q + 8 * k + 3 * p, 2 * c + 5 * f));
  const head = 4 * (c + scored * config.hiddenSize) +
    2 * 4 * config.vocabSize * Math.min(scored, logitRows(config.vocabSize));
  return { working: Math.max(layer, head) };
}

function samplingPhases(
  config: ModelConfig,
  { rows, prompt, newTokens }: Workload & { work: "sample" },
): Record<string, Record<string, number>> {
  const { vocabSize: V, layers, kvHeads, headDim } = config;
  const column = 4 * 2 * layers * rows * kvHeads * headDim;
  const decoder = 4 * parameterCounts(config).linear; // copies laid out for decoding, adapter added
  const columns = prompt + 16 * Math.ceil(newTokens / 16);
  return {
    prefill: {
      decoder,
      cache: column * prompt,
      ...forwardParts(config, { rows, length: prompt, scored: rows }),
    },
    decode: { decoder, cache: column * columns, working: 2 * 4 * rows * V },
  };
}

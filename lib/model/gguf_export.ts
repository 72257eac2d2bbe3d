/** A model as llama.cpp has it: the metadata, names and layout that its own converter from `transformers` writes. */
import { UserError } from "../base/error.ts";
import type { ModelConfig } from "./config.ts";
import { FAMILIES } from "./families.ts";
import type { FloatType } from "./float_bytes.ts";
import { hfToGgufName, interleavedRows } from "./gguf_weights.ts";
import { valuesOf } from "../tensor/mod.ts";
import type { LanguageModel } from "./language_model.ts";
import { ropeFrequencies } from "./rope_frequencies.ts";
import type { TensorData } from "./safetensors.ts";
import type { GgufContent, GgufField } from "./write_gguf.ts";

/** `general.file_type`: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
const FILE_TYPES = { F32: 0, F16: 1, BF16: 32 } as const;
/** What a refusal ends with. */
const ELSE = 'export with "--format safetensors"';

/** What {@linkcode ggufContent} needs beside the model. */
export interface GgufExportOptions {
  /** `general.name`. */
  readonly name: string;
  readonly dtype: FloatType;
  /** The metadata of the tokenizer, see `ggufVocabulary` of the text room. */
  readonly vocabulary: ReadonlyMap<string, GgufField>;
}

/**
 * A model without its adapter as the content of a GGUF file.
 *
 * @throws {UserError} when its rotary scaling has no form that llama.cpp reads
 */
export function ggufContent(
  model: Pick<LanguageModel, "config" | "weights">,
  { name, dtype, vocabulary }: GgufExportOptions,
): GgufContent {
  const { config } = model;
  // A family without files of its own comes under Llama's name, as llama.cpp's converter has it.
  const { architecture, permuted } = FAMILIES[config.family].gguf ?? FAMILIES.llama.gguf;
  const tensors = new Map<string, TensorData>();
  for (const [hf, tensor] of model.weights) {
    const [, projection] = /\.([qk])_proj\./.exec(hf) ?? [];
    const heads = projection === "q" ? config.heads : config.kvHeads;
    tensors.set(hfToGgufName(hf), {
      shape: tensor.shape,
      data: async () => {
        const data = await valuesOf(tensor);
        return permuted && projection
          ? interleavedRows(data, { rows: tensor.shape[0], heads })
          : data;
      },
    });
  }
  const factors = ropeFactors(config);
  if (factors) tensors.set("rope_freqs.weight", { shape: [factors.length], data: factors });
  const metadata = new Map<string, GgufField>([
    ["general.architecture", { type: "string", value: architecture }],
    ["general.type", { type: "string", value: "model" }],
    ["general.name", { type: "string", value: name }],
    ["general.file_type", { type: "uint32", value: FILE_TYPES[dtype] }],
    ...shapeFields(config, architecture),
    ...scalingFields(config, architecture),
    ...vocabulary,
  ]);
  return { metadata, tensors, dtype };
}

function shapeFields(config: ModelConfig, architecture: string): [string, GgufField][] {
  const { heads, kvHeads, headDim } = config;
  const numbers: Record<string, number> = {
    vocab_size: config.vocabSize,
    context_length: config.maxPositions,
    embedding_length: config.hiddenSize,
    block_count: config.layers,
    feed_forward_length: config.intermediateSize,
    "attention.head_count": heads,
    "attention.head_count_kv": kvHeads,
    "attention.key_length": headDim,
    "attention.value_length": headDim,
    "rope.dimension_count": headDim,
  };
  return [
    ...Object.entries(numbers).map(([key, value]): [string, GgufField] => [
      `${architecture}.${key}`,
      { type: "uint32", value },
    ]),
    [`${architecture}.rope.freq_base`, { type: "float32", value: config.ropeTheta }],
    [`${architecture}.attention.layer_norm_rms_epsilon`, { type: "float32", value: config.rmsEps }],
  ];
}

/** Rotary scaling that llama.cpp computes itself. */
function scalingFields(
  { ropeScaling: scaling }: ModelConfig,
  architecture: string,
): [string, GgufField][] {
  const number = (key: string, value: number, type: "uint32" | "float32" = "float32") =>
    [`${architecture}.rope.scaling.${key}`, { type, value }] as [string, GgufField];
  const named = (value: string, factor: number): [string, GgufField][] => [
    [`${architecture}.rope.scaling.type`, { type: "string", value }],
    number("factor", factor),
  ];
  switch (scaling?.type) {
    case "linear":
      return named("linear", scaling.factor);
    case "yarn":
      if (scaling.attentionFactor !== null || scaling.mscale !== null || !scaling.truncate) {
        throw new UserError("llama.cpp has no yarn scaling with this attention factor", ELSE);
      }
      return [
        ...named("yarn", scaling.factor),
        number("original_context_length", scaling.originalMaxPositions, "uint32"),
        number("yarn_beta_fast", scaling.betaFast),
        number("yarn_beta_slow", scaling.betaSlow),
      ];
    default:
      return [];
  }
}

/** One divisor per rotary frequency, where llama.cpp is given the result of a scaling rather than its settings. */
function ropeFactors(config: ModelConfig): Float32Array | null {
  const { ropeScaling: scaling } = config;
  if (scaling?.type === "llama3") {
    const scaled = ropeFrequencies(config).invFreq;
    const plain = ropeFrequencies({ ...config, ropeScaling: null }).invFreq;
    return plain.map((frequency, i) => frequency / scaled[i]);
  }
  if (scaling?.type === "longrope") {
    const { shortFactor: short, longFactor: long, attentionFactor } = scaling;
    // What a GGUF file of Llama 3 reads as; with two lists llama.cpp has it for another architecture alone.
    if (short.join() === long.join() && attentionFactor === 1) return Float32Array.from(short);
  }
  if (scaling?.type === "longrope" || scaling?.type === "dynamic") {
    throw new UserError(`llama.cpp has no "${scaling.type}" rotary scaling for this model`, ELSE);
  }
  return null;
}

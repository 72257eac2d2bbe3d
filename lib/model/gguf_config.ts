import { UserError } from "../base/error.ts";
import { checkedConfig, type ModelConfig } from "./config.ts";
import { FAMILIES, familyOfGguf } from "./families.ts";
import type { GgufValue } from "./gguf.ts";
import { biasedGroups } from "./gguf_weights.ts";
import { refuseGgufKeys } from "./not_computed.ts";
import { parseRopeScaling, type RopeScaling } from "./rope_scaling.ts";

/** What {@linkcode configFromGguf} needs beside the metadata. */
export interface GgufConfigOptions {
  /** The file's name, for messages. */
  readonly file: string;
  /** Names of its tensors, which say whether there is an output layer and whether layers have biases. */
  readonly tensors: { has(name: string): boolean; keys(): Iterable<string> };
  /** The tensor `rope_freqs.weight`, by which a Llama 3 file divides its rotary frequencies. */
  readonly ropeFactors?: Float32Array | null;
}

/**
 * The config inside a GGUF file's metadata. `general.architecture` names one of the {@linkcode FAMILIES}, and
 * is the prefix of its keys.
 *
 * Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws UserError when the architecture is another one, a key is missing or of another type, or one asks for a
 *   computation that is not made here.
 */
export function configFromGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  options: GgufConfigOptions,
): ModelConfig {
  const { file, tensors, ropeFactors } = options;
  const architecture = metadata.get("general.architecture");
  const family = familyOfGguf(architecture, file);
  const own = (name: string) => `${architecture}.${name}`;
  const optional = (key: string): number | null => {
    const given = metadata.get(key) ?? null;
    // A list is a number a layer; where all are alike, the layers are.
    const alike = Array.isArray(given) && given.length > 0 && given.every((n) => n === given[0]);
    const value = alike ? given[0] : given;
    if (value !== null && typeof value !== "number") {
      throw new UserError(
        `${file}: ${key} is ${String(value).slice(0, 40)}, not one number`,
        "choose a file whose layers are all alike",
      );
    }
    return value;
  };
  const required = (key: string): number => {
    const value = optional(key);
    if (value === null) {
      throw new UserError(
        `${file}: metadata lacks ${key}`,
        "convert the model again, or choose another file",
      );
    }
    return value;
  };
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const hiddenSize = required(own("embedding_length"));
  const heads = required(own("attention.head_count"));
  const maxPositions = required(own("context_length"));
  const headDim = optional(own("attention.key_length")) ??
    optional(own("rope.dimension_count")) ?? hiddenSize / heads;
  refuseGgufKeys(metadata, { file, architecture: String(architecture), headDim });
  // llama.cpp: a factor alone stretches linearly, scale_linear is its older name, 0 is none.
  const factor = optional(own("rope.scaling.factor")) ?? optional(own("rope.scale_linear")) ?? 0;
  const stated = metadata.get(own("rope.scaling.type")) ?? "linear";
  const type = stated === "linear" && factor === 0 ? "none" : stated;
  const originalMaxPositions = optional(own("rope.scaling.original_context_length")) ??
    maxPositions;
  const window = optional(own("attention.sliding_window"));
  const windowed = window !== null && window > 0 && window < maxPositions;
  let ropeScaling: RopeScaling | null = null;
  if (ropeFactors) {
    if (type !== "none") {
      throw new UserError(
        `${file}: it has rope_freqs.weight and rope.scaling.type ${
          JSON.stringify(type)
        }, and one of the two is computed here`,
        "choose a file with one of them, or the model's safetensors",
      );
    }
    const factors = Array.from(ropeFactors);
    ropeScaling = {
      type: "longrope",
      factor: 1,
      originalMaxPositions,
      shortFactor: factors,
      longFactor: factors,
      attentionFactor: 1,
    };
  } else {
    ropeScaling = parseRopeScaling({
      rope_type: String(type),
      factor: factor > 0 ? factor : null,
      beta_fast: optional(own("rope.scaling.yarn_beta_fast")),
      beta_slow: optional(own("rope.scaling.yarn_beta_slow")),
    }, { file, originalMaxPositions });
  }
  const vocabSize = Array.isArray(tokens) ? tokens.length : required(own("vocab_size"));
  /** A special token's id; -1, as 32 bits without a sign, is none. */
  const tokenId = (name: string): number | null => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = optional(key);
    if (id === null || id === -1 || id === 0xffff_ffff) return null;
    if (id < vocabSize) return id;
    throw new UserError(
      `${file}: ${key} is ${id}, the vocabulary has ${vocabSize} tokens`,
      "fetch or convert the file again",
    );
  };
  const eos = ["eos", "eot", "eom"].map(tokenId);
  const biased = biasedGroups(tensors.keys());
  return checkedConfig({
    family,
    vocabSize,
    hiddenSize,
    intermediateSize: required(own("feed_forward_length")),
    layers: required(own("block_count")),
    heads,
    kvHeads: optional(own("attention.head_count_kv")) ?? heads,
    headDim,
    maxPositions: windowed ? window : maxPositions,
    ...(windowed && { slidingWindow: { contextLength: maxPositions, fields: {} } }),
    // GGUF keeps 32 bits: 1e-5 arrives as 9.99999974738e-6, which config.json would then carry on.
    rmsEps: Number(required(own("attention.layer_norm_rms_epsilon")).toPrecision(7)),
    ropeTheta: optional(own("rope.freq_base")) ?? 10_000,
    ropeScaling,
    tieEmbeddings: !tensors.has("output.weight"),
    biases: FAMILIES[family].biases({
      attention_bias: biased.has("attn"),
      mlp_bias: biased.has("ffn"),
    }),
    bosId: tokenId("bos"),
    eosIds: [...new Set(eos.filter((id) => id !== null))],
    padId: tokenId("padding"),
  }, file);
}

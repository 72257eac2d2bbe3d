import { UserError } from "../base/error.ts";
import { checkedConfig, type ModelConfig } from "./config.ts";
import type { GgufValue } from "./gguf.ts";
import { parseRopeScaling, type RopeScaling } from "./rope_scaling.ts";

/** What {@linkcode configFromGguf} needs beside the metadata. */
export interface GgufConfigOptions {
  /** The file's name, for messages. */
  readonly file: string;
  /** Whether the file lacks `output.weight`, so that the embedding is the output projection. */
  readonly tied: boolean;
  /** Whether the file has biases on the attention projections (`blk.0.attn_q.bias`). */
  readonly attentionBias?: boolean;
  /** The tensor `rope_freqs.weight`, by which a Llama 3 file divides its rotary frequencies. */
  readonly ropeFactors?: Float32Array | null;
}

/**
 * The config inside a GGUF file's metadata (`general.architecture` must be "llama").
 *
 * Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws UserError when the architecture is another one or a key is missing or of another type.
 */
export function configFromGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  options: GgufConfigOptions,
): ModelConfig {
  const { file, ropeFactors } = options;
  const architecture = metadata.get("general.architecture");
  if (architecture !== "llama" || metadata.has("llama.expert_count")) {
    const name = architecture === "llama" ? "llama with experts" : architecture ?? null;
    throw new UserError(
      `${file}: general.architecture is ${JSON.stringify(name)}`,
      'choose a GGUF file of architecture "llama", without experts',
    );
  }
  const optional = (key: string): number | null => {
    const value = metadata.get(key) ?? null;
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
  const hiddenSize = required("llama.embedding_length");
  const heads = required("llama.attention.head_count");
  const maxPositions = required("llama.context_length");
  const headDim = optional("llama.attention.key_length") ??
    optional("llama.rope.dimension_count") ?? hiddenSize / heads;
  const type = metadata.get("llama.rope.scaling.type");
  const factor = optional("llama.rope.scaling.factor");
  const originalMaxPositions = optional("llama.rope.scaling.original_context_length") ??
    maxPositions;
  let ropeScaling: RopeScaling | null = null;
  if (ropeFactors) {
    const factors = Array.from(ropeFactors);
    ropeScaling = {
      type: "longrope",
      factor: 1,
      originalMaxPositions,
      shortFactor: factors,
      longFactor: factors,
      attentionFactor: 1,
    };
  } else if (typeof type === "string" && factor !== null) {
    ropeScaling = parseRopeScaling({
      rope_type: type,
      factor,
      beta_fast: optional("llama.rope.scaling.yarn_beta_fast"),
      beta_slow: optional("llama.rope.scaling.yarn_beta_slow"),
    }, { file, originalMaxPositions });
  }
  const eos = ["eos", "eot"].map((name) => optional(`tokenizer.ggml.${name}_token_id`));
  return checkedConfig({
    vocabSize: Array.isArray(tokens) ? tokens.length : required("llama.vocab_size"),
    hiddenSize,
    intermediateSize: required("llama.feed_forward_length"),
    layers: required("llama.block_count"),
    heads,
    kvHeads: optional("llama.attention.head_count_kv") ?? heads,
    headDim,
    maxPositions,
    // GGUF keeps 32 bits: 1e-5 arrives as 9.99999974738e-6, which config.json would then carry on.
    rmsEps: Number(required("llama.attention.layer_norm_rms_epsilon").toPrecision(7)),
    ropeTheta: optional("llama.rope.freq_base") ?? 10_000,
    ropeScaling,
    tieEmbeddings: options.tied,
    attentionBias: options.attentionBias ?? false,
    mlpBias: false,
    bosId: optional("tokenizer.ggml.bos_token_id"),
    eosIds: [...new Set(eos.filter((id) => id !== null))],
    padId: optional("tokenizer.ggml.padding_token_id"),
  }, file);
}

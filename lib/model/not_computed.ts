/** What a model's files say of a computation that is not made here: refused by name, since a model without it is another. @module */
import { UserError } from "../base/error.ts";

/** Whether a field with this value leaves the model as it is. */
type Neutral = (value: unknown, shape: { readonly headDim: number }) => boolean;

const one: Neutral = (value) => value === 1;
const zero: Neutral = (value) => value === 0;
const noCap: Neutral = (value) => value === 0 || value === Infinity;
const unscaled: Neutral = (value, { headDim }) =>
  typeof value === "number" && Math.abs(value * Math.sqrt(headDim) - 1) < 1e-6;
const all: Neutral = (value) => value === 1;
const never: Neutral = () => false;

/**
 * Fields of a `config.json`, beside those that are read, of models that are called Llama, Mistral or Qwen2 and compute
 * more, each with the values under which they do not. What is null, false or empty is neutral too.
 */
const CONFIG_FIELDS: Readonly<Record<string, Neutral>> = {
  // Multipliers: Granite, Cohere, MiniCPM.
  embedding_multiplier: one,
  residual_multiplier: one,
  attention_multiplier: unscaled,
  logits_scaling: one,
  logit_scale: one,
  scale_emb: one,
  scale_depth: never,
  dim_model_base: never,
  // Bounds on logits: Gemma, Grok, DBRX, OLMo.
  attn_logit_softcapping: noCap,
  final_logit_softcapping: noCap,
  attn_logit_cap: noCap,
  final_logit_cap: noCap,
  clip_qkv: noCap,
  query_pre_attn_scalar: (value, { headDim }) => value === headDim,
  // Attention of another form.
  qk_norm: never,
  use_qk_norm: never,
  qk_layernorm: never,
  alibi: never,
  parallel_attn: never,
  use_parallel_residual: never,
  attention_chunk_size: never,
  attn_temperature_tuning: never,
  no_rope_layers: never,
  rotary_pct: all,
  rotary_emb_fraction: all,
  rotary_dim: (value, { headDim }) => value === headDim,
  rope_interleaved: never,
  rope_ratio: one,
  // Experts.
  num_experts: zero,
  num_local_experts: zero,
  n_routed_experts: zero,
  pruned_heads: never,
};

/** @throws {UserError} naming the first field that changes what the model computes, or says that its weights are quantised */
export function refuseConfigFields(
  fields: Readonly<Record<string, unknown>>,
  { file, headDim }: { file: string; headDim: number },
): void {
  // The second is that of compressed-tensors before it had the first, the third that of MLX.
  for (const key of ["quantization_config", "compression_config", "quantization"]) {
    const quantised = fields[key];
    if (isNothing(quantised)) continue;
    const { quant_method: method, bits, load_in_4bit: four, load_in_8bit: eight } =
      quantised as Record<string, unknown>;
    const wide = bits ?? (four ? 4 : eight ? 8 : undefined);
    const how = [method, wide && `${wide} bits`].filter(Boolean).join(", ");
    throw new UserError(
      `${file}: ${key} says that the weights are quantised${how && ` (${how})`}`,
      QUANTISED_REMEDY,
    );
  }
  for (const [key, neutral] of Object.entries(CONFIG_FIELDS)) {
    const value = fields[key];
    if (isNothing(value) || neutral(value, { headDim })) continue;
    throw new UserError(
      `${file}: "${key}" is ${shown(value)}, and nothing here computes that`,
      "choose a model without it",
    );
  }
}

/** What to do where weights are quantised. */
export const QUANTISED_REMEDY =
  "give the checkpoint that it was quantised from (its model card names it), or a GGUF file of the model";

/** Keys of a GGUF file, after its architecture, that are read or that say nothing of the computation. */
const GGUF_READ = new Set([
  "attention.head_count",
  "attention.head_count_kv",
  "attention.layer_norm_epsilon",
  "attention.layer_norm_rms_epsilon",
  "attention.sliding_window",
  "block_count",
  "context_length",
  "embedding_length",
  "feed_forward_length",
  "rope.freq_base",
  "rope.scale_linear",
  "rope.scaling.factor",
  "rope.scaling.finetuned",
  "rope.scaling.original_context_length",
  "rope.scaling.type",
  "rope.scaling.yarn_beta_fast",
  "rope.scaling.yarn_beta_slow",
  "tensor_data_layout",
  "vocab_size",
]);

const sameHead: Neutral = (value, { headDim }) => value === headDim;

/** Others, with the values under which they change nothing; 0, false and what is empty is neutral too. */
const GGUF_KEYS: Readonly<Record<string, Neutral>> = {
  "attention.causal": (value) => value === true,
  "attention.key_length": sameHead,
  "attention.scale": unscaled,
  "attention.value_length": sameHead,
  "embedding_scale": one,
  "logit_scale": one,
  "residual_scale": one,
  "rope.dimension_count": sameHead,
  "rope.scaling.attn_factor": one,
  "rope.scaling.yarn_attn_factor": one,
  "rope.scaling.yarn_ext_factor": one,
};

/** @throws {UserError} naming the first key of the architecture that nothing reads and that may change the computation */
export function refuseGgufKeys(
  metadata: ReadonlyMap<string, unknown>,
  { file, architecture, headDim }: { file: string; architecture: string; headDim: number },
): void {
  for (const [key, value] of metadata) {
    if (!key.startsWith(`${architecture}.`)) continue;
    const name = key.slice(architecture.length + 1);
    if (GGUF_READ.has(name) || value === 0 || isNothing(value)) continue;
    if (Object.hasOwn(GGUF_KEYS, name) && GGUF_KEYS[name](value, { headDim })) continue;
    throw new UserError(
      `${file}: ${key} is ${shown(value)}, and nothing here computes that`,
      name.startsWith("expert")
        ? "choose a GGUF file without experts"
        : "choose a file of a plain model without it",
    );
  }
}

/** Whether a setting says nothing: null, false, or empty. */
export function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

const shown = (value: unknown): string =>
  (typeof value === "number"
    ? String(value)
    : JSON.stringify(value, (_, part) => typeof part === "bigint" ? String(part) : part)).slice(
      0,
      60,
    );

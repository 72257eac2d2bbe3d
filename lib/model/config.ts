import { z } from "zod";
import { UserError } from "../base/error.ts";
import { FAMILIES, familyFields, type FamilyName, familyOf, windowFields } from "./families.ts";
import type { LinearModule } from "./linear_modules.ts";
import { refuseConfigFields } from "./not_computed.ts";
import {
  parseRopeScaling,
  type RopeScaling,
  ropeScalingSchema,
  toHfRopeScaling,
} from "./rope_scaling.ts";

/** The shape of a model: everything its forward pass needs besides the weights, and how it is written back. */
export interface ModelConfig {
  /** Row of the table of families. */
  readonly family: FamilyName;
  /** Rows of the embedding. */
  readonly vocabSize: number;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  /** Width inside the SwiGLU. */
  readonly intermediateSize: number;
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides {@linkcode heads}. */
  readonly kvHeads: number;
  /** Width of one head; `heads * headDim` may differ from `hiddenSize`. */
  readonly headDim: number;
  /** The longest sequence that is computed as the model computes it, in tokens: see {@linkcode contextText}. */
  readonly maxPositions: number;
  /** Where a sliding window is shorter than the context; then `maxPositions` is the window. @default none */
  readonly slidingWindow?: SlidingWindow;
  /** Added to the mean square inside RMSNorm. */
  readonly rmsEps: number;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  /** Whether the output projection is the embedding. */
  readonly tieEmbeddings: boolean;
  /** Linear layers that have a bias, in every layer. */
  readonly biases: readonly LinearModule[];
  readonly bosId: number | null;
  /** Tokens that end a text; may be empty. */
  readonly eosIds: readonly number[];
  readonly padId: number | null;
}

/**
 * Attention that looks back fewer positions than the context the model was made for. Up to the window's length it is
 * the same as attention to all that comes before, which is what is computed here.
 */
export interface SlidingWindow {
  /** The context the model was made for, in tokens. */
  readonly contextLength: number;
  /** What its config.json says of the window, to be written back. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The context that a model was made for, in tokens, whatever its window. */
export function contextLength({ maxPositions, slidingWindow }: ModelConfig): number {
  return slidingWindow?.contextLength ?? maxPositions;
}

/** The longest sequence of a model, for messages: "4096 tokens", with the reason where its window is the limit. */
export function contextText({ maxPositions, slidingWindow }: ModelConfig): string {
  return slidingWindow
    ? `${maxPositions} tokens, the sliding window of its attention (beyond it nothing here computes what the model does)`
    : `${maxPositions} tokens`;
}

const count = z.int().positive();
const optionalId = z.int().nullish();

const configSchema = familyFields.extend({
  hidden_act: z.enum(["silu", "swish"]).default("silu"), /* two names of one function */
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  max_position_embeddings: count,
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeScalingSchema.nullish(),
  rope_parameters: ropeScalingSchema.nullish(), // transformers 5: theta and scaling in one
  partial_rotary_factor: z.literal(1).nullish(),
  original_max_position_embeddings: count.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  bos_token_id: optionalId,
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  pad_token_id: optionalId,
});

/**
 * Reads a Hugging Face `config.json` of a model of one of the {@linkcode FAMILIES}.
 *
 * Left-out fields take the defaults of the family's config class in `transformers`. Both the old spelling of
 * rotary scaling (`rope_theta`, `rope_scaling`) and the one of transformers 5 (`rope_parameters`)
 * are understood.
 *
 * @param json The parsed file.
 * @param file Its name, for messages.
 * @throws UserError when the family is another one, a field is missing or impossible, the weights are quantised, or a
 *   field asks for a computation that is not made here.
 *
 * @example
 * ```ts
 * import { parseConfig } from "./config.ts";
 * const config = parseConfig({
 *   model_type: "llama", vocab_size: 99, hidden_size: 32, intermediate_size: 64,
 *   num_hidden_layers: 2, num_attention_heads: 4,
 * }, "config.json");
 * config.headDim; // 8
 * ```
 */
export function parseConfig(json: unknown, file: string): ModelConfig {
  const given = z.looseObject({ model_type: z.unknown() }).catch({ model_type: null }).parse(json);
  const name = familyOf(given.model_type, file);
  const family = FAMILIES[name];
  const whole = { ...family.defaults, ...given };
  const parsed = configSchema.safeParse(whole);
  if (!parsed.success) {
    throw new UserError(
      `${file}: ${issueText(parsed.error, whole)}`,
      "correct the field, or fetch config.json again from where the model comes from",
    );
  }
  const c = parsed.data;
  const headDim = c.head_dim ?? c.hidden_size / c.num_attention_heads;
  refuseConfigFields(given, { file, headDim });
  const context = c.max_position_embeddings;
  const window = family.window(c);
  const windowed = window !== null && window < context;
  const rope = c.rope_parameters ?? c.rope_scaling;
  return checkedConfig({
    family: name,
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    kvHeads: c.num_key_value_heads ?? c.num_attention_heads,
    headDim,
    maxPositions: windowed ? window : context,
    ...(windowed && { slidingWindow: { contextLength: context, fields: windowFields(whole) } }),
    rmsEps: c.rms_norm_eps,
    ropeTheta: rope?.rope_theta ?? c.rope_theta ?? 10_000,
    ropeScaling: rope == null ? null : parseRopeScaling(rope, {
      file,
      originalMaxPositions: c.original_max_position_embeddings ??
        rope.original_max_position_embeddings ?? c.max_position_embeddings,
    }),
    tieEmbeddings: c.tie_word_embeddings,
    biases: family.biases(c),
    bosId: tokenId(c.bos_token_id),
    eosIds: [c.eos_token_id ?? []].flat().filter((id) => tokenId(id) !== null),
    padId: tokenId(c.pad_token_id),
  }, file);
}

/**
 * The config as a Hugging Face `config.json` that `transformers` 4 and 5 both load.
 *
 * @returns A plain object, ready for `JSON.stringify`; {@linkcode parseConfig} reads it back.
 */
export function toHfConfig(config: ModelConfig): Record<string, unknown> {
  const family = FAMILIES[config.family];
  return {
    architectures: [family.architecture],
    model_type: config.family,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: "silu",
    max_position_embeddings: contextLength(config),
    rms_norm_eps: config.rmsEps,
    rope_theta: config.ropeTheta,
    rope_scaling: config.ropeScaling && toHfRopeScaling(config.ropeScaling),
    // transformers 4 looks for it here.
    ...(config.ropeScaling?.type === "longrope" && {
      original_max_position_embeddings: config.ropeScaling.originalMaxPositions,
    }),
    tie_word_embeddings: config.tieEmbeddings,
    ...family.written(config.biases),
    ...config.slidingWindow?.fields,
    bos_token_id: config.bosId,
    eos_token_id: config.eosIds.length > 1 ? config.eosIds : config.eosIds[0] ?? null,
    pad_token_id: config.padId,
    torch_dtype: "float32",
  };
}

/** A special token's id; -1 is how some write that there is none. */
function tokenId(id: number | null | undefined): number | null {
  return id == null || id < 0 ? null : id;
}

/** Checks the relations between fields that a schema of single fields cannot see. */
export function checkedConfig(config: ModelConfig, file: string): ModelConfig {
  const { heads, kvHeads, headDim, hiddenSize, ropeScaling } = config;
  let problem = "";
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    problem =
      `head_dim is ${headDim} (hidden size ${hiddenSize}, ${heads} heads), not an even whole number`;
  } else if (heads % kvHeads !== 0) {
    problem = `${heads} query heads cannot share ${kvHeads} key-value heads`;
  } else if (ropeScaling?.type === "longrope") {
    const lengths = [ropeScaling.shortFactor.length, ropeScaling.longFactor.length];
    if (lengths.some((n) => n !== headDim / 2)) {
      problem = `rotary factors have ${lengths.join(" and ")} entries; head_dim ${headDim} needs ${
        headDim / 2
      }`;
    }
  }
  if (problem) throw new UserError(`${file}: ${problem}`, "fetch or convert the model again");
  return Object.freeze(config);
}

function issueText(error: z.ZodError, json: unknown): string {
  const { path, message } = error.issues[0];
  let value = json;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  // NaN and Infinity, which Python writes, have no JSON.
  const shown = typeof value === "number" ? String(value) : JSON.stringify(value) ?? "missing";
  return `"${path.join(".")}" is ${shown} (${message})`;
}

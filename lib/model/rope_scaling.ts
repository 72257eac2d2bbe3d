import { z } from "zod";
import { UserError } from "../base/error.ts";

/**
 * How rotary positions are stretched beyond the length a model was pretrained at.
 *
 * Names and defaults are those of `transformers`, whose `ROPE_INIT_FUNCTIONS`
 * {@linkcode ropeFrequencies} reproduces:
 * https://huggingface.co/docs/transformers/internal/rope_utils
 */
export type RopeScaling =
  | { readonly type: "linear" | "dynamic"; readonly factor: number }
  | {
    readonly type: "llama3";
    readonly factor: number;
    readonly lowFreqFactor: number;
    readonly highFreqFactor: number;
    readonly originalMaxPositions: number;
  }
  | {
    readonly type: "yarn";
    readonly factor: number;
    readonly originalMaxPositions: number;
    readonly betaFast: number;
    readonly betaSlow: number;
    readonly truncate: boolean;
    readonly attentionFactor: number | null;
    readonly mscale: number | null;
    readonly mscaleAllDim: number | null;
  }
  | {
    /** One divisor per frequency; also what a GGUF of a Llama 3 model carries (`rope_freqs`). */
    readonly type: "longrope";
    readonly factor: number | null;
    readonly originalMaxPositions: number;
    readonly shortFactor: readonly number[];
    readonly longFactor: readonly number[];
    readonly attentionFactor: number | null;
  };

const count = z.int().positive();

/** Rotary scaling as a Hugging Face `config.json` spells it: a setting that nothing here reads is refused. */
export const ropeScalingSchema = z.strictObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(), // the name of rope_type before transformers 4.45
  rope_theta: z.number().positive().nullish(),
  partial_rotary_factor: z.literal(1).nullish(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: count.nullish(),
  beta_fast: z.number().nullish(),
  beta_slow: z.number().nullish(),
  truncate: z.boolean().nullish(),
  attention_factor: z.number().positive().nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  short_factor: z.array(z.number().positive()).nullish(),
  long_factor: z.array(z.number().positive()).nullish(),
  // Of other programs, and of no effect with these values.
  finetuned: z.boolean().nullish(),
  max_position_embeddings: count.nullish(),
  attn_factor: z.literal(1).nullish(),
  extrapolation_factor: z.literal(1).nullish(),
});

/**
 * The scaling that a `rope_scaling` (or `rope_parameters`) object describes, null for none.
 *
 * @throws UserError when the type is unknown or one of its fields is missing.
 */
export function parseRopeScaling(
  raw: z.infer<typeof ropeScalingSchema>,
  { file, originalMaxPositions }: { file: string; originalMaxPositions: number },
): RopeScaling | null {
  const type = raw.rope_type ?? raw.type ?? "default";
  const need = <T>(key: string, value: T | null | undefined): T => {
    if (value != null) return value;
    throw new UserError(
      `${file}: rotary scaling of type "${type}" lacks "${key}"`,
      `add "${key}" to rope_scaling, or fetch config.json again`,
    );
  };
  switch (type) {
    case "default":
    case "none":
      return null;
    case "linear":
    case "dynamic":
      return { type, factor: need("factor", raw.factor) };
    case "llama3":
      return {
        type,
        factor: need("factor", raw.factor),
        lowFreqFactor: need("low_freq_factor", raw.low_freq_factor),
        highFreqFactor: need("high_freq_factor", raw.high_freq_factor),
        originalMaxPositions,
      };
    case "yarn":
      return {
        type,
        factor: need("factor", raw.factor),
        originalMaxPositions,
        betaFast: raw.beta_fast || 32,
        betaSlow: raw.beta_slow || 1,
        truncate: raw.truncate ?? true,
        attentionFactor: raw.attention_factor ?? null,
        mscale: raw.mscale ?? null,
        mscaleAllDim: raw.mscale_all_dim ?? null,
      };
    case "longrope":
      return {
        type,
        factor: raw.factor ?? null,
        originalMaxPositions,
        shortFactor: need("short_factor", raw.short_factor),
        longFactor: need("long_factor", raw.long_factor),
        attentionFactor: raw.attention_factor ?? null,
      };
    default:
      throw new UserError(
        `${file}: rotary scaling of type ${JSON.stringify(type)} is not supported`,
        "choose a model with default, linear, dynamic, llama3, yarn or longrope scaling",
      );
  }
}

/** The inverse of {@linkcode parseRopeScaling}. */
export function toHfRopeScaling(s: RopeScaling): Record<string, unknown> {
  const names: Record<string, string> = {
    type: "rope_type",
    lowFreqFactor: "low_freq_factor",
    highFreqFactor: "high_freq_factor",
    originalMaxPositions: "original_max_position_embeddings",
    betaFast: "beta_fast",
    betaSlow: "beta_slow",
    attentionFactor: "attention_factor",
    mscaleAllDim: "mscale_all_dim",
    shortFactor: "short_factor",
    longFactor: "long_factor",
  };
  return Object.fromEntries(
    Object.entries(s).filter(([, value]) => value !== null)
      .map(([key, value]) => [names[key] ?? key, value]),
  );
}

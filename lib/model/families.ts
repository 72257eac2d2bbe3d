/**
 * Model families as rows of one table: what sets one apart in its files. The forward pass is the same for
 * all: RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 *
 * @module
 */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { ATTENTION_MODULES, type LinearModule, MLP_MODULES } from "./linear_modules.ts";

/** Fields of a `config.json` that only some families have, or that they read each in its own way. */
export const familyFields = z.object({
  num_hidden_layers: z.int().positive(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  sliding_window: z.int().positive().nullish(),
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.int().nonnegative().default(0),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
});

/** What a `config.json` says of sliding windows. */
export function windowFields(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ["sliding_window", "use_sliding_window", "max_window_layers", "layer_types"];
  return Object.fromEntries(names.filter((name) => name in json).map((name) => [name, json[name]]));
}

type FamilyFields = z.infer<typeof familyFields>;

/** A row of {@linkcode FAMILIES}. */
export interface Family {
  /** What `architectures` names in a `config.json`. */
  readonly architecture: string;
  /** What the family's config class in `transformers` takes for left-out fields, where families differ. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Linear layers with a bias, in every layer. */
  readonly biases: (
    fields: Pick<FamilyFields, "attention_bias" | "mlp_bias">,
  ) => readonly LinearModule[];
  /** Positions that a layer with sliding-window attention looks back, null where every layer attends to all. */
  readonly window: (fields: FamilyFields) => number | null;
  /** Its own fields of a `config.json`: read again, they give these biases and no window. */
  readonly written: (biases: readonly LinearModule[]) => Readonly<Record<string, unknown>>;
  /** Its GGUF files; null where they come under another family's name. */
  readonly gguf: {
    /** `general.architecture`, and the prefix of the metadata's keys. */
    readonly architecture: string;
    /**
     * Whether the rows of q and k stand in another order: llama.cpp then rotates neighbouring dimensions
     * (2i, 2i + 1) of a head, where `transformers` rotates dimension i with i + headDim / 2.
     */
    readonly permuted: boolean;
  } | null;
}

/** The families by their `model_type`. */
export const FAMILIES = {
  llama: {
    architecture: "LlamaForCausalLM",
    defaults: { max_position_embeddings: 2048, bos_token_id: 1, eos_token_id: 2 },
    biases: (fields) => [
      ...(fields.attention_bias ? ATTENTION_MODULES : []),
      ...(fields.mlp_bias ? MLP_MODULES : []),
    ],
    window: () => null,
    written: (biases) => ({
      attention_bias: biases.includes("q_proj"),
      mlp_bias: biases.includes("up_proj"),
    }),
    gguf: { architecture: "llama", permuted: true },
  },
  mistral: {
    architecture: "MistralForCausalLM",
    defaults: {
      max_position_embeddings: 131_072,
      num_key_value_heads: 8,
      sliding_window: 4096,
      bos_token_id: 1,
      eos_token_id: 2,
    },
    biases: () => [],
    window: (fields) => fields.sliding_window ?? null,
    written: () => ({ sliding_window: null }),
    gguf: null,
  },
  qwen2: {
    architecture: "Qwen2ForCausalLM",
    defaults: {
      max_position_embeddings: 32_768,
      num_key_value_heads: 32,
      sliding_window: 4096,
      max_window_layers: 28,
    },
    biases: () => ["q_proj", "k_proj", "v_proj"],
    // Layers below max_window_layers attend to everything before.
    window: (fields) => {
      const windowed = fields.layer_types?.includes("sliding_attention") ??
        fields.max_window_layers < fields.num_hidden_layers;
      return fields.use_sliding_window && windowed ? fields.sliding_window ?? null : null;
    },
    written: () => ({ use_sliding_window: false, sliding_window: null }),
    gguf: { architecture: "qwen2", permuted: false },
  },
} as const satisfies Record<string, Family>;

/** Name of a family: its `model_type`. */
export type FamilyName = keyof typeof FAMILIES;

/** The family of a `config.json`. @throws {UserError} for a `model_type` without a row */
export function familyOf(modelType: unknown, file: string): FamilyName {
  if (typeof modelType === "string" && Object.hasOwn(FAMILIES, modelType)) {
    return modelType as FamilyName;
  }
  throw new UserError(
    `${file}: model_type is ${JSON.stringify(modelType ?? null)}`,
    `choose a model whose model_type is ${Object.keys(FAMILIES).join(", ")}`,
  );
}

/** The family of a GGUF file. @throws {UserError} for a `general.architecture` without a row */
export function familyOfGguf(architecture: unknown, file: string): FamilyName {
  const names = Object.keys(FAMILIES) as FamilyName[];
  const found = names.find((name) => FAMILIES[name].gguf?.architecture === (architecture ?? null));
  if (found) return found;
  const known = names.flatMap((name) => FAMILIES[name].gguf?.architecture ?? []);
  throw new UserError(
    `${file}: general.architecture is ${JSON.stringify(architecture ?? null)}`,
    `choose a GGUF file whose architecture is ${known.join(", ")}`,
  );
}

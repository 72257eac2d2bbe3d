import { UserError } from "../base/error.ts";
import type { ModelConfig } from "./config.ts";
import { QUANTISED_REMEDY } from "./not_computed.ts";
import type { WeightSource } from "./weight_source.ts";

/** Tensors of a checkpoint that a model can do without: tables of rotary positions, which it computes. */
const COMPUTED = /(^|\.)rotary_emb\.(inv_freq|cos_cached|sin_cached)$/;

/** What GPTQ, AWQ, bitsandbytes, compressed-tensors, fp8, quanto and MLX checkpoints call the parts of a quantised weight. */
const QUANTISED =
  /\.(qweight|qzeros|scales|biases|g_idx|weight_packed|weight_scale|weight_scale_inv|weight_zero_point|weight\._(data|scale|zeropoint|shift)|weight\.(absmax|quant_map|quant_state\..*|nested_\w+)|SCB)$/;

/** The head of `LlamaForSequenceClassification`, in the place of an output layer. */
const CLASSIFIER = "score.weight";

/** What {@linkcode checkWeights} needs beside the weights. */
export interface CheckWeightsOptions {
  readonly config: ModelConfig;
  /** Names and shapes that the config asks for. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The checkpoint's path, for messages. */
  readonly file: string;
  /** Other tensors, which the caller reads. */
  readonly alsoRead?: readonly string[];
}

/**
 * Refuses a checkpoint that is not the config's: one that lacks a tensor, has another shape, or has tensors that
 * nothing reads and without which the model would be another one.
 *
 * @throws {UserError} naming the tensor
 */
export async function checkWeights(
  source: WeightSource,
  { config, shapes, file, alsoRead = [] }: CheckWeightsOptions,
): Promise<void> {
  const quantised = source.names.find((name) => QUANTISED.test(name));
  if (quantised !== undefined) {
    throw new UserError(
      `${file}: tensor "${quantised}" is a part of quantised weights`,
      QUANTISED_REMEDY,
    );
  }
  const present = new Set(source.names);
  if (present.has(CLASSIFIER) && !alsoRead.includes(CLASSIFIER)) {
    throw new UserError(
      `${file}: the config asks for no tensor "${CLASSIFIER}": it is a reward model or a classifier`,
      "give a language model; a reward model grades as the judge reward:PATH",
    );
  }
  for (const [name, shape] of shapes) {
    if (!present.has(name)) {
      throw new UserError(
        `${file}: tensor "${name}" is missing`,
        name === "lm_head.weight"
          ? 'fetch the missing part, or set "tie_word_embeddings" to true in config.json if the model has none'
          : REMEDY,
      );
    }
    const found = source.shape(name);
    if (found.join() !== shape.join()) {
      throw new UserError(
        `${file}: tensor "${name}" has shape [${found}], the config asks for [${shape}]`,
        REMEDY,
      );
    }
  }
  for (const name of source.names) {
    if (shapes.has(name) || alsoRead.includes(name) || COMPUTED.test(name)) continue;
    if (name === "lm_head.weight" && config.tieEmbeddings) {
      if (await sameValues(source, [name, "model.embed_tokens.weight"])) continue;
      throw new UserError(
        `${file}: the config ties the output to the embedding, and "${name}" has other values`,
        'set "tie_word_embeddings" to false in config.json, or take the tensor out, whichever the model was trained with',
      );
    }
    throw new UserError(
      `${file}: the config asks for no tensor "${name}", and the model would be another one without it`,
      "use the config.json that belongs to this checkpoint; a model with such parts cannot be used here",
    );
  }
}

const REMEDY = "use the checkpoint that belongs to this config.json";

async function sameValues(source: WeightSource, [a, b]: [string, string]): Promise<boolean> {
  if (source.shape(a).join() !== source.shape(b).join()) return false;
  const [one, other] = [await source.read(a), await source.read(b)];
  return one.every((value, i) => value === other[i]);
}

import { writeJsonFile } from "../base/files.ts";
import { type ModelConfig, toHfConfig } from "./config.ts";
import { valuesOf } from "../tensor/mod.ts";
import type { FloatType } from "./float_bytes.ts";
import { LanguageModel } from "./language_model.ts";
import { type TensorData, writeSafetensors } from "./safetensors.ts";
import type { WeightSource } from "./weight_source.ts";

/** What `transformers` calls each precision. */
const TORCH_TYPES = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/**
 * Writes a model as `transformers` loads it: `config.json` and `model.safetensors`. An adapter in use is not
 * part of it: save that with `saveAdapter`, or fold it into the weights first. One tensor at a time is in memory.
 *
 * @param options.dtype Stored precision; float32 keeps every bit. @default "F32"
 */
export async function saveModel(
  model: LanguageModel,
  folder: string,
  { dtype = "F32" }: { dtype?: FloatType } = {},
): Promise<void> {
  await writeModel(folder, { config: model.config, tensors: tensorsOf(model.weights), dtype });
}

/**
 * Writes the weights of a file as {@linkcode saveModel} writes a model's, without a model in memory.
 *
 * @param options.dtype Stored precision. @default "F32"
 */
export async function saveWeights(
  source: WeightSource,
  config: ModelConfig,
  folder: string,
  { dtype = "F32" }: { dtype?: FloatType } = {},
): Promise<void> {
  const tensors = new Map(
    [...LanguageModel.shapes(config)].map(([name, shape]) => [name, {
      shape,
      data: () => source.read(name),
    }]),
  );
  await writeModel(folder, { config, tensors, dtype });
}

async function writeModel(
  folder: string,
  { config, tensors, dtype }: {
    config: ModelConfig;
    tensors: ReadonlyMap<string, TensorData>;
    dtype: FloatType;
  },
): Promise<void> {
  await writeJsonFile(`${folder}/config.json`, {
    ...toHfConfig(config),
    torch_dtype: TORCH_TYPES[dtype],
  });
  await writeSafetensors(`${folder}/model.safetensors`, tensors, { dtype });
}

/** Tensors as they are to be written, each read when its turn comes. */
export function tensorsOf(
  tensors: LanguageModel["weights"],
  nameOf: (name: string) => string = (name) => name,
): Map<string, TensorData> {
  return new Map(
    [...tensors].map(([name, tensor]) => [nameOf(name), {
      shape: tensor.shape,
      data: () => valuesOf(tensor),
    }]),
  );
}

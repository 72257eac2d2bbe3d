import { writeWhole } from "../base/files.ts";
import type { FloatType } from "./float_bytes.ts";
import type { LanguageModel } from "./language_model.ts";
import { toHfConfig } from "./config.ts";
import { type TensorData, writeSafetensors } from "./safetensors.ts";

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
  const config = { ...toHfConfig(model.config), torch_dtype: TORCH_TYPES[dtype] };
  await writeWhole(`${folder}/config.json`, JSON.stringify(config, null, 2) + "\n");
  await writeSafetensors(`${folder}/model.safetensors`, tensorsOf(model.weights), { dtype });
}

/** Tensors as they are to be written, each read when its turn comes. */
export function tensorsOf(
  tensors: LanguageModel["weights"],
  nameOf: (name: string) => string = (name) => name,
): Map<string, TensorData> {
  return new Map(
    [...tensors].map(([name, tensor]) => [nameOf(name), {
      shape: tensor.shape,
      data: async () => await tensor.data() as Float32Array,
    }]),
  );
}

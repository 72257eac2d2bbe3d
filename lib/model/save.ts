import { writeWhole } from "../base/files.ts";
import type { LanguageModel } from "./language_model.ts";
import { toHfConfig } from "./config.ts";
import { writeSafetensors } from "./safetensors.ts";

/**
 * Writes a model as `transformers` loads it: `config.json` and `model.safetensors`. An adapter in use is not
 * part of it: save that with `saveAdapter`, or fold it into the weights first.
 *
 * @param options.dtype Stored precision; float32 keeps every bit.
 */
export async function saveModel(
  model: LanguageModel,
  folder: string,
  { dtype = "F32" }: { dtype?: "F32" | "F16" | "BF16" } = {},
): Promise<void> {
  const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
  for (const [name, tensor] of model.weights) {
    tensors[name] = { shape: tensor.shape, data: await tensor.data() as Float32Array };
  }
  const config = JSON.stringify(toHfConfig(model.config), null, 2) + "\n";
  await writeWhole(`${folder}/config.json`, config);
  await writeSafetensors(`${folder}/model.safetensors`, tensors, {
    metadata: { format: "pt" },
    dtype,
  });
}

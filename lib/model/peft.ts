/**
 * Adapters on disk, as PEFT writes and reads them: `adapter_config.json` and `adapter_model.safetensors`.
 * Source of the layout: https://huggingface.co/docs/peft/developer_guides/checkpoint
 */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { exists, writeJsonFile } from "../base/files.ts";
import {
  ADAPTER_WEIGHTS,
  type AdapterRecord,
  type BaseWeights,
  checkBase,
  recordMetadata,
} from "./adapter_record.ts";
import type { ModelConfig } from "./config.ts";
import type { FloatType } from "./float_bytes.ts";
import { readJson } from "./json_file.ts";
import { LoraAdapter } from "./lora.ts";
import { parseAdapterConfig } from "./peft_config.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import { tensorsOf } from "./save.ts";
import { unwrappedName } from "./unwrapped_weights.ts";

/** PEFT wraps the model twice; its names show it. */
const PREFIX = "base_model.model.";

const baseSchema = z.object({
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
});

/** What {@linkcode saveAdapter} writes beside the adapter's own settings. */
export interface SaveAdapterOptions {
  /** Name on the Hub, or path, of the model it belongs to. */
  readonly baseModel: string;
  /** The Hub model's revision. @default the main one */
  readonly revision?: string;
  /** What the weights file says of its making. @default nothing */
  readonly record?: AdapterRecord;
  /** Stored precision. @default "F32" */
  readonly dtype?: FloatType;
}

/** Writes an adapter that `PeftModel.from_pretrained(base, folder)` loads. */
export async function saveAdapter(
  adapter: LoraAdapter,
  folder: string,
  { baseModel, revision, record, dtype }: SaveAdapterOptions,
): Promise<void> {
  const tensors = tensorsOf(adapter.parameters, (name) => PREFIX + name);
  await writeSafetensors(`${folder}/${ADAPTER_WEIGHTS}`, tensors, {
    metadata: { format: "pt", ...(record && recordMetadata(record)) },
    dtype,
  });
  const { r, alpha, dropout, targetModules } = adapter.config;
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    revision: revision ?? null,
    r,
    lora_alpha: alpha,
    lora_dropout: dropout,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    use_dora: false,
    use_rslora: false,
    target_modules: [...targetModules],
  };
  await writeJsonFile(`${folder}/adapter_config.json`, config);
}

/** The base that an adapter's config names. */
export interface AdapterBase {
  readonly name: string;
  readonly revision: string | null;
}

/** The model that the adapter in a folder belongs to, as its config names it; null where it names none. */
export async function adapterBase(folder: string): Promise<AdapterBase | null> {
  const file = `${folder}/adapter_config.json`;
  const parsed = baseSchema.safeParse(await readJson(file));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new UserError(
      `${file}: field "${path.join(".")}": ${message}`,
      "give the folder of a PEFT adapter",
    );
  }
  const { base_model_name_or_path: name, revision } = parsed.data;
  return name ? { name, revision: revision ?? null } : null;
}

/**
 * Reads an adapter in PEFT's layout for a model of this config.
 *
 * @param options.base The weights that it is put on: others than it was trained on are refused.
 *   @default not checked
 * @throws {UserError} if it is of another kind than plain LoRA on linear layers, or does not fit the model
 */
export async function loadAdapter(
  folder: string,
  model: ModelConfig,
  { base }: { base?: BaseWeights } = {},
): Promise<LoraAdapter> {
  const file = `${folder}/adapter_config.json`;
  const config = parseAdapterConfig(await readJson(file), { file, model });
  if (base !== undefined) await checkBase(folder, base);
  const weights = `${folder}/${ADAPTER_WEIGHTS}`;
  if (!await exists(weights) && await exists(`${folder}/adapter_model.bin`)) {
    throw new UserError(
      `${folder} has its weights in adapter_model.bin, a pickle, and no ${ADAPTER_WEIGHTS}`,
      "load it with PEFT and save it again with save_pretrained, which writes safetensors",
    );
  }
  const source = await openSafetensors(weights);
  try {
    const stored = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const name of source.names) {
      stored.set(unwrappedName(unwrappedName(name).replace(PREFIX, "")), {
        shape: [...source.shape(name)],
        data: await source.read(name),
      });
    }
    const adapter = LoraAdapter.from(model, config, {
      file: weights,
      get: (name) => stored.get(name),
    });
    const unread = [...stored.keys()].find((name) => !adapter.parameters.has(name));
    if (unread === undefined) return adapter;
    adapter.dispose();
    throw new UserError(
      `${weights}: nothing here reads the tensor "${unread}", and the adapter would be another one without it`,
      "use an adapter made for this model, of the linear layers that its adapter_config.json names",
    );
  } finally {
    source.close();
  }
}

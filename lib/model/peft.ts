/**
 * Adapters on disk, as PEFT writes and reads them: `adapter_config.json` and `adapter_model.safetensors`.
 * Source of the layout: https://huggingface.co/docs/peft/developer_guides/checkpoint
 */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { writeJsonFile } from "../base/files.ts";
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
import { LINEAR_MODULES } from "./linear_modules.ts";
import { LoraAdapter, type LoraConfig } from "./lora.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import { tensorsOf } from "./save.ts";

/** PEFT wraps the model twice; its names show it. */
const PREFIX = "base_model.model.";

const off = z.literal(false).nullish();
const none = z.union([z.tuple([]), z.strictObject({})]).nullish();

const schema = z.object({
  peft_type: z.literal("LORA"),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  bias: z.literal("none").default("none"),
  // What would change the meaning of the weights is refused rather than overlooked.
  use_rslora: off,
  use_dora: off,
  use_qalora: off,
  lora_bias: off,
  fan_in_fan_out: off,
  alpha_pattern: none,
  rank_pattern: none,
  modules_to_save: none,
  layers_to_transform: none,
  target_modules: z.array(z.enum(LINEAR_MODULES)).min(1),
});

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
  const parsed = schema.safeParse(await readJson(file));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new UserError(
      `${file}: field "${path.join(".")}": ${message}`,
      "use a plain LoRA adapter: one rank and alpha for all its linear layers, and nothing else trained",
    );
  }
  const { r, lora_alpha: alpha, lora_dropout: dropout, target_modules } = parsed.data;
  const config: LoraConfig = {
    r,
    alpha,
    dropout,
    // PEFT stores a set, in no fixed order; ours is the order of the layer.
    targetModules: LINEAR_MODULES.filter((module) => target_modules.includes(module)),
  };
  if (base !== undefined) await checkBase(folder, base);
  const weights = `${folder}/${ADAPTER_WEIGHTS}`;
  const source = await openSafetensors(weights);
  try {
    const stored = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const name of source.names) {
      stored.set(name.replace(PREFIX, ""), {
        shape: [...source.shape(name)],
        data: await source.read(name),
      });
    }
    return LoraAdapter.from(model, config, { file: weights, get: (name) => stored.get(name) });
  } finally {
    source.close();
  }
}

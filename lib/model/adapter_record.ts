/** What an adapter's weights file says of its making, in the metadata of the file: it goes wherever the weights go. */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { FROZEN_DTYPES, type FrozenDtype } from "../tensor/mod.ts";
import { LINEAR_MODULES } from "./linear_modules.ts";
import { openSafetensors } from "./safetensors.ts";
import type { StackPart } from "./stack_adapters.ts";
import { weightsFingerprint } from "./weights_fingerprint.ts";

const schema = z.object({
  base: z.string(),
  frozenDtype: z.enum(FROZEN_DTYPES).default("float32"),
  parts: z.array(z.object({
    name: z.string(),
    r: z.int().positive(),
    alpha: z.number().positive(),
    dropout: z.number(),
    targetModules: z.array(z.enum(LINEAR_MODULES)).min(1),
  })).min(1),
});

/** What an adapter says of its making. */
export interface AdapterRecord {
  /** Fingerprint of the weights that it belongs on, see `weightsFingerprint`. */
  readonly base: string;
  /** How the base's matrices were held in training; two bytes a number round them. @default "float32" */
  readonly frozenDtype?: FrozenDtype;
  /** The stages whose updates it holds, in the order they were trained: see `splitAdapter`. */
  readonly parts: readonly StackPart[];
}

/** Key of the metadata. */
const KEY = "self_judge";

/** The record as metadata of a safetensors file. */
export function recordMetadata(record: AdapterRecord): Record<string, string> {
  return { [KEY]: JSON.stringify(record) };
}

/** Name of the weights file in an adapter's folder. */
export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

/**
 * The record of an adapter; null for one that another program wrote.
 *
 * @param folder The adapter's folder.
 */
export async function adapterRecord(folder: string): Promise<AdapterRecord | null> {
  const file = `${folder}/${ADAPTER_WEIGHTS}`;
  const source = await openSafetensors(file);
  source.close();
  const text = source.metadata[KEY];
  if (text === undefined) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError(`${file}: its metadata "${KEY}" is damaged`, "fetch the adapter again", {
      cause,
    });
  }
}

/** The weights that an adapter is put on. */
export interface BaseWeights {
  /** Where they are. */
  readonly path: string;
  /** Their fingerprint, where it is known or kept. @default `weightsFingerprint` of the path */
  readonly fingerprint?: () => Promise<string>;
}

/**
 * Refuses an adapter on other weights than those it was trained on. One without a record passes: nobody knows.
 *
 * @param folder The adapter's folder.
 */
export async function checkBase(
  folder: string,
  { path, fingerprint = () => weightsFingerprint(path) }: BaseWeights,
): Promise<void> {
  const record = await adapterRecord(folder);
  if (record === null) return;
  const found = await fingerprint();
  if (found === record.base) return;
  throw new UserError(
    `the adapter ${folder} was trained on other weights than those of ${path}: its base has the fingerprint ` +
      `${record.base.slice(0, 16)}, these have ${found.slice(0, 16)}`,
    "put it on the model that base_model_name_or_path in its adapter_config.json names; where that is " +
      `${path} itself, its files were changed since: bring the old ones back`,
  );
}

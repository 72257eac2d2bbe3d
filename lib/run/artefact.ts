/** What a stage leaves for other programs: folders that `transformers`, PEFT, vLLM and llama.cpp's tools load. */
import { resolve } from "node:path";
import { UserError } from "../base/error.ts";
import {
  exists,
  readIfThere,
  readJsonFile,
  removeIfThere,
  sha256Of,
  writeJsonFile,
} from "../base/files.ts";
import { parsePythonJson } from "../base/python_json.ts";
import {
  ADAPTER_WEIGHTS,
  adapterRecord,
  type FloatType,
  type LanguageModel,
  loadAdapter,
  loadModel,
  type LoraAdapter,
  openWeights,
  readConfig,
  saveAdapter,
  saveModel,
  saveWeights,
  weightsFingerprint,
} from "../model/mod.ts";
import type { FrozenDtype } from "../tensor/mod.ts";
import { type TextTokenizer, writeTokenizer } from "../text/mod.ts";
import { languagePath, type ModelFiles } from "./model_files.ts";

/** What is written beside weights. */
export interface ArtefactLanguage {
  readonly tokenizer: TextTokenizer;
  /** Path of the model that the tokenizer came with. */
  readonly from: string;
}

/** Writes a whole model: config, weights, tokenizer, chat template, generation config. */
export async function writeModelFolder(
  model: LanguageModel,
  folder: string,
  { dtype, ...language }: ArtefactLanguage & { dtype?: FloatType },
): Promise<void> {
  await saveModel(model, folder, { dtype });
  await writeLanguage(folder, { ...language, config: model.config });
}

/** Writes an adapter with what turns text into its tokens. */
export async function writeAdapterFolder(
  adapter: LoraAdapter,
  folder: string,
  { config, tokenizer, from, ...options }:
    & ArtefactLanguage
    & Pick<LanguageModel, "config">
    & Parameters<typeof saveAdapter>[2],
): Promise<void> {
  await saveAdapter(adapter, folder, options);
  await writeLanguage(folder, { config, tokenizer, from });
}

/** Tokenizer and generation config. */
async function writeLanguage(
  folder: string,
  { config, tokenizer, from }: ArtefactLanguage & Pick<LanguageModel, "config">,
): Promise<void> {
  const text = await readIfThere(`${from}/generation_config.json`);
  const own = text === null ? null : parsePythonJson(text) as Record<string, unknown>;
  const before = own?.eos_token_id ?? [];
  const ends = new Set([before, [...tokenizer.endIds], [...config.eosIds]].flat());
  await writeJsonFile(`${folder}/generation_config.json`, {
    ...own,
    bos_token_id: own?.bos_token_id ?? tokenizer.bosId,
    eos_token_id: ends.size > 1 ? [...ends] : [...ends][0],
    pad_token_id: own?.pad_token_id ?? tokenizer.padId,
  });
  await writeTokenizer(tokenizer, folder, { from });
}

/** How an adapter names its base: a Hub name, or the absolute path of a folder. */
export interface BaseName {
  readonly baseModel: string;
  readonly revision?: string;
}

/**
 * The name of a base that `transformers` loads by itself: the Hub's, or the absolute path of a folder with config and
 * safetensors. Null for a GGUF file, for what came from elsewhere than its name says, and under an adapter.
 *
 * @param spec What the model was named by.
 */
export async function baseName(spec: string, files: ModelFiles): Promise<BaseName | null> {
  if (files.adapter !== null) return null;
  const whole = await exists(`${files.path}/config.json`) &&
    (await exists(`${files.path}/model.safetensors`) ||
      await exists(`${files.path}/model.safetensors.index.json`));
  if (!whole) return null;
  if (files.origin === "local") return { baseModel: resolve(files.path) };
  const [baseModel, revision] = spec.split("@");
  return { baseModel, ...(revision && { revision }) };
}

/** File that says what a {@linkcode writeBase} folder is made of. */
const SOURCE = "source.json";

/**
 * Writes a base that `transformers` cannot load by itself as a folder that it does, once: the very values of a GGUF
 * file, or a model with its adapter folded in.
 *
 * @param options.model The model in memory, with the adapter of `files` folded in; null where it is not at hand.
 * @throws {UserError} where it would be needed
 */
export async function writeBase(
  folder: string,
  { files, model, tokenizer }: {
    files: ModelFiles;
    model: LanguageModel | null;
    tokenizer: TextTokenizer;
  },
): Promise<void> {
  const { path, adapter } = files;
  const config = await readConfig(path);
  if (!await isWritten(folder, files)) {
    await removeIfThere(`${folder}/${SOURCE}`);
    if (adapter === null) await copyWeights(path, { config, folder });
    else if (model !== null) await saveModel(model, folder);
    else {
      throw new UserError(
        `${folder}, which the stage before wrote, is not there`,
        "run the stages again: the same command with --fresh",
      );
    }
    await writeJsonFile(`${folder}/${SOURCE}`, await sourceOf(files));
  }
  await writeLanguage(folder, { config, tokenizer, from: await languagePath(files) });
}

async function copyWeights(
  path: string,
  { config, folder }: Pick<LanguageModel, "config"> & { folder: string },
): Promise<void> {
  const source = await openWeights(path, { tied: config.tieEmbeddings });
  try {
    await saveWeights(source, config, folder);
  } finally {
    source.close();
  }
}

/**
 * Loads a base. Under an adapter, what {@linkcode writeBase} left is loaded where it is there: folded in again, on
 * another machine, a weight may differ in its last bit.
 *
 * @param folder Where it was written.
 */
export async function loadBase(
  files: ModelFiles,
  { folder, frozenDtype }: { folder: () => string; frozenDtype: FrozenDtype },
): Promise<LanguageModel> {
  const { path, adapter } = files;
  if (adapter === null) return await loadModel(path, { frozenDtype });
  if (await isWritten(folder(), files)) return await loadModel(folder(), { frozenDtype });
  const record = await adapterRecord(adapter);
  const model = await loadModel(path, { frozenDtype: record?.frozenDtype });
  try {
    model.adapter = await loadAdapter(adapter, model.config, { base: { path } });
  } catch (error) {
    model.dispose();
    throw error;
  }
  model.foldAdapter();
  model.storeAs(frozenDtype);
  return model;
}

/** Whether a folder holds the base that is made of these files. */
async function isWritten(folder: string, files: ModelFiles): Promise<boolean> {
  const found = await readJsonFile<unknown>(`${folder}/${SOURCE}`);
  return found !== null && JSON.stringify(found) === JSON.stringify(await sourceOf(files));
}

async function sourceOf(
  { path, origin, adapter }: ModelFiles,
): Promise<Record<string, string | null>> {
  return {
    origin: (origin === "local" ? path : origin) + (adapter === null ? "" : ` with ${adapter}`),
    weights: await weightsFingerprint(path),
    adapter: adapter === null ? null : await sha256Of(`${adapter}/${ADAPTER_WEIGHTS}`),
  };
}

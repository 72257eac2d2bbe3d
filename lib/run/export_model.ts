import { basename, resolve } from "node:path";
import { UserError } from "../base/error.ts";
import { exists, makeFolder, writeWhole } from "../base/files.ts";
import {
  adapterBase,
  adapterRecord,
  type FloatType,
  ggufContent,
  loadAdapter,
  readConfig,
  writeGguf,
} from "../model/mod.ts";
import { startEngine } from "../tensor/mod.ts";
import { ggufVocabulary, openTokenizer } from "../text/mod.ts";
import { writeAdapterFolder, writeModelFolder } from "./artefact.ts";
import { stageModel } from "./cards.ts";
import { MODEL_STAGES, modelCard } from "./model_card.ts";
import { languagePath, locateModelFiles } from "./model_files.ts";
import { openModel } from "./open_model.ts";

/** Forms that a model is exported in. */
export const EXPORT_FORMATS = ["safetensors", "gguf", "adapter"] as const;
/** Precisions as `transformers` names them. */
export const EXPORT_TYPES = { float32: "F32", bfloat16: "BF16", float16: "F16" } as const;

/** What {@linkcode exportModel} exports, and how. */
export interface ExportOptions {
  /** A run's folder, or what names a model: a path, a Hub name, an adapter's folder. */
  readonly source: string;
  /** A new or empty folder. */
  readonly to: string;
  /** The run's stage that made the model. @default the last one that is done */
  readonly stage?: string;
  readonly format: typeof EXPORT_FORMATS[number];
  readonly dtype: keyof typeof EXPORT_TYPES;
  readonly log: (line: string) => void;
}

/**
 * Writes a model as one folder for other programs: with all adapters folded in, as `transformers` or as llama.cpp
 * has it, or as an adapter alone.
 *
 * @throws {UserError} when there is no such model, it is not of this form, or the folder has something in it
 */
export async function exportModel(options: ExportOptions): Promise<void> {
  const { source, to, format } = options;
  const run = await exists(`${source}/run.json`) ? source : null;
  if (run === null && options.stage !== undefined) {
    throw new UserError(`--stage ${options.stage}: ${source} is no run`, "leave --stage out");
  }
  const stage = run === null ? null : await stageOf(run, options.stage);
  const folder = stage === null ? source : stage.folder;
  await checkEmpty(to);
  const dtype = EXPORT_TYPES[options.dtype];
  if (format === "adapter") await exportAdapter(folder, { ...options, dtype });
  else await exportWhole(folder, { ...options, dtype });
  if (run === null || stage === null) return;
  const file = format === "gguf" ? fileName(folder, dtype) : undefined;
  const form = format === "safetensors" ? "model" : format;
  const card = await modelCard(run, stage.name, { form, file });
  if (card !== null) await writeWhole(`${to}/README.md`, card);
}

/** The stage that is asked for, or the last one that is done, with the folder of its model. */
async function stageOf(run: string, wanted?: string): Promise<{ name: string; folder: string }> {
  const known = Object.keys(MODEL_STAGES);
  if (wanted !== undefined && !known.includes(wanted)) {
    throw new UserError(`--stage ${wanted} makes no model`, `give ${known.join(" or ")}`);
  }
  for (const name of wanted === undefined ? known.toReversed() : [wanted]) {
    const done = await exists(`${run}/${name}/done.json`);
    const model = done ? await stageModel(run, name) : null;
    if (model !== null) return { name, folder: model.folder };
  }
  throw new UserError(
    wanted === undefined
      ? `${run} has no stage that is done and made a model`
      : `stage ${wanted} of ${run} is not done`,
    "run deno task align to its end first",
  );
}

async function checkEmpty(folder: string): Promise<void> {
  if (!await exists(folder)) return;
  const remedy = "name a new folder with --to";
  if (!(await Deno.stat(folder)).isDirectory) {
    throw new UserError(`${folder} is not a folder`, remedy);
  }
  for await (const { name } of Deno.readDir(folder)) {
    throw new UserError(`${folder} is not empty: it has ${name}`, remedy);
  }
}

const fileName = (folder: string, dtype: FloatType): string => `${nameOf(folder)}-${dtype}.gguf`;

/** `run-jsft` of RUN/jsft/adapter. */
function nameOf(folder: string): string {
  const parts = resolve(folder).split("/");
  const last = basename(parts.at(-1)!, ".gguf");
  return ["adapter", "model"].includes(last) ? parts.slice(-3, -1).join("-") : last;
}

async function exportWhole(
  folder: string,
  { to, format, dtype, log }: Pick<ExportOptions, "to" | "format" | "log"> & { dtype: FloatType },
): Promise<void> {
  const { model, tokenizer, session, dispose } = await openModel(folder, { asked: false, log });
  try {
    await makeFolder(to);
    if (format === "gguf") {
      const vocabulary = ggufVocabulary(tokenizer, { vocabSize: model.config.vocabSize });
      const file = `${to}/${fileName(folder, dtype)}`;
      await writeGguf(file, ggufContent(model, { name: nameOf(folder), dtype, vocabulary }));
      log(`wrote ${file}`);
    } else {
      const from = await languagePath(await session.located());
      await writeModelFolder(model, to, { tokenizer, from, dtype });
      log(`wrote ${to}/model.safetensors`);
    }
  } finally {
    dispose();
  }
}

async function exportAdapter(
  folder: string,
  { to, dtype, log }: Pick<ExportOptions, "to" | "log"> & { dtype: FloatType },
): Promise<void> {
  const files = await locateModelFiles(folder, { log });
  const base = files.adapter === null ? null : await adapterBase(files.adapter);
  if (files.adapter === null || base === null) {
    throw new UserError(
      `${folder} is a whole model, not an adapter`,
      "export it with --format safetensors or --format gguf",
    );
  }
  await startEngine();
  const config = await readConfig(files.path);
  const adapter = await loadAdapter(files.adapter, config, { base: { path: files.path } });
  try {
    const from = await languagePath(files);
    await writeAdapterFolder(adapter, to, {
      ...{ config, dtype, from, tokenizer: await openTokenizer(from) },
      ...{ baseModel: base.name, revision: base.revision ?? undefined },
      record: await adapterRecord(files.adapter) ?? undefined,
    });
    log(`wrote ${to}/adapter_model.safetensors, an adapter of ${base.name}`);
  } finally {
    adapter.dispose();
  }
}

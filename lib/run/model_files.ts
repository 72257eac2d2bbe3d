import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { adapterBase, adapterRecord } from "../model/mod.ts";
import { type Located, locateModel, type LocateOptions } from "./source.ts";

/** Where a model is: its weights, and the adapter that is on them. */
export interface ModelFiles extends Located {
  /** Folder of a PEFT adapter; null for none. */
  readonly adapter: string | null;
}

/** `PATH_OR_HUB_NAME[+ADAPTER]` in its parts. A path with a plus that exists as it stands is a path. */
export function splitSpec(spec: string): { path: string; adapter: string | null } {
  const plus = spec.lastIndexOf("+");
  if (plus < 1 || isThere(spec)) return { path: spec, adapter: null };
  return { path: spec.slice(0, plus), adapter: spec.slice(plus + 1) };
}

/**
 * Finds a model as {@linkcode locateModel} does, with a PEFT adapter after its last plus. The folder of an adapter
 * alone stands for the model that its `adapter_config.json` names with the adapter on it.
 *
 * @throws {UserError} As {@linkcode locateModel}, and when an adapter is not there, names no base or one that is not
 *   there, or is to be put on another adapter.
 */
export async function locateModelFiles(
  spec: string,
  options: LocateOptions = {},
): Promise<ModelFiles> {
  const { path: named, adapter } = splitSpec(spec);
  const located = await locateModel(named, options);
  const isAdapter = await exists(`${located.path}/${CONFIG}`);
  if (!isAdapter) await checkModelFolder(located.path);
  if (adapter === null) {
    return isAdapter ? await underAdapter(located.path, options) : { ...located, adapter };
  }
  if (!await exists(adapter)) {
    throw new UserError(`there is no adapter "${adapter}"`, "give the folder of a PEFT adapter");
  }
  if (isAdapter) {
    throw new UserError(
      `${named} is an adapter itself, and ${adapter} cannot be put on it`,
      `give ${adapter} alone, or BASE+${adapter}`,
    );
  }
  await warnOfOtherName(adapter, { located, named, log: options.log });
  return { ...located, adapter };
}

/** Finds a model whose weights are whole. @throws {UserError} As {@linkcode locateModelFiles}, and for an adapter. */
export async function locateWholeModel(
  spec: string,
  options: LocateOptions = {},
): Promise<Located> {
  const { adapter, ...located } = await locateModelFiles(spec, options);
  if (adapter === null) return located;
  throw new UserError(
    `${spec} is an adapter on a model, and a whole one is needed here`,
    `fold it in with deno task export ${spec} --to FOLDER, and give that`,
  );
}

const CONFIG = "adapter_config.json";

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

/** Says so where an adapter without a fingerprint names another base than it is put on. */
async function warnOfOtherName(
  adapter: string,
  { located, named, log }: { located: Located; named: string; log?: (line: string) => void },
): Promise<void> {
  if (await adapterRecord(adapter) !== null) return; // its fingerprint is checked when it is loaded
  const base = (await adapterBase(adapter))?.name ?? null;
  if (base === null || [named, named.split("@")[0], located.path].includes(base)) return;
  if (resolve(base) === resolve(located.path)) return;
  log?.(
    `warning: ${adapter} was made for "${base}", as its ${CONFIG} says; whether ${named} is the same is not known`,
  );
}

/** The model that an adapter names, with the adapter on it. */
async function underAdapter(adapter: string, options: LocateOptions): Promise<ModelFiles> {
  const named = await adapterBase(adapter);
  const remedy = `write BASE+${adapter} with the path or Hub name of its base`;
  if (named === null) {
    throw new UserError(`${adapter}/${CONFIG} names no base_model_name_or_path`, remedy);
  }
  const { name, revision } = named;
  const path = isThere(name) ? name : await movedWith(adapter, name);
  try {
    const hub = revision === null ? name : `${name}@${revision}`;
    return { ...await locateModel(path ?? hub, options), adapter };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `the adapter ${adapter} belongs on "${name}", as its ${CONFIG} says: ${error.problem}`,
      remedy,
      { cause: error },
    );
  }
}

/**
 * The base of an adapter of a run whose folder was moved: named RUN/base or RUN/STAGE/model by an adapter that is
 * RUN/STAGE/adapter. Whether it is the right one, its fingerprint says.
 */
async function movedWith(adapter: string, base: string): Promise<string | null> {
  const run = resolve(adapter, "..", "..");
  const inRun = [basename(base), join(basename(dirname(base)), basename(base))];
  for (const name of inRun) if (await exists(`${run}/${name}/config.json`)) return join(run, name);
  return null;
}

/** Refuses the folder of a stage or of a run, naming the models in it. */
async function checkModelFolder(path: string): Promise<void> {
  if (await exists(`${path}/config.json`) && await exists(`${path}/model.safetensors`)) return;
  const stages = ["", "self-judge/", "jsft/"];
  const inside = [];
  for (const name of stages.flatMap((stage) => [`${stage}adapter`, `${stage}model`])) {
    const folder = `${path}/${name}`;
    const whole = await exists(`${folder}/model.safetensors`);
    if (whole || await exists(`${folder}/${CONFIG}`)) inside.push(folder);
  }
  if (inside.length === 0) return;
  throw new UserError(
    `${path} is a folder of a run, not of a model`,
    `give ${inside.join(" or ")}`,
  );
}

/** Where a model's tokenizer is: with its adapter, which was trained in its words, or with its weights. */
export async function languagePath({ path, adapter }: ModelFiles): Promise<string> {
  return adapter !== null && await exists(`${adapter}/tokenizer.json`) ? adapter : path;
}

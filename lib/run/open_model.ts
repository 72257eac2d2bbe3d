/** Models by name, as a command line gives them: to answer, to judge, to grade. */
import { UserError } from "../base/error.ts";
import { exists, readJsonFile } from "../base/files.ts";
import {
  adapterRecord,
  contextText,
  type LanguageModel,
  loadAdapterParts,
  loadModel,
  withModel,
} from "../model/mod.ts";
import type { Conventions } from "../method/mod.ts";
import { startEngine } from "../tensor/mod.ts";
import { resolveConfig, type RunConfig } from "./config.ts";
import { locateModelFiles, splitSpec } from "./model_files.ts";
import { type Language, type ModelState, RUN_STATES, Session } from "./session.ts";
import type { StageModel } from "./stage_model.ts";

/** How models are named, for help texts. */
export const MODEL_SPECS = ["PATH_OR_HUB_NAME[+ADAPTER]", "run:FOLDER#base|jsft|policy"] as const;

const STAGES: readonly string[] = Object.values(RUN_STATES);

/** What a model's spec says. */
export type ModelSpec =
  | { readonly path: string; readonly adapter: string | null }
  | { readonly folder: string; readonly state: ModelState };

/** A model in memory with what turns text into its tokens. */
export interface OpenedModel extends Language {
  readonly model: LanguageModel;
  /** How its dialogues become tokens. @default {@linkcode OUR_CONVENTIONS} */
  readonly conventions?: Conventions;
  /** What tables and files call it, see {@linkcode modelName}. */
  readonly name: string;
  /** Where it is from, for the record. */
  readonly origin: string;
  /** A run's model has the settings of its run. */
  readonly config: Readonly<RunConfig>;
  /** Judges over it, and how its language becomes tokens. */
  readonly session: Session;
  readonly dispose: () => void;
}

/** A model to be asked, wherever it is, with what turns text into its tokens. */
export interface AskedModel extends Omit<OpenedModel, "model"> {
  readonly asked: StageModel;
  /** Tokens of its context. */
  readonly contextTokens: number;
  /** Says so in a message. */
  readonly contextText: string;
}

/** Opens a model to be asked, by its spec. */
export type OpenAsked = (spec: string, options: OpenModelOptions) => Promise<AskedModel>;

/** How {@linkcode openModel} opens a model. */
export interface OpenModelOptions {
  /** Settings of a model that is not of a run. @default those of the scale "small" */
  readonly config?: Readonly<RunConfig>;
  /** Settings such as "judge.maxTokens=512", which a run's model takes in place of its run's own. @default none */
  readonly settings?: readonly string[];
  /** Whether the adapter is folded into the weights or stays beside them, to be turned off. @default "fold" */
  readonly adapter?: "fold" | "beside";
  /** Whether it is to answer or to judge, so that the settings matter. @default true */
  readonly asked?: boolean;
  readonly log: (line: string) => void;
}

/**
 * Reads a model's spec: a path or Hub name, with a PEFT adapter after its last plus, or `run:FOLDER#STATE`, a model
 * of a run of `deno task align`. A path with a plus that exists as it stands is a path; an adapter's folder alone is
 * the model that it names as its base with the adapter on it.
 *
 * A run has three models and none of them is the model of the run: which one is asked for must be said.
 *
 * @throws {UserError} When it names no model, or a run without one of its states.
 */
export function parseModelSpec(spec: string): ModelSpec {
  if (spec.startsWith("run:")) {
    const [folder, state] = spec.slice("run:".length).split("#");
    if (Object.hasOwn(RUN_STATES, state ?? "")) return { folder, state: state as ModelState };
    throw new UserError(
      state === undefined
        ? `"${spec}" does not say which model of the run`
        : `a run has no model "${state}"`,
      `write run:${folder}#base as it came, #jsft after JSFT (the paper's judge) or #policy after self-training`,
    );
  }
  if (spec === "") {
    throw new UserError("a spec names no model", `write ${MODEL_SPECS.join(" or ")}`);
  }
  return splitSpec(spec);
}

/**
 * A model's name by its spec, fit for a file: `small-s7-jsft` of `run:runs/small-s7#jsft`. What a
 * run's stages leave is always called "adapter" or "model" and has the two folders above it for a name.
 *
 * @throws {UserError} As {@linkcode parseModelSpec}.
 */
export function modelName(spec: string): string {
  const short = (path: string) => {
    const parts = path.replace(/\/+$/, "").split("/").map((part) => part.replace(/[^\w.-]+/g, "_"));
    const last = parts.at(-1)!.replace(/\.(gguf|jsonl|json)$/, "");
    const ofStage = last === "model" && STAGES.includes(parts.at(-2) ?? "");
    return last === "adapter" || ofStage ? parts.slice(-3, -1).join("-") : last;
  };
  const parsed = parseModelSpec(spec);
  if ("state" in parsed) return `${short(parsed.folder)}-${parsed.state}`;
  const { path, adapter } = parsed;
  return adapter === null ? short(path) : `${short(path)}+${short(adapter)}`;
}

/** Refuses a model that is not there, as a spec of {@linkcode openModel} names it. @throws {UserError} */
export async function checkModelSpec(
  spec: string,
  { log }: Pick<OpenModelOptions, "log">,
): Promise<void> {
  const parsed = parseModelSpec(spec);
  if (!("state" in parsed)) return void await locateModelFiles(spec, { log });
  const { folder, state } = parsed;
  if (!await exists(`${folder}/run.json`)) {
    throw new UserError(`there is no ${folder}/run.json`, "give the folder of a run");
  }
  const stage = RUN_STATES[state];
  if (state !== "base" && !await exists(`${folder}/${stage}`)) {
    throw new UserError(
      `${folder} has no stage ${stage}, whose model ${spec} is`,
      `run deno task align --run ${folder} to its end, or name another state`,
    );
  }
}

/**
 * The settings of a run with these in place of its own, and when it began, where that was kept.
 *
 * @throws {UserError} when the folder is no run's
 */
export async function recordOfRun(
  folder: string,
  settings: readonly string[],
): Promise<{ config: Readonly<RunConfig>; begun: Date | undefined }> {
  const file = `${folder}/run.json`;
  const record = await readJsonFile<{ config: RunConfig; begun?: string }>(file);
  if (record === null) throw new UserError(`there is no ${file}`, "give the folder of a run");
  return {
    config: resolveConfig(null, { values: record.config, file, settings }),
    begun: record.begun === undefined ? undefined : new Date(record.begun),
  };
}

/**
 * Loads the model that a spec names; the caller disposes of it.
 *
 * @throws {UserError} When it is not there or cannot be read.
 *
 * @example
 * ```ts ignore
 * import { openModel } from "./open_model.ts";
 * const { model, tokenizer, dispose } = await openModel("run:runs/small-s7#policy", { log: console.log });
 * ```
 */
export async function openModel(spec: string, options: OpenModelOptions): Promise<OpenedModel> {
  const { config = resolveConfig("small"), settings = [], asked = true, log } = options;
  const parsed = parseModelSpec(spec);
  if ("state" in parsed) {
    const { folder, state } = parsed;
    const { config: own, begun } = await recordOfRun(folder, settings);
    const session = new Session(own, (stage) => `${folder}/${stage}`, log);
    session.begun = begun;
    return await opened(spec, { config: own, session }, options, async () => ({
      model: await session.model(RUN_STATES[state]),
      origin: `run ${folder}, ${state}`,
    }));
  }
  const own = { ...config, model: spec };
  const session = new Session(own, (stage) => `./${stage}`, log);
  const { path, origin, adapter } = await session.located(); // before the engine: a wrong name fails at once
  if (asked) await tellOfRun(adapter ?? path, log);
  return await opened(spec, { config: own, session }, options, async () => {
    log(`loading ${path}${adapter === null ? "" : ` with ${adapter}`}`);
    // Rounded as it was when the adapter was trained on it.
    const record = adapter === null ? null : await adapterRecord(adapter);
    const model = await loadModel(path, { frozenDtype: record?.frozenDtype });
    try {
      const parts = adapter === null
        ? []
        : await loadAdapterParts(adapter, model.config, { base: { path } });
      // Beside the weights stays what the last stage trained: with it off, the model is what that stage started from.
      for (const part of parts) {
        model.foldAdapter();
        model.adapter = part;
      }
    } catch (error) {
      model.dispose();
      throw error;
    }
    const from = origin === "local" ? path : origin;
    return { model, origin: adapter === null ? from : `${from} + ${adapter}` };
  });
}

/** {@linkcode openModel} for a model that is only asked. */
export const openAsked: OpenAsked = async (spec, options) => {
  const { model, ...opened } = await openModel(spec, options);
  return {
    ...opened,
    asked: opened.session.here(withModel(model)),
    contextTokens: model.config.maxPositions,
    contextText: contextText(model.config),
  };
};

/** A folder that a run left has weights and language alone: how the run asked is said where it is to be had. */
async function tellOfRun(path: string, log: (line: string) => void): Promise<void> {
  const [, run, stage] = /^(.+)\/([\w-]+)\/(?:adapter|model)\/*$/.exec(path) ?? [];
  const state = Object.entries(RUN_STATES).find(([, name]) => name === stage)?.[0];
  if (state === undefined || !await exists(`${run}/run.json`)) return;
  log(
    `${path} is asked with the settings given here; run:${run}#${state} has its run's own ` +
      "(system turns, principles, limits)",
  );
}

async function opened(
  spec: string,
  { config, session }: Pick<OpenedModel, "config" | "session">,
  { adapter = "fold", log }: OpenModelOptions,
  load: () => Promise<{ model: LanguageModel; origin: string }>,
): Promise<OpenedModel> {
  const engine = await startEngine();
  log(`engine ${engine.backend} on ${engine.device}: ${engine.reason}`);
  const { tokenizer, chat, conventions } = await session.encoder();
  const { model, origin } = await load();
  // Folded into the weights, the adapter is in their fingerprint, under which judgments and answers are kept.
  if (adapter === "fold" && model.adapter) model.foldAdapter();
  const dispose = () => {
    model.dispose();
    session.dispose();
  };
  const name = modelName(spec);
  return { tokenizer, chat, conventions, model, name, origin, config, session, dispose };
}

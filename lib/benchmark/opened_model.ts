/** Models by name, as a command line gives them, to answer questions or to grade answers. */
import { encodePrompt, endOfAnswer } from "../method/mod.ts";
import { UserError } from "../base/error.ts";
import { modelFingerprint } from "../method/mod.ts";
import { generate, type LanguageModel, loadAdapter, loadModel } from "../model/mod.ts";
import { Rng } from "../base/random.ts";
import { resolveConfig, type RunConfig } from "../run/config.ts";
import { readJsonFile } from "../base/files.ts";
import { locateModel } from "../run/source.ts";
import { type Language, type ModelState, RUN_STATES, Session } from "../run/session.ts";
import { startEngine } from "../tensor/mod.ts";
import { ChatTemplate, openTokenizer, type Turn } from "../text/mod.ts";
import type { Answerer, Reply } from "./answering.ts";
import { BENCHMARK_SAMPLING } from "./temperature.ts";

/** How models are named, for help texts. */
export const MODEL_SPECS = ["PATH_OR_HUB_NAME[+ADAPTER]", "run:FOLDER[#base|jsft|policy]"] as const;

const STATES: readonly string[] = ["base", "jsft", "policy"];

/** A model in memory with what turns text into its tokens. */
export interface OpenedModel extends Language {
  readonly model: LanguageModel;
  /** Where it is from, for the record. */
  readonly origin: string;
  readonly dispose: () => void;
}

/** A model's spec with the name that files give it. */
export interface NamedSpec {
  readonly name: string;
  readonly spec: string;
}

/**
 * Splits `NAME=SPEC`; without a name, the spec's last parts are one.
 *
 * @throws {UserError} When the name is not fit for a file's.
 */
export function namedSpec(text: string): NamedSpec {
  const [, given, spec = text] = /^([^=/:+]+)=(.+)$/.exec(text) ?? [];
  const name = given ?? specName(spec);
  if (/^\w[\w.+-]*$/.test(name)) return { name, spec };
  throw new UserError(
    `"${name}" cannot be the name of a model: files are called by it`,
    "write NAME=SPEC with a name of letters, digits, dots, dashes and underscores",
  );
}

/** A model's name by its spec: "runs/a/jsft/adapter" is told apart from others only by the folders above it. */
export function specName(spec: string): string {
  const plain = (path: string) => {
    const parts = path.replace(/\/+$/, "").split("/").map((part) => part.replace(/[^\w.-]+/g, "_"));
    const last = parts.at(-1)!.replace(/\.(gguf|jsonl|json)$/, "");
    return last === "adapter" ? parts.slice(-3, -1).join("-") : last;
  };
  if (spec.startsWith("run:")) {
    const [folder, state = "policy"] = spec.slice(4).split("#");
    return `${plain(folder)}-${state}`;
  }
  const { path, adapter } = splitAdapter(spec);
  return adapter === undefined ? plain(path) : `${plain(path)}+${plain(adapter)}`;
}

/** "PATH+ADAPTER" at its last plus, unless all of it is the name of something that is there. */
export function splitAdapter(spec: string): { path: string; adapter?: string } {
  const plus = spec.lastIndexOf("+");
  if (plus < 1 || isThere(spec)) return { path: spec };
  return { path: spec.slice(0, plus), adapter: spec.slice(plus + 1) };
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Loads a model: a path or Hub name, with a PEFT adapter folded in after a plus, or a model of a run of
 * `deno task align`, `policy` (after self-training) unless said.
 *
 * @throws {UserError} When it is not there or cannot be read.
 */
export async function openModelSpec(
  spec: string,
  { log }: { readonly log: (line: string) => void },
): Promise<OpenedModel> {
  if (spec.startsWith("run:")) return await openOfRun(spec.slice(4), log);
  const { path: named, adapter } = splitAdapter(spec);
  const { path, origin } = await locateModel(named, { log });
  if (adapter !== undefined && !isThere(adapter)) {
    throw new UserError(`there is no adapter "${adapter}"`, "give the folder of a PEFT adapter");
  }
  await startEngine();
  const tokenizer = await openTokenizer(path);
  const chat = ChatTemplate.of(tokenizer);
  log(`loading ${path}${adapter === undefined ? "" : ` with ${adapter}`}`);
  const model = await loadModel(path);
  try {
    if (adapter !== undefined) {
      model.adapter = await loadAdapter(adapter, model.config);
      model.foldAdapter();
    }
  } catch (error) {
    model.dispose();
    throw error;
  }
  const from = origin === "local" ? path : origin;
  return {
    tokenizer,
    chat,
    model,
    origin: adapter === undefined ? from : `${from} + ${adapter}`,
    dispose: () => model.dispose(),
  };
}

async function openOfRun(rest: string, log: (line: string) => void): Promise<OpenedModel> {
  const [folder, state = "policy"] = rest.split("#");
  if (!STATES.includes(state)) {
    throw new UserError(`a run has no model "${state}"`, `write run:FOLDER#${STATES.join("|")}`);
  }
  const record = await readJsonFile<{ scale: string; config: RunConfig }>(`${folder}/run.json`);
  if (record === null) {
    throw new UserError(`there is no ${folder}/run.json`, "give the folder of a run");
  }
  await startEngine();
  const config = resolveConfig(record.scale, { values: record.config });
  const session = new Session(config, (stage) => `${folder}/${stage}`, log);
  const language = await session.language();
  const model = await session.model(RUN_STATES[state as ModelState]);
  if (model.adapter) model.foldAdapter(); // so that the weights' fingerprint tells what it learned
  return {
    ...language,
    model,
    origin: `run ${folder}, ${state}`,
    dispose: () => session.dispose(),
  };
}

/** How {@linkcode modelAnswerer} writes answers. */
export interface AnswererOptions {
  readonly name: string;
  readonly maxNewTokens: number;
  readonly seed: number;
  /** Dialogues answered together; 8 unless said. */
  readonly rows?: number;
}

/**
 * A model as answerer: its chat template, FastChat's temperatures, and the sampling of `transformers`.
 *
 * @throws {UserError} When it answers, if a dialogue fills the model's context.
 */
export async function modelAnswerer(
  language: OpenedModel,
  { name, maxNewTokens, seed, rows = 8 }: AnswererOptions,
): Promise<Answerer> {
  const { model, tokenizer } = language;
  const encoder = {
    ...language,
    maxTokens: model.config.maxPositions,
    overflow: "refuse" as const,
  };
  return {
    name,
    rows,
    settings: {
      model: language.origin,
      weights: await modelFingerprint(model),
      maxNewTokens,
      seed,
      ...BENCHMARK_SAMPLING,
    },
    answer: async (dialogues, { temperature, streams }): Promise<Reply[]> => {
      const prompts = dialogues.map((turns: readonly Turn[]) => encodePrompt(turns, encoder));
      const full = prompts.findIndex(({ length }) => length >= model.config.maxPositions);
      if (full >= 0) {
        throw new UserError(
          `question ${streams[full].replace("/", ", turn ")}: ${
            prompts[full].length
          } tokens fill the ` +
            `context of ${name}, ${model.config.maxPositions} tokens`,
          "lower --max-new-tokens, so that earlier answers leave room, or take another model",
        );
      }
      const answers = await generate(model, prompts, {
        ...BENCHMARK_SAMPLING,
        temperature,
        maxNewTokens,
        stopIds: [endOfAnswer(tokenizer)],
        seed: Rng.named(seed, "benchmark").int(0x7fff_ffff),
        streams,
        batchRows: rows,
      });
      return answers.map(([{ ids, end }]) => ({
        text: tokenizer.decode(ids, { skipSpecial: true }).trim(),
        end,
      }));
    },
  };
}

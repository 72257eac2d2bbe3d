/** Judges of benchmarks by name: any judge of `deno task judge`, or MT-Bench's prompts over a server. */
import { dirname, join } from "node:path";
import { UserError } from "../base/error.ts";
import { readJsonFile } from "../base/files.ts";
import {
  checkJudge,
  JUDGE_SPECS,
  judgeSettings,
  kindOf,
  openJudge,
  runOf,
} from "../judges/open_judge.ts";
import { startId } from "../method/mod.ts";
import { type OpenAsked, openAsked, type RunConfig } from "../run/mod.ts";
import { findBenchmarkFile, type FindOptions } from "./benchmark_file.ts";
import { JUDGE_PROMPTS } from "./fastchat.ts";
import { readJudgePrompts } from "./judge_prompts.ts";
import { openChat, promptGrader, promptReferee } from "./prompt_judge.ts";
import { compareReferee, type Grader, type Referee } from "./referee.ts";
import { tokenGrader } from "./token_grader.ts";

/** How judges of benchmarks are named, for help texts. */
export const BENCHMARK_JUDGES: readonly string[] = [...JUDGE_SPECS, "mt-bench:URL,model=NAME"];

const PROMPTED = "mt-bench:";

/** What opening a judge needs. */
export interface BenchmarkJudgeOptions {
  readonly config: Readonly<RunConfig>;
  readonly settings?: readonly string[];
  readonly seed: number;
  readonly cacheFile: string;
  readonly find: FindOptions;
  readonly log: (line: string) => void;
  readonly openAsked?: OpenAsked;
}

/** A referee or a grader, opened. */
export interface Opened<T> {
  readonly judge: T;
  /** What to know when reading its numbers, once it has judged. */
  readonly notes?: () => readonly string[];
  readonly dispose?: () => void;
}

/** Refuses a judge that is not there, before models answer for it. @throws {UserError} as {@linkcode openReferee} */
export async function checkReferee(
  spec: string,
  options: Pick<BenchmarkJudgeOptions, "log">,
): Promise<void> {
  if (spec.startsWith(PROMPTED)) await openChat(spec.slice(PROMPTED.length)); // asks nothing yet
  else await checkJudge(spec, options);
}

/** Opens a judge of pairs. @throws {UserError} When there is no such judge, or it cannot be opened. */
export async function openReferee(
  spec: string,
  { config, settings, seed, cacheFile, find, log, openAsked }: BenchmarkJudgeOptions,
): Promise<Opened<Referee>> {
  if (spec.startsWith(PROMPTED)) {
    const { prompts, ...chat } = await promptChat(spec, { find, seed, cacheFile });
    return { judge: promptReferee({ ...chat, prompts }) };
  }
  const opened = await openJudge(spec, {
    seed,
    pairs: [],
    positions: "unknown",
    onBadLine: "fail",
    config,
    settings: [...await questionOfRun(spec, { settings, log }), ...settings ?? []],
    cacheFile,
    log,
    openAsked,
  });
  return { ...opened, judge: compareReferee(opened.judge) };
}

/**
 * What a run's judge is asked about a benchmark's answers unless a principle is named: the run's own question, but
 * not which answer does less harm, which says nothing of how good an answer is.
 */
async function questionOfRun(
  spec: string,
  { settings = [], log }: Pick<BenchmarkJudgeOptions, "settings" | "log">,
): Promise<string[]> {
  const folder = runOf(spec);
  if (folder === null || settings.some((one) => one.startsWith("judge.principles"))) return [];
  const record = await readJsonFile<{ config?: Partial<RunConfig> }>(`${folder}/run.json`);
  const own = record?.config?.judge;
  if (own?.principlesFile !== null || !own.principles.includes("harmlessness")) return [];
  log(
    `the run's judge is asked by "overall" here, not by the run's ${
      own.principles.map((name) => `"${name}"`).join(", ")
    }; --principle changes that`,
  );
  return judgeSettings({ principle: "overall", set: [] });
}

/** Whether a judge can grade single answers from 1 to 10. @throws {UserError} When there is no such kind of judge. */
export function canGrade(spec: string): boolean {
  if (!spec.startsWith(PROMPTED)) kindOf(spec);
  return /^(mt-bench|model|run):/.test(spec);
}

/**
 * Opens a grader: MT-Bench's prompts over a server, or a model's expected grade.
 *
 * @throws {UserError} When the judge has no grades from 1 to 10, or cannot be opened.
 */
export async function openGrader(
  spec: string,
  { config, settings, seed, cacheFile, find, log, openAsked: open = openAsked }:
    BenchmarkJudgeOptions,
): Promise<Opened<Grader>> {
  if (spec.startsWith(PROMPTED)) {
    const { prompts, ...chat } = await promptChat(spec, { find, seed, cacheFile });
    return { judge: promptGrader({ ...chat, prompts }) };
  }
  if (!canGrade(spec)) {
    throw new UserError(
      `the judge "${spec}" does not grade answers from 1 to 10`,
      "grade with model:PATH[+ADAPTER], run:FOLDER#STATE or mt-bench:URL,model=NAME, or judge pairs alone: " +
        "--mode pair",
    );
  }
  const [kind] = spec.split(":");
  const language = await open(spec.replace(/^model:/, ""), { config, settings, log });
  const { asked, contextTokens, config: { judge, chat } } = language; // a run's own where it is of one
  const longest = Math.min(judge.maxTokens, contextTokens - 2); // two: the grade 10 may be spelled
  const bosId = startId(language);
  return {
    judge: tokenGrader({
      ...language,
      name: `${kind}:${language.name}`,
      key: JSON.stringify([await asked.fingerprint(), longest, chat.template, bosId]),
      scorer: asked.scorer(),
      maxTokens: longest,
      bosId,
    }),
    notes: () => [
      "a grade is the expected one over the probabilities of the ten grades, without an explanation before it",
    ],
    dispose: language.dispose,
  };
}

async function promptChat(
  spec: string,
  { find, seed, cacheFile }: Pick<BenchmarkJudgeOptions, "find" | "seed" | "cacheFile">,
) {
  // Replies are words, so they are not in the file of judgments, which are probabilities.
  const replies = join(dirname(cacheFile), "replies.jsonl");
  const chat = await openChat(spec.slice(PROMPTED.length), { seed, replies });
  const prompts = await readJudgePrompts((await findBenchmarkFile(JUDGE_PROMPTS, find))!);
  return { ...chat, prompts };
}

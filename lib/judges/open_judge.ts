/** Judges by name, as a command line gives them. */
import { characters } from "../base/characters.ts";
import { UserError } from "../base/error.ts";
import { describeFinding } from "../preference/findings.ts";
import { Rng } from "../base/random.ts";
import type { RunConfig } from "../run/config.ts";
import type { Comparison } from "../method/judgment.ts";
import { type Judge, pairwiseJudge, pointwiseJudge } from "./kinds.ts";
import { firstSeat, inverted, randomJudge } from "../measure/baseline_judges.ts";
import { recordedJudge } from "./recorded.ts";

/** What opening a judge may need. */
export interface JudgeSetting {
  readonly seed: number;
  /** The files of pairs, which `recorded` alone stands for. */
  readonly pairs: readonly string[];
  /** Who sat in the first seat when recorded verdicts were given. */
  readonly seats: "alpaca-eval" | "unknown";
  readonly onBadLine: "fail" | "skip";
  /** Settings of models and of their judging. */
  readonly config: Readonly<RunConfig>;
  /** Those that the user gave, "judge.maxTokens=512": a run's judge takes them in place of the run's own. */
  readonly settings?: readonly string[];
  /** Where a model's judgments are kept. */
  readonly cacheFile: string;
  readonly log: (line: string) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A judge with what there is to say of it once it has judged. */
export interface OpenedJudge {
  readonly judge: Judge;
  /** What to know when reading its numbers: what was cut, where seats are from. */
  readonly notes?: () => string[];
  readonly dispose?: () => void;
}

type Source = (rest: string, setting: JudgeSetting) => Promise<OpenedJudge>;

/** How judges are named, for help texts. */
export const JUDGE_SPECS = [
  "model:PATH[+ADAPTER]",
  "run:FOLDER[#base|jsft|policy]",
  "grade:PATH[+ADAPTER]",
  "list:PATH[+ADAPTER]",
  "reward:PATH",
  "implicit:PATH+ADAPTER",
  "recorded[:FILE_OR_FOLDER]",
  "served:URL,model=NAME[,api=chat|completions|text]",
  "longer",
  "first",
  "random",
  "inverted:JUDGE",
] as const;

/** A source gets what follows the colon. The model room is loaded only where a judge needs it. */
const SOURCES: Readonly<Record<string, Source>> = {
  longer: nullJudge(() => longerJudge("longer")),
  first: nullJudge(() => pairwiseJudge("first", firstSeat)),
  random: nullJudge(({ seed }) => pairwiseJudge("random", randomJudge(Rng.named(seed, "coin")))),
  inverted: async (rest, setting) => {
    const opened = await openJudge(rest, setting);
    const { judge } = opened;
    const name = `inverted:${judge.name}`;
    const { covers, sources } = judge;
    return { ...opened, judge: pairwiseJudge(name, inverted(judge.compare), { covers, sources }) };
  },
  recorded: openRecorded,
  model: async (rest, setting) => (await import("./model_sources.ts")).openModel(rest, setting),
  grade: async (rest, setting) => (await import("./model_sources.ts")).openGrade(rest, setting),
  list: async (rest, setting) => (await import("./model_sources.ts")).openList(rest, setting),
  run: async (rest, setting) => (await import("./model_sources.ts")).openRun(rest, setting),
  reward: async (rest, setting) => (await import("./model_sources.ts")).openReward(rest, setting),
  implicit: async (rest, setting) =>
    (await import("./model_sources.ts")).openImplicit(rest, setting),
  served: async (rest, setting) => (await import("./served/mod.ts")).openServed(rest, setting),
};

/**
 * Opens a judge by what a command line calls it, such as `longer`, `recorded:FILE`, `model:PATH+ADAPTER`.
 *
 * @throws {UserError} When there is no such kind of judge, or it cannot be opened.
 */
export async function openJudge(spec: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const colon = spec.indexOf(":");
  const [kind, rest] = colon < 0 ? [spec, ""] : [spec.slice(0, colon), spec.slice(colon + 1)];
  if (!Object.hasOwn(SOURCES, kind)) {
    throw new UserError(`there is no judge "${spec}"`, `write one of ${JUDGE_SPECS.join(", ")}`);
  }
  return await SOURCES[kind](rest, setting);
}

/** Settings of judging as `--principle` and `--set` give them; `--set` says more, so it has the last word. */
export function judgeSettings(
  { principle, set }: { readonly principle?: string; readonly set: readonly string[] },
): string[] {
  return principle === undefined
    ? [...set]
    : [`judge.principles=${JSON.stringify(principle.split(","))}`, ...set];
}

/** Whether a judge is a model of a run: it judges with that run's settings where none are given. */
export function judgesAsItsRun(spec: string): boolean {
  return /^(inverted:)*run:/.test(spec);
}

/** Prefers the answer with more characters. */
export function longerJudge(name: string): Judge {
  return pointwiseJudge(
    name,
    (questions) => Promise.resolve(questions.map(({ answer }) => characters(answer))),
    { scale: 0 },
  );
}

function nullJudge(make: (setting: JudgeSetting) => Judge): Source {
  return (rest, setting) => {
    if (rest !== "") {
      throw new UserError(`a null judge takes nothing after its name: "${rest}"`, "leave it out");
    }
    return Promise.resolve({ judge: make(setting) });
  };
}

async function openRecorded(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { seats, onBadLine, log } = setting;
  const files = rest === "" ? setting.pairs : await annotationFiles(rest);
  const { judge, counts, findings } = await recordedJudge(files, {
    name: rest === "" ? "recorded" : `recorded:${rest.replace(/.*\//, "")}`,
    seats,
    onBadLine,
  });
  log(
    `recorded: ${counts.verdicts} verdicts, ${counts.bad} bad records, ${counts.silent} without a preference, ` +
      `${counts.repeated} verdicts given again, ${counts.reversed} of them with another winner`,
  );
  // Of the pairs' own files the evidence has told all this.
  if (rest !== "") { for (const finding of findings) log(describeFinding(finding)); }
  const notes = [
    seats === "alpaca-eval"
      ? "seats of the recorded verdicts are drawn again from AlpacaEval's seed 0; the file does not keep them"
      : "it is not known in which order the recorded verdicts were given",
  ];
  return { judge, notes: () => notes };
}

/** A file, or the annotation files of a folder by name. @throws {UserError} when there are none */
export async function annotationFiles(path: string): Promise<string[]> {
  const info = await Deno.stat(path).catch(() => null);
  if (info === null) throw new UserError(`there is no file "${path}"`, "check the path");
  if (!info.isDirectory) return [path];
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(path)) {
    if (isFile && /\.json(\.gz)?$/.test(name)) names.push(`${path}/${name}`);
  }
  if (names.length === 0) {
    throw new UserError(`there is no .json or .json.gz file in "${path}"`, "name another folder");
  }
  return names.sort();
}

/** Whether a judge can speak to a comparison. */
export function canJudge(judge: Judge, comparison: Comparison): boolean {
  return judge.covers?.(comparison) ?? true;
}

/** Judges by name, as a command line gives them. */
import { UserError } from "../base/error.ts";
import { exists, readJsonl, sha256Of } from "../base/files.ts";
import { describeWarning } from "../preference/file_warnings.ts";
import { splitKey, type TrainingRecord } from "../preference/mod.ts";
import { Rng } from "../base/random.ts";
import { fingerprintOf, type JudgeSetting, type OpenedJudge } from "./opened_judge.ts";
import { firstPosition, inverted, longerWins, randomJudge } from "../measure/baseline_judges.ts";
import { type Judge, panelOf, type PanelRule } from "../method/mod.ts";
import { recordedJudge } from "./recorded.ts";

type Source = (rest: string, setting: JudgeSetting) => Promise<OpenedJudge>;

/** How judges are named, for help texts. */
export const JUDGE_SPECS = [
  "model:PATH[+ADAPTER]",
  "run:FOLDER#base|jsft|policy",
  "grade:PATH[+ADAPTER]",
  "reward:PATH",
  "implicit:PATH+ADAPTER",
  "recorded[:FILE_OR_FOLDER]",
  "served:URL,model=NAME[,api=chat|completions|text]",
  "longer",
  "first",
  "random",
  "inverted:JUDGE",
  "majority:JUDGE++JUDGE",
  "mean:JUDGE++JUDGE",
] as const;

/** A source gets what follows the colon. The model room is loaded only where a judge needs it. */
const SOURCES: Readonly<Record<string, Source>> = {
  longer: baselineJudge(() => ({ name: "longer", compare: longerWins })),
  first: baselineJudge(() => ({ name: "first", compare: firstPosition })),
  random: baselineJudge(({ seed }) => ({
    name: "random",
    compare: randomJudge(Rng.named(seed, "coin")),
  })),
  inverted: async (rest, setting) => {
    const opened = await openJudge(rest, setting);
    const { judge } = opened;
    const name = `inverted:${judge.name}`;
    const { covers, sources, promptsFor } = judge;
    return {
      ...opened,
      judge: { name, compare: inverted(judge.compare), covers, sources, promptsFor },
      fingerprint: fingerprintOf("inverted", opened.fingerprint),
    };
  },
  majority: openPanel("majority"),
  mean: openPanel("mean"),
  recorded: openRecorded,
  model: async (rest, setting) =>
    (await import("./model_sources.ts")).openPairwise("model", rest, setting),
  run: async (rest, setting) =>
    (await import("./model_sources.ts")).openPairwise("run", rest, setting),
  grade: async (rest, setting) => (await import("./model_sources.ts")).openGrade(rest, setting),
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
  const { kind, rest } = kindOf(spec);
  return await SOURCES[kind](rest, setting);
}

/**
 * Refuses a judge that cannot be opened, as far as can be told without loading it, before anything costly is done: its
 * kind, its files, how it is written, the key that it needs. A model of the Hub is fetched. There are no pairs yet whose
 * verdicts `recorded` alone could be.
 *
 * @throws {UserError} as {@linkcode openJudge}
 */
export async function checkJudge(
  spec: string,
  { log }: Pick<JudgeSetting, "log">,
): Promise<void> {
  const { kind, rest } = kindOf(spec);
  if (kind === "inverted") return await checkJudge(rest, { log });
  if (kind === "majority" || kind === "mean") {
    for (const one of membersOf(kind, rest)) await checkJudge(one, { log });
  } else if (kind === "served") {
    const { keyOf, parseServedSpec } = await import("./served/mod.ts");
    keyOf(await parseServedSpec(rest));
  } else if (kind === "recorded") await recordedFiles(rest, []);
  else if (["longer", "first", "random"].includes(kind)) refuseRest(rest);
  else if (["model", "run", "grade", "reward", "implicit"].includes(kind)) {
    await (await import("../run/mod.ts")).checkModelSpec(kind === "run" ? spec : rest, { log });
  }
}

/** The kind of a judge and what it is told. @throws {UserError} When there is no such kind of judge. */
export function kindOf(spec: string): { kind: string; rest: string } {
  const colon = spec.indexOf(":");
  const [kind, rest] = colon < 0 ? [spec, ""] : [spec.slice(0, colon), spec.slice(colon + 1)];
  if (Object.hasOwn(SOURCES, kind)) return { kind, rest };
  throw new UserError(`there is no judge "${spec}"`, `write one of ${JUDGE_SPECS.join(", ")}`);
}

/** Settings of judging as `--principle` and `--set` give them; those of `--set`, the more exact, come last and win. */
export function judgeSettings(
  { principle, set }: { readonly principle?: string; readonly set: readonly string[] },
): string[] {
  return principle === undefined
    ? [...set]
    : [`judge.principles=${JSON.stringify(principle.split(","))}`, ...set];
}

/** The folder of the run whose model a judge is, or null. A run's model judges with the run's settings. */
export function runOf(spec: string): string | null {
  return /^(?:inverted:)*run:([^#]+)/.exec(spec)?.[1] ?? null;
}

/** The models that a judge asks, without what they are asked for: of a panel, those of each of its judges. */
function modelsOf(spec: string): string[] {
  const [, kind, rest] = /^(\w+):(.*)$/s.exec(spec) ?? [];
  if (kind === undefined || kind === "run") return [spec];
  return kind === "majority" || kind === "mean"
    ? rest.split("++").flatMap(modelsOf)
    : modelsOf(rest);
}

/** The folder of the run of which a model is a stage's: RUN of `[BASE+]RUN/jsft/adapter`. */
async function runOfStage(path: string): Promise<string | null> {
  const [, folder] = /^(.+)\/[\w-]+\/(?:adapter|model)\/*$/.exec(path.split("+").at(-1)!) ?? [];
  return folder !== undefined && await exists(`${folder}/run.json`) ? folder : null;
}

/** The prompts (as `splitKey` gives them) that the runs among some judges were trained on. */
export async function trainedOn(specs: readonly string[]): Promise<Set<string>> {
  const prompts = new Set<string>();
  for (const model of specs.flatMap(modelsOf)) {
    const folder = runOf(model) ?? await runOfStage(model);
    if (folder === null) continue;
    // What a run's `data` stage left; a folder without it is refused where the judge is opened.
    const records = await readJsonl<TrainingRecord>(`${folder}/data/train.jsonl`);
    for (const { prompt } of records) prompts.add(splitKey(prompt));
  }
  return prompts;
}

/** The judges of a panel. @throws {UserError} When there are less than two. */
function membersOf(by: PanelRule, rest: string): string[] {
  const specs = rest.split("++");
  if (specs.length < 2 || specs.some((spec) => spec === "")) {
    throw new UserError(
      `"${by}:${rest}" names no panel of judges`,
      `write two or more with ++ between, such as ${by}:longer++model:PATH`,
    );
  }
  return specs;
}

/** Several judges as one, all open at once. */
function openPanel(by: PanelRule): Source {
  return async (rest, setting) => {
    const specs = membersOf(by, rest);
    const opened: OpenedJudge[] = [];
    const dispose = () => opened.forEach((one) => one.dispose?.());
    try {
      for (const spec of specs) opened.push(await openJudge(spec, setting));
    } catch (error) {
      dispose();
      throw error;
    }
    const judge = panelOf(opened.map((one) => one.judge), { by });
    return {
      judge,
      // "votes": judges' own winners count, where scores did before.
      fingerprint: fingerprintOf(by, "votes", ...opened.map(({ fingerprint }) => fingerprint)),
      notes: () => opened.flatMap((one) => one.notes?.() ?? []),
      dispose,
    };
  };
}

/** @throws {UserError} When something follows the name of a baseline judge. */
function refuseRest(rest: string): void {
  if (rest === "") return;
  throw new UserError(`a baseline judge takes nothing after its name: "${rest}"`, "leave it out");
}

function baselineJudge(make: (setting: JudgeSetting) => Judge): Source {
  return (rest, setting) => {
    refuseRest(rest);
    const judge = make(setting);
    return Promise.resolve({ judge, fingerprint: fingerprintOf(judge.name, setting.seed) });
  };
}

async function openRecorded(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { positions, onBadLine, log } = setting;
  const files = await recordedFiles(rest, setting.pairs);
  const { judge, counts, warnings } = await recordedJudge(files, {
    name: rest === "" ? "recorded" : `recorded:${rest.replace(/.*\//, "")}`,
    positions,
    onBadLine,
  });
  log(
    `recorded: ${counts.verdicts} verdicts, ${counts.bad} bad records, ${counts.silent} without a preference, ` +
      `${counts.repeated} verdicts given again, ${counts.reversed} of them with another winner`,
  );
  // The warnings of the pairs' own files come with the evidence.
  if (rest !== "") { for (const warning of warnings) log(describeWarning(warning)); }
  const notes = [
    positions === "alpaca-eval"
      ? "positions of the recorded verdicts are drawn again from AlpacaEval's seed 0; the file does not keep them"
      : "it is not known in which order the recorded verdicts were given",
  ];
  const sums = await Promise.all(files.map((file) => sha256Of(file)));
  return { judge, fingerprint: fingerprintOf("recorded", positions, sums), notes: () => notes };
}

/** Whether a judge is asked a question, whose principles may be named. */
function isAsked(spec: string): boolean {
  const { kind, rest } = kindOf(spec);
  if (kind === "inverted") return isAsked(rest);
  if (kind === "majority" || kind === "mean") return membersOf(kind, rest).some(isAsked);
  return kind === "model" || kind === "run" || kind === "served";
}

/** Refuses `--principle` where no judge would be asked by it. @throws {UserError} */
export function refuseUnasked(
  { principle }: { readonly principle?: string },
  specs: readonly string[],
): void {
  if (principle === undefined || specs.some(isAsked)) return;
  throw new UserError(
    `--principle ${principle}: no judge here is asked a question (${specs.join(", ")})`,
    "leave it out, or name a judge that is asked: model:, run: or served:",
  );
}

/** The files that a judge takes its verdicts from, beside those of the pairs. @throws {UserError} as {@linkcode openJudge} */
export async function filesReadBy(spec: string): Promise<string[]> {
  const { kind, rest } = kindOf(spec);
  if (kind === "inverted") return await filesReadBy(rest);
  if (kind === "majority" || kind === "mean") {
    return (await Promise.all(membersOf(kind, rest).map(filesReadBy))).flat();
  }
  return kind === "recorded" && rest !== "" ? await annotationFiles(rest) : [];
}

/** The files of recorded verdicts, those of the pairs where none is named. @throws {UserError} when there are none */
async function recordedFiles(rest: string, pairs: readonly string[]): Promise<readonly string[]> {
  const files = rest === "" ? pairs : await annotationFiles(rest);
  if (files.length > 0) return files;
  throw new UserError(
    'the judge "recorded" names no file, and there are no pairs whose verdicts it could be',
    "write recorded:FILE_OR_FOLDER",
  );
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

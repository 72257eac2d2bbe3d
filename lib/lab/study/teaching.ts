/** Stages of the study at the size of a lesson: made once, found again by whoever needs them. */
import { createHash } from "node:crypto";
import type { StepLog } from "../../method/mod.ts";
import { UserError } from "../../base/error.ts";
import type { Scale } from "../../run/config.ts";
import { makeFolder, readJsonFile, readJsonl, writeWhole } from "../../base/files.ts";
import { Stopped } from "../../run/stage.ts";
import type { Job, ProgressOptions } from "../../show/progress.ts";
import { DeskSession } from "./session.ts";
import { fingerprint } from "./fingerprint.ts";
import { STUDY_SCALES, type StudyConfig } from "./config.ts";
import { LONG_RUNS, PREFERENCE, type RewardPoint } from "./preference.ts";
import { type StudyStage, SUPERVISED, VARIANTS } from "./supervised.ts";

/** Where a lesson finds and puts its things, how large it is, and how it shows what it does. */
export interface TeachingOptions {
  readonly scale: Scale;
  readonly seed: number;
  /** Absolute: `data` holds the world, `work` takes what is made. */
  readonly folders: { readonly data: string; readonly work: string };
  /** `progress` of the show room. */
  readonly progress: (
    name: string,
    options: ProgressOptions,
  ) => Pick<Job, "note" | "stopping" | "finish" | "abandon">;
  /** Settings in place of those of the scale. */
  readonly change?: Partial<Omit<StudyConfig, "seed">>;
}

/** A stage that is there. */
export interface Taught {
  /** Its session: `session.load("jsft")`, `session.frozen("jsft")`, `session.judge(frozen)`; the caller's to dispose of. */
  readonly session: DeskSession;
  readonly config: StudyConfig;
  /** Where the stage left its model and log. */
  readonly folder: string;
  /** Numbers of every training step. */
  readonly log: readonly StepLog[];
  /** Whether it was there already. */
  readonly found: boolean;
}

const { smoke, small, full } = STUDY_SCALES;

/** Sizes of lessons: those of the study, with less training at `small`. */
const SIZES: Record<Scale, Omit<StudyConfig, "seed">> = {
  smoke: { ...smoke.config, supervised: { ...smoke.config.supervised, steps: 3 } },
  small: {
    ...small.config,
    pairs: 2000,
    supervised: { ...small.config.supervised, steps: 120, batchSize: 16 },
    preference: {
      ...small.config.preference,
      steps: 60,
      batchSize: 24,
      evaluateEvery: 10,
    },
    long: { steps: 150, learningRate: 1e-3, refreshEvery: 50 },
    rejection: { ...small.config.rejection, orders: 64 },
  },
  full: full.config,
};

/** Every stage that can be taught, each after those it needs. */
const STAGES: readonly StudyStage[] = [...SUPERVISED, ...VARIANTS, ...PREFERENCE, ...LONG_RUNS];

/** The settings of a lesson. */
export function teachingConfig(
  { scale, seed, folders, change }: Omit<TeachingOptions, "progress">,
): StudyConfig {
  return { ...SIZES[scale], base: `${folders.data}/world/base`, ...change, seed };
}

/**
 * The session of a lesson before anything is trained: the world's pairs and language, and the base model.
 *
 * @throws {UserError} if the base model or the pairs are missing
 */
export async function lessonBench(
  { folders, ...options }: Omit<TeachingOptions, "progress">,
): Promise<DeskSession> {
  const config = teachingConfig({ folders, ...options });
  const data = `${folders.data}/world`;
  const world = await fingerprint(config.base, data);
  const folderOf = (stage: string) =>
    `${folders.work}/${stage}-${identity(stageNamed(stage), { config, world })}`;
  return new DeskSession(config, folderOf, data);
}

/**
 * The JSFT model of a lesson: found in the work folder, or trained there (at `small` about a minute on two
 * cores). Stopped, the next call goes on from the last checkpoint.
 *
 * @throws {UserError} if the base model or the pairs are missing
 * @throws {Stopped} when the user asked to stop
 * @example
 * ```ts ignore
 * import { notebook, progress } from "../lib/show/mod.ts";
 * const { session } = await jsftModel({ ...notebook, progress });
 * const judge = session.judge(await session.frozen("jsft"));
 * ```
 */
export function jsftModel(options: TeachingOptions): Promise<Taught> {
  return taught("jsft", options);
}

/**
 * Any stage of the study that trains a model ("sft", "judge-only", "self-judge", ...), as
 * {@linkcode jsftModel}; stages that it needs are made first.
 *
 * A model is found again by its settings, the seed and what it learned from (the base, the pairs, the questions):
 * after a change of any of them it is made anew, in a folder of its own.
 *
 * @throws {UserError} for a name that is none, or if the base model or the pairs are missing
 */
export async function taught(name: string, options: TeachingOptions): Promise<Taught> {
  const session = await lessonBench(options);
  try {
    const folder = session.folderOf(name);
    const found = await isDone(folder);
    if (!found) await make(stageNamed(name), { session, options });
    const log = await readJsonl<StepLog>(`${folder}/metrics.jsonl`);
    return { session, config: session.config, folder, found, log };
  } catch (error) {
    session.dispose();
    throw error;
  }
}

/** How a policy's worth went over the steps of its preference training; empty for other stages. */
export function courseOf({ folder }: Pick<Taught, "folder">): Promise<RewardPoint[]> {
  return readJsonl<RewardPoint>(`${folder}/points.jsonl`);
}

async function make(
  stage: StudyStage,
  { session, options }: { session: DeskSession; options: TeachingOptions },
): Promise<void> {
  const folder = session.folderOf(stage.name);
  for (const need of stage.needs) {
    if (!await isDone(session.folderOf(need))) await make(stageNamed(need), { session, options });
  }
  await makeFolder(folder);
  let job: ReturnType<TeachingOptions["progress"]> | undefined;
  const stopping = () => job?.stopping() ?? false;
  try {
    const result = await stage.run({
      config: session.config,
      session,
      folder,
      folderOf: session.folderOf,
      log: () => {},
      stopping,
      checkStop: () => {
        if (stopping()) throw new Stopped();
      },
      progress: (name, start) => {
        const shown = job = options.progress(name, start);
        return { update: shown.note, finish: () => shown.finish() };
      },
    });
    await writeWhole(`${folder}/done.json`, JSON.stringify(result) + "\n");
  } finally {
    await job?.abandon();
  }
}

const isDone = async (folder: string) => await readJsonFile(`${folder}/done.json`) !== null;

function stageNamed(name: string): StudyStage {
  const found = STAGES.find((stage) => stage.name === name);
  if (found) return found;
  throw new UserError(
    `there is no stage "${name}" to teach`,
    `choose one of ${STAGES.map((stage) => stage.name).join(", ")}`,
  );
}

/** What a stage's model depends on, as a short name: its settings, those of stages before it, seed and world. */
function identity(
  stage: StudyStage,
  { config, world }: { config: StudyConfig; world: string },
): string {
  const settings = (of: StudyStage): unknown => [
    of.name,
    of.config({ ...config, base: world }), // wherever the base lies
    of.needs.map((need) => settings(stageNamed(need))),
  ];
  return createHash("sha256").update(JSON.stringify([config.seed, settings(stage)])).digest("hex")
    .slice(0, 8);
}

/** Mean losses of a step's two parts. */
export interface LossParts {
  readonly step: number;
  /** Mean over answers of the mean loss of their tokens, nats. */
  readonly answers: number;
  /** Mean loss of the one-token judgments, nats; guessing between two has ln 2. */
  readonly judgments: number;
}

/**
 * Takes the logged loss of JSFT apart: loss = (1 - w) x answers + w x judgments, with w the weight of judgments,
 * and two judgments a pair.
 */
export function lossParts(
  log: readonly StepLog[],
  { batchSize, judgeWeight: w }: Pick<StudyConfig["supervised"], "batchSize" | "judgeWeight">,
): LossParts[] {
  return log.map(({ step, loss, judgmentLogProb }) => {
    const judgments = -judgmentLogProb / (2 * batchSize);
    return { step, judgments, answers: (loss - w * judgments) / (1 - w) };
  });
}

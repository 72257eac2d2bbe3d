/** Models of the study at the size of a notebook: trained once, then found again. */
import { createHash } from "node:crypto";
import { readJsonl } from "../../base/files.ts";
import type { StepLog } from "../../method/mod.ts";
import { RunFolder } from "../../run/run_folder.ts";
import type { Reporter, WorkProgress } from "../../run/stage.ts";
import { STUDY_SCALES, type StudyConfig, type StudyScale } from "./config.ts";
import { fingerprint } from "./fingerprint.ts";
import { pointsIn, type RewardPoint } from "./policy_meter.ts";
import { bestOf, methodStages } from "./preference.ts";
import { ROWS } from "./rows.ts";
import { DeskSession } from "./session.ts";
import type { StudyStage } from "./stage.ts";
import type { StudySession } from "./study_session.ts";
import { SUPERVISED, VARIANTS } from "./supervised.ts";

/** Where a notebook finds and puts its models, how large they are, and how it shows what it does. */
export interface TrainedOptions {
  readonly scale: StudyScale;
  readonly seed: number;
  /** Absolute: `data` holds the world, `work` takes what is made. */
  readonly folders: { readonly data: string; readonly work: string };
  /** `progress` of the show room. */
  readonly progress: (name: string, options: { unit: string; total: number; done?: number }) => Job;
  /** Settings in place of those of the scale. */
  readonly change?: Partial<Omit<StudyConfig, "seed">>;
}

/** What shows how far a training is, and hears of the stop button. */
interface Job {
  readonly note: WorkProgress["update"];
  readonly finish: () => Promise<void>;
  readonly abandon: () => Promise<void>;
  readonly stopping: () => boolean;
}

/** A model that is there. */
export interface Trained {
  /** `session.model("jsft")`, `session.copy("jsft")`, `session.judgeOf("jsft")`; the caller's to dispose of. */
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

/** Sizes of a notebook's trainings: those of the study, with less training at `small`. */
const SIZES: Record<StudyScale, Omit<StudyConfig, "seed">> = {
  smoke: { ...smoke, supervised: { ...smoke.supervised, steps: 3 } },
  small: {
    ...small,
    pairs: 2000,
    supervised: { ...small.supervised, steps: 120, batchSize: 16 },
    preference: {
      ...small.preference,
      ...{ learningRate: 2e-4, batchSize: 24, evaluateEvery: 10 },
    },
    prompts: { validation: 30, heldOut: 128, whole: 64 },
  },
  full,
};

/** Every stage that can be trained, each after those it needs. */
const STAGES: readonly StudyStage[] = [...SUPERVISED, ...VARIANTS, ...methodStages(ROWS)];

/** The settings of a notebook. */
function trainedConfig(
  { scale, seed, folders, change }: Omit<TrainedOptions, "progress">,
): StudyConfig {
  return { ...SIZES[scale], base: `${folders.data}/world/base`, ...change, seed };
}

/** A run folder whose stages lie by what they are made from: after a change each is made anew beside the old. */
type TrainedFolder = RunFolder<StudyConfig, StudySession>;

async function open(
  options: Omit<TrainedOptions, "progress">,
): Promise<{ session: DeskSession; folder: TrainedFolder }> {
  const { data, work } = options.folders;
  const config = trainedConfig(options);
  const world = await fingerprint(config.base, `${data}/world`);
  const folder: TrainedFolder = new RunFolder(work, STAGES, {
    folderOf: (name) => {
      // Beside its model a stage may leave its best one, and judges below its folder.
      const [own, ...below] = name.split("/");
      const stage = STAGES.find((one) => bestOf(one.name) === own)?.name ?? own;
      // Wherever the base lies, it is the same world.
      const settings = folder.identity(folder.stage(stage), { ...config, base: world });
      const hash = createHash("sha256").update(JSON.stringify([config.seed, settings]));
      return [`${work}/${own}-${hash.digest("hex").slice(0, 8)}`, ...below].join("/");
    },
  });
  return { folder, session: new DeskSession(config, folder.folderOf, `${data}/world`) };
}

/**
 * The session of a notebook before anything is trained: the world's pairs and language, and the base model.
 *
 * @throws {UserError} if the base model or the pairs are missing
 */
export async function deskSession(options: Omit<TrainedOptions, "progress">): Promise<DeskSession> {
  return (await open(options)).session;
}

/**
 * The model of a stage ("jsft", "sft", "judge-only", "self-judge", ...): found in the work folder, or trained there
 * (JSFT at `small` takes about a minute on two cores), stages that it needs first. Stopped, the next call resumes
 * from the last checkpoint.
 *
 * A model is found again by its settings, the seed and what it learned from (the base, the pairs, the questions).
 *
 * @throws {UserError} for a name that is none, or if the base model or the pairs are missing
 * @throws {Stopped} when the user asked to stop
 * @example
 * ```ts ignore
 * import { notebook, progress } from "../lib/show/mod.ts";
 * const { session } = await trained("jsft", { ...notebook, progress });
 * const judge = await session.judgeOf("jsft");
 * ```
 */
export async function trained(name: string, options: TrainedOptions): Promise<Trained> {
  const { session, folder } = await open(options);
  const config = session.study;
  const jobs: Job[] = [];
  const reporter: Reporter = {
    log: () => {},
    progress: (what, start) => {
      const job = options.progress(what, start);
      jobs.push(job);
      return { update: job.note, finish: () => job.finish() };
    },
    stopping: () => jobs.at(-1)?.stopping() ?? false,
  };
  try {
    const found = await folder.result(folder.stage(name).name) !== null;
    if (!found) await folder.run(folder.withNeeds(name), { config, session, reporter });
    const log = await readJsonl<StepLog>(`${folder.folderOf(name)}/metrics.jsonl`);
    return { session, config, folder: folder.folderOf(name), found, log };
  } catch (error) {
    session.dispose();
    throw error;
  } finally {
    for (const job of jobs) await job.abandon();
  }
}

/** How a policy's numbers went over the steps of its preference training; empty for other stages. */
export function courseOf({ folder }: Pick<Trained, "folder">): Promise<RewardPoint[]> {
  return pointsIn(folder);
}

/** Mean losses of a step's two parts. */
export interface LossParts {
  readonly step: number;
  /** Mean loss of the answers' tokens, nats. */
  readonly answers: number;
  /** Mean loss of the one-token judgments, nats; guessing between two has ln 2. */
  readonly judgments: number;
}

/** The two parts of the logged steps of JSFT. */
export function lossParts(log: readonly StepLog[]): LossParts[] {
  return log.map(({ step, answerLogProb, answerTargets, judgmentLogProb, judgmentTargets }) => ({
    step,
    answers: -answerLogProb / answerTargets,
    judgments: -judgmentLogProb / judgmentTargets,
  }));
}

import { UserError } from "../base/error.ts";
import { exists, makeFolder, readJsonFile, writeJsonFile } from "../base/files.ts";
import { OUTSIDE } from "../run/stages/training.ts";
import type { RunContext } from "../run/pipeline.ts";
import { learningRate, type ScheduleConfig } from "../tensor/mod.ts";
import { besideTrainer, IDLE_SECONDS, type TendedTrainer } from "./beside_trainer.ts";
import { Rounds } from "./rounds.ts";
import { fleetSession } from "./session.ts";
import { pathThere } from "./settings.ts";

/** What is trained elsewhere. */
export interface OutsideTask {
  readonly kind: "sft" | "dpo";
  /** Stage whose adapter is folded into the base before anything is trained; null: none. */
  readonly under: string | null;
  readonly loss?: "sigmoid" | "hinge";
  readonly beta?: number;
  readonly steps: number;
  /** Steps of a round. */
  readonly roundSteps: number;
  readonly schedule: ScheduleConfig;
  readonly optimizer: {
    readonly beta1: number;
    readonly beta2: number;
    readonly eps: number;
    readonly weightDecay: number;
    readonly clipNorm: number;
  };
  readonly dropout: number;
  readonly seed: number;
}

/** Settings of train.json that a stage which goes on must find as it began with. */
const LASTING = [
  "kind",
  "loss",
  "beta",
  "steps",
  "roundSteps",
  "dtype",
  "model",
  "revision",
] as const;

/** How long between two looks at the shared folder, and at the trainer's state, in ms. */
const LOOK = 500, ASK = 5000;

/** One stage's training by another program, over the stage's folder. */
export class OutsideTraining {
  readonly rounds: Rounds;
  #asked = 0;

  private constructor(
    readonly context: RunContext,
    readonly jobs: TendedTrainer,
    /** Rounds in all. */
    readonly total: number,
    /** Names this beginning of the stage. */
    readonly stage: string,
  ) {
    this.rounds = new Rounds(context.folder);
  }

  /**
   * Writes what the trainer needs and works with it. Where that fails or the user asks to stop, the trainer is told to
   * end: it would hold its GPUs otherwise. The same command starts another one, which goes on at the last checkpoint.
   *
   * @throws {UserError} where the stage was begun here, or with other numbers
   * @throws {Stopped} if the user asked to stop
   */
  static async run<T>(
    context: RunContext & { readonly stage: string },
    task: OutsideTask,
    { jobsFor, work }: {
      jobsFor: (train: string) => TendedTrainer;
      work: (training: OutsideTraining) => Promise<T>;
    },
  ): Promise<T> {
    const training = await OutsideTraining.#begin(context, task, jobsFor);
    const { folder, log } = context;
    return await besideTrainer(() => work(training), {
      ...{ folder, stage: training.stage, trainer: training.jobs, log },
    });
  }

  static async #begin(
    context: RunContext & { readonly stage: string },
    task: OutsideTask,
    jobsFor: (train: string) => TendedTrainer,
  ): Promise<OutsideTraining> {
    const { folder, folderOf, stage } = context;
    if (await exists(`${folder}/checkpoint.safetensors`)) {
      throw new UserError(
        `${folder} was begun in this program`,
        `finish it without --engine, or start it anew: --fresh --stage ${stage}`,
      );
    }
    const session = fleetSession(context.session);
    const { cluster } = session;
    const there = (path: string) => pathThere(path, cluster);
    const base = await session.baseThere();
    const { launcher, python: _, attempts, ...train } = cluster.train;
    const { schedule, under, steps, ...rest } = task;
    const file = `${folder}/${OUTSIDE}`;
    const begun = await readJsonFile<Record<string, unknown>>(file);
    const beginning = String(begun?.stage ?? crypto.randomUUID());
    const settings = {
      format: 1,
      name: stage,
      stage: beginning,
      folder: there(folder),
      ...base,
      under: under === null ? null : there(`${folderOf(under)}/adapter`),
      start: there(`${folder}/start`),
      ...rest,
      steps,
      rates: Array.from({ length: steps }, (_, step) => learningRate(schedule, { step, steps })),
      ...train,
      placement: launcher.kind === "ray" ? launcher.placement : "PACK",
      ...{ maxFailures: attempts, idleSeconds: IDLE_SECONDS },
    };
    if (begun === null) {
      await makeFolder(folder);
      await session.writeStart(stage, `${folder}/start`);
    } else {
      const changed = LASTING.find((name) =>
        JSON.stringify(begun[name]) !== JSON.stringify(settings[name as keyof typeof settings])
      );
      if (changed !== undefined) {
        throw new UserError(
          `${file} was begun with ${changed} ${JSON.stringify(begun[changed])}, not ` +
            JSON.stringify(settings[changed as keyof typeof settings]),
          `set it as it was, or start the stage anew: --fresh --stage ${stage}`,
        );
      }
    }
    await writeJsonFile(file, settings);
    const total = Math.ceil(steps / task.roundSteps);
    return new OutsideTraining(context, jobsFor(there(file)), total, beginning);
  }

  /**
   * Waits until a round is trained.
   *
   * @returns the folder of its adapter
   * @throws {UserError} when the trainer cannot go on
   * @throws {Stopped} if the user asked to stop
   */
  async trained(round: number, onLook: () => Promise<void> | void): Promise<string> {
    const adapter = this.rounds.adapter(round);
    for (;;) {
      if (await exists(adapter)) return adapter;
      this.context.checkStop();
      await onLook();
      await this.tend(() => exists(adapter));
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  /** Sees that the trainer runs, now and then. @throws {UserError} when it cannot go on */
  async tend(done: () => Promise<boolean> = () => Promise.resolve(false)): Promise<void> {
    if (performance.now() - this.#asked < ASK && this.#asked > 0) return;
    await this.jobs.ensure(done);
    this.#asked = performance.now();
  }
}

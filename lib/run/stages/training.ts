import { Stopped, UserError } from "../../base/error.ts";
import { appendJsonl, exists, readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import {
  type RankedPair,
  type StepBatch,
  type StepLog,
  train,
  type TrainingLog,
  type TrainOptions,
} from "../../method/mod.ts";
import type { Session } from "../session.ts";
import {
  type Seeded,
  type Stage,
  type StageContext,
  type StageResult,
  type WorkProgress,
} from "../stage.ts";

/** A batch, and for the run folder the pairs that it was made from. */
type LoggedBatch = StepBatch & { readonly pairs?: readonly RankedPair[] };

/** What a training stage trains and what it shows of it. */
export interface TrainingPlan extends
  Pick<
    TrainOptions<LoggedBatch>,
    "model" | "parameters" | "data" | "steps" | "schedule" | "optimizer" | "recompute"
  > {
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /** Seeds the adapter's dropout. @default the run's seed */
  readonly dropoutSeed?: number;
  /** The numbers of the progress line. */
  readonly show: (log: StepLog) => Record<string, string>;
  /** After a step: more numbers for its log. */
  readonly measure?: (step: number) => Promise<Record<string, number>>;
}

/** What {@linkcode trainLogged} needs of a stage. */
export type TrainingContext =
  & Pick<StageContext<Seeded>, "folder" | "config" | "identity" | "log" | "progress" | "stopping">
  & { readonly name: string };

/**
 * Trains with what every training of a run shares: a progress line, metrics as JSONL and CSV, the pairs learned
 * from as JSONL, a checkpoint to resume from, and a stop that loses nothing.
 *
 * @returns the log of all steps, those before a stop included
 * @throws {Stopped} if the user asked to stop
 */
export async function trainLogged(
  context: TrainingContext,
  plan: TrainingPlan,
): Promise<StepLog[]> {
  const { folder, config, identity, log } = context;
  const written = folderLog(context, plan);
  const taken = await train({
    ...plan,
    seed: plan.dropoutSeed ?? config.seed,
    checkpoint: {
      path: `${folder}/checkpoint.safetensors`,
      config: identity,
      every: plan.checkpointEvery,
    },
    log: written,
  });
  const rows = await written.close();
  if (taken < plan.steps) {
    log(`stopped after step ${taken} of ${plan.steps}; the checkpoint holds it`);
    throw new Stopped();
  }
  return rows;
}

/** The log of a training in a stage's folder, cut back to the checkpoint where a run resumes. */
function folderLog(
  { name, folder, log, progress, stopping }: TrainingContext,
  { steps, show, measure }: TrainingPlan,
) {
  const metrics = `${folder}/metrics.jsonl`;
  const pairsFile = `${folder}/pairs.jsonl`;
  let shown: WorkProgress | null = null;
  return {
    async start(done) {
      if (done > 0) log(`resumes after step ${done}`);
      for (const file of [metrics, pairsFile]) {
        const rows = await readJsonl<{ step: number }>(file);
        // Also when none is left: a torn line would otherwise stay and run into the next one.
        await writeJsonl(file, rows.filter(({ step }) => step <= done));
      }
      shown = progress(name, { unit: "step", total: steps, done });
    },
    async step(step, { pairs = [] }) {
      const row = { ...step, ...await measure?.(step.step) };
      if (pairs.length > 0) await appendJsonl(pairsFile, pairs);
      await appendJsonl(metrics, [row]);
      const speed = (row.tokens / row.seconds).toFixed(0);
      await shown?.update(step.step, { ...show(row), "tokens/s": speed });
    },
    stopping,
    async close(): Promise<StepLog[]> {
      await shown?.finish();
      const rows = await readJsonl<StepLog>(metrics);
      await writeCsv(`${folder}/metrics.csv`, rows);
      return rows;
    },
  } satisfies TrainingLog<LoggedBatch> & { close: () => Promise<StepLog[]> };
}

/** The file of a stage's folder that says that it is trained by another program. */
export const OUTSIDE = "train.json";

/** A training stage: its plan is made when it runs. */
export interface TrainingStage<C extends Seeded, S extends Session>
  extends Omit<Stage<C, S>, "run"> {
  readonly plan: (context: StageContext<C, S>) => Promise<
    TrainingPlan & {
      /** What the stage leaves for the summary. */
      readonly result: (rows: readonly StepLog[]) => Promise<StageResult> | StageResult;
      /** After the last step: makes of what was trained what is saved. @default it is saved as it is */
      readonly finish?: () => void;
      /** Frees what the training alone needed. */
      readonly dispose?: () => void;
    }
  >;
}

/** A stage that trains a model and saves it. */
export function trainingStage<C extends Seeded, S extends Session>(
  { plan: planOf, ...stage }: TrainingStage<C, S>,
): Stage<C, S> {
  return {
    ...stage,
    async run(context) {
      if (await exists(`${context.folder}/${OUTSIDE}`)) {
        throw new UserError(
          `${context.folder} was begun on engines elsewhere`,
          `finish it there, with the same --engine, or start it anew: --fresh --stage ${stage.name}`,
        );
      }
      const plan = await planOf(context);
      try {
        const rows = await trainLogged({ ...context, name: stage.name }, plan);
        plan.finish?.();
        await context.session.save(plan.model, stage.name);
        return await plan.result(rows);
      } finally {
        plan.dispose?.();
      }
    },
  };
}

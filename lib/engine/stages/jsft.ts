import { UserError } from "../../base/error.ts";
import { writeCsv, writeJsonl } from "../../base/files.ts";
import { batchOf } from "../../method/mod.ts";
import { judgedPairsIn } from "../../preference/mod.ts";
import { trainingCostsOf } from "../../run/costs.ts";
import type { RunConfig } from "../../run/config.ts";
import type { RunContext, RunStage } from "../../run/pipeline.ts";
import { recordsOf } from "../../run/stages/data.ts";
import { jsftStage, jsftTask, judgeAccuracy } from "../../run/stages/jsft.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { supervisedRow, trainerRows } from "../rounds.ts";
import { fleetSession } from "../session.ts";
import type { TendedTrainer } from "../beside_trainer.ts";
import { type OutsideTask, OutsideTraining } from "../training.ts";
import { shownSteps } from "./shown.ts";

/** Refuses a weighting of JSFT's tokens that the trainer does not have. @throws {UserError} with what to set */
export function checkWeighting({ jsft }: Readonly<RunConfig>): void {
  if (jsft.weighting === "token") return;
  throw new UserError(
    `jsft.weighting is "${jsft.weighting}", and TRL's trainer weighs every learned token alike`,
    "--set jsft.weighting=token (the paper's), or run the stage jsft without --engine",
  );
}

/** JSFT by a trainer elsewhere: all steps are one round, handed over at once. */
export function jsftElsewhere(
  jobsFor: (stage: string, train: string) => TendedTrainer,
): RunStage {
  return {
    ...jsftStage,
    async run(context) {
      const { config: { jsft, seed }, folder, log } = context;
      checkWeighting(context.config);
      const { examples, counts, order, steps } = await jsftTask(context);
      const task: OutsideTask = {
        kind: "sft",
        under: null,
        ...{ steps, roundSteps: steps, seed },
        schedule: { learningRate: jsft.learningRate, shape: jsft.schedule, warmup: jsft.warmup },
        optimizer: { ...ADAMW_DEFAULTS, clipNorm: jsft.clipNorm, weightDecay: jsft.weightDecay },
        dropout: jsft.tuning.dropout,
      };
      const work = async (training: OutsideTraining) => {
        if (await training.rounds.made(1) === null) {
          const rows = Array.from(
            { length: steps },
            (_, step) =>
              batchOf(step, examples, order).map((example) => supervisedRow(step + 1, example)),
          );
          await training.rounds.handOver(1, rows.flat(), []);
          log(
            `${rows.flat().length} sequences handed to the trainer: ${
              training.rounds.of(1)
            }/batch.jsonl`,
          );
        }
        const shown = shownSteps(context, { name: "jsft", total: steps });
        const adapter = await training.trained(1, shown.look);
        await shown.finish();
        return adapter;
      };
      const adapter = await OutsideTraining.run({ ...context, stage: "jsft" }, task, {
        jobsFor: (train) => jobsFor("jsft", train),
        work,
      });
      await fleetSession(context.session).saveTrained("jsft", adapter);
      const trained = await trainerRows(folder);
      const metrics = Array.from({ length: steps }, (_, i) => {
        const { loss, grad_norm = 0, learning_rate = 0, seconds = 0 } = trained.get(i + 1)!;
        const batch = batchOf(i, examples, order);
        const tokens = batch.reduce((sum, { ids }) => sum + ids.length, 0);
        return {
          ...{ step: i + 1, learningRate: learning_rate, loss, gradientNorm: grad_norm },
          ...{ learned: batch.length, tokens, seconds },
        };
      });
      await writeJsonl(`${folder}/metrics.jsonl`, metrics);
      await writeCsv(`${folder}/metrics.csv`, metrics);
      return {
        ...counts,
        steps,
        trainable: "adapter",
        ...trainingCostsOf(metrics),
        heldOutJudgeAccuracy: await heldOutAccuracy(context),
        trainedBy: fleetSession(context.session).cluster.train.launcher.kind,
      };
    },
  };
}

async function heldOutAccuracy(context: RunContext): Promise<number | null> {
  const { config: { jsft }, session } = context;
  const pairs = judgedPairsIn(await recordsOf(context, "held_out")).slice(0, jsft.evaluatePairs);
  if (pairs.length === 0) return null;
  const judge = await session.judge(await session.asked("jsft"), { cacheFile: null });
  return await judgeAccuracy(judge, pairs);
}

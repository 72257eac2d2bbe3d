import {
  type Example,
  jsftExamples,
  type StepLog,
  supervisedBatches,
  type Weighting,
} from "../../method/mod.ts";
import { modelScorer, PairwiseJudge } from "../../method/mod.ts";
import { type LanguageModel, sequenceLogProbs } from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import type { Stage, StageContext } from "../stage.ts";
import { pairsOf } from "./data.ts";
import { trainStage } from "./training.ts";

/** Judge-augmented supervised fine-tuning: one model learns to answer and to judge. */
export const jsftStage: Stage = {
  name: "jsft",
  title: "judge-augmented supervised fine-tuning on chosen answers and judgments",
  needs: ["data"],
  config: ({ judge, lora, jsft }) => ({ judge, lora, jsft }),

  async run(context) {
    const { config, session, log } = context;
    const { jsft, lora, seed } = config;
    const pairs = await pairsOf(context, "train");
    const { examples, counts } = jsftExamples(pairs, {
      encoder: await session.encoder(),
      templates: await session.templates(),
      kinds: jsft.kinds,
      rationale: jsft.rationale,
    });
    const perEpoch = Math.ceil(examples.length / jsft.batchSize);
    const steps = Math.max(1, Math.round(perEpoch * jsft.epochs));
    log(
      `${counts.answers} answers and ${counts.judgments} judgments make ${steps} steps of ${jsft.batchSize}; ` +
        `${counts.truncated} answers cut, ${counts.promptTooLong} prompts too long`,
    );

    const { model } = await session.modelToTrain("base");
    const weighting: Weighting = jsft.weighting === "token" ? { mode: "token" } : {
      mode: "example",
      judgeWeight: jsft.judgeWeight,
      decisionWeight: jsft.decisionWeight ?? undefined,
    };
    const layout = { batching: jsft.batching, microBatchTokens: jsft.microBatchTokens };
    const rows = await trainStage(context, {
      name: "jsft",
      model,
      steps,
      seed,
      schedule: { learningRate: jsft.learningRate, shape: jsft.schedule, warmup: jsft.warmup },
      optimizer: {
        kind: "adamw",
        ...ADAMW_DEFAULTS,
        clipNorm: jsft.clipNorm,
        weightDecay: jsft.weightDecay,
      },
      checkpointEvery: jsft.checkpointEvery,
      identity: { model: config.model, data: config.data, judge: config.judge, lora, jsft },
      prepare: (step) => {
        const batch = batchOf(step, { examples, batchSize: jsft.batchSize, seed });
        const targets = (kind: Example["kind"]) =>
          batch.filter((e) => e.kind === kind).reduce((n, e) => n + e.ids.length - e.from, 0);
        return Promise.resolve({
          parts: supervisedBatches(batch, { weighting, ...layout }),
          metrics: { answerTargets: targets("answer"), judgmentTargets: targets("judgment") },
        });
      },
      show: (row) => ({
        loss: row.loss.toFixed(3),
        answer: perTarget(row.answerLogProb, row.answerTargets),
        judgment: perTarget(row.judgmentLogProb, row.judgmentTargets),
      }),
      evaluate: async (step) =>
        step === steps || (jsft.evaluateEvery > 0 && step % jsft.evaluateEvery === 0)
          ? await heldOutNumbers(model, context)
          : {},
    });
    await session.save(model, "jsft");
    const last = rows.at(-1) as StepLog;
    return {
      ...counts,
      steps,
      trainable: model.adapter ? "adapter" : "all weights",
      ...summaryOf(rows),
      heldOutAnswerLoss: last.heldOutAnswerLoss,
      heldOutJudgeAccuracy: last.heldOutJudgeAccuracy,
    };
  },
};

/** The examples of a step: each epoch is a fresh seeded shuffle; the last batch of one may be short. */
export function batchOf(
  step: number,
  { examples, batchSize, seed }: { examples: readonly Example[]; batchSize: number; seed: number },
): Example[] {
  const perEpoch = Math.ceil(examples.length / batchSize);
  const order = Rng.named(seed, `jsft/epoch/${Math.floor(step / perEpoch)}`).shuffle(examples);
  const start = (step % perEpoch) * batchSize;
  return order.slice(start, start + batchSize);
}

/** Loss per answer token and accuracy as judge on the first held-out pairs. */
async function heldOutNumbers(
  model: LanguageModel,
  context: StageContext,
): Promise<Record<string, number>> {
  const { config, session } = context;
  const pairs = (await pairsOf(context, "held_out")).slice(0, config.jsft.evaluatePairs);
  const numbers: Record<string, number> = {};
  const { examples } = jsftExamples(pairs, {
    encoder: await session.encoder(),
    templates: [],
    kinds: ["answer"],
  });
  const sums = await sequenceLogProbs(model, examples);
  const tokens = examples.reduce((n, e) => n + e.ids.length - e.from, 0);
  numbers.heldOutAnswerLoss = -sums.reduce((a, b) => a + b, 0) / tokens;

  const judge = new PairwiseJudge({
    scorer: modelScorer((work) => work(model), { batchTokens: config.judge.batchTokens }),
    templates: await session.templates(),
  });
  const judgments = await judge.judge(
    pairs.map(({ prompt, chosen, rejected }) => ({ prompt, first: chosen, second: rejected })),
  );
  const credit = judgments.map(({ winner }) => winner === "first" ? 1 : winner === "tie" ? 0.5 : 0);
  numbers.heldOutJudgeAccuracy = credit.reduce((a: number, b) => a + b, 0) / judgments.length;
  return numbers;
}

/** Means over the first and the last tenth of the steps. */
function summaryOf(rows: readonly StepLog[]): Record<string, number> {
  const part = Math.max(1, Math.floor(rows.length / 10));
  const loss = (some: readonly StepLog[], sum: string, targets: string) => {
    const n = some.reduce((total, row) => total + row[targets], 0);
    return n === 0 ? 0 : -some.reduce((total, row) => total + row[sum], 0) / n;
  };
  const [first, last] = [rows.slice(0, part), rows.slice(-part)];
  return {
    answerLossFirst: loss(first, "answerLogProb", "answerTargets"),
    answerLossLast: loss(last, "answerLogProb", "answerTargets"),
    judgmentLossFirst: loss(first, "judgmentLogProb", "judgmentTargets"),
    judgmentLossLast: loss(last, "judgmentLogProb", "judgmentTargets"),
    tokensPerSecond: rows.reduce((n, row) => n + row.tokens, 0) /
      rows.reduce((s, row) => s + row.seconds, 0),
  };
}

function perTarget(logProb: number, targets: number): string {
  return targets > 0 ? (-logProb / targets).toFixed(3) : "-";
}

import {
  credit,
  type Example,
  jsftExamples,
  learnedTokens,
  pairComparison,
  pairEncoder,
  type Ranker,
  type StepLog,
  stepsPerEpoch,
  SupervisedData,
  type Weighting,
} from "../../method/mod.ts";
import {
  checkSequences,
  type LanguageModel,
  sequenceLogProbs,
  withModel,
} from "../../model/mod.ts";
import { demonstrationsIn, judgedPairsIn, type Pair } from "../../preference/mod.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { trainingCostsOf } from "../costs.ts";
import type { RunContext, RunStage } from "../pipeline.ts";
import type { Session } from "../session.ts";
import { recordsOf } from "./data.ts";
import { trainingStage } from "./training.ts";

/** Judge-augmented supervised fine-tuning: one model learns to answer and to judge. */
export const jsftStage: RunStage = trainingStage({
  name: "jsft",
  title: "judge-augmented supervised fine-tuning on chosen answers and judgments",
  needs: ["data"],
  config: ({ chat, judge, jsft }) => ({ chat, judge, jsft }),

  async plan(context) {
    const { config: { jsft, memory }, session } = context;
    const { examples, counts, order, steps } = await jsftTask(context);
    const model = await session.modelToTrain({ stage: "jsft", start: "base" });
    checkSequences(examples.map(({ ids }) => ids), model.config, "what JSFT learns");
    const weighting: Weighting = jsft.weighting === "token" ? { mode: "token" } : {
      mode: "example",
      judgeWeight: jsft.judgeWeight,
      decisionWeight: jsft.decisionWeight ?? undefined,
    };
    const held = await recordsOf(context, "held_out");
    const heldOut = judgedPairsIn(held).slice(0, jsft.evaluatePairs);
    const imitated = demonstrationsIn(held);
    const answers = jsftExamples(imitated.slice(0, jsft.evaluatePairs), {
      encoder: pairEncoder(await session.encoder()),
      templates: [],
      kinds: ["answer"],
    }).examples;
    return {
      model,
      steps,
      data: new SupervisedData(examples.map((example) => [example]), {
        order,
        weighting,
        layout: { batching: jsft.batching, microBatchTokens: jsft.microBatchTokens },
      }),
      schedule: { learningRate: jsft.learningRate, shape: jsft.schedule, warmup: jsft.warmup },
      optimizer: {
        kind: "adamw",
        ...ADAMW_DEFAULTS,
        clipNorm: jsft.clipNorm,
        weightDecay: jsft.weightDecay,
      },
      checkpointEvery: jsft.checkpointEvery,
      recompute: memory.recompute,
      show: (row) => ({
        loss: row.loss.toFixed(3),
        answer: perTarget(row.answerLogProb, row.answerTargets),
        judgment: perTarget(row.judgmentLogProb, row.judgmentTargets),
      }),
      measure: async (step) =>
        step === steps || (jsft.evaluateEvery > 0 && step % jsft.evaluateEvery === 0)
          ? await heldOutNumbers(model, { heldOut, answers }, context)
          : {},
      result: (rows) => ({
        ...counts,
        steps,
        trainable: model.adapter ? "adapter" : "all weights",
        ...summaryOf(rows),
        ...trainingCostsOf(rows),
        heldOutAnswerLoss: rows.at(-1)!.heldOutAnswerLoss,
        heldOutJudgeAccuracy: rows.at(-1)!.heldOutJudgeAccuracy,
      }),
    };
  },
});

/** What JSFT learns of a run's data, and in how many steps. */
export async function jsftTask(context: RunContext) {
  const { config: { jsft, seed }, session, log } = context;
  const templates = await session.templates();
  const { examples, counts } = jsftExamples(await recordsOf(context, "train"), {
    encoder: await session.encoder(),
    templates,
    kinds: jsft.kinds,
    rationale: jsft.rationale,
  });
  const order = { name: "jsft", batchSize: jsft.batchSize, seed, last: "short" } as const;
  const steps = Math.max(1, Math.round(stepsPerEpoch(examples.length, order) * jsft.epochs));
  const cut = templates.reduce((sum, { counts }) => sum + counts.truncated, 0);
  log(
    `${counts.answers} answers and ${counts.judgments} judgments make ${steps} steps of ${jsft.batchSize}; ` +
      `${counts.truncated} answers cut, ${counts.promptTooLong} prompts too long` +
      (cut === 0 ? "" : `, ${cut} judgments cut to judge.maxTokens`) +
      (counts.judgmentsLeftOut === 0
        ? ""
        : `, ${counts.judgmentsLeftOut} judgments left out, whose verdict is not found among the texts`),
  );
  return { examples, counts, order, steps };
}

/** Loss per token of answers, and accuracy as judge of pairs; of none nothing. */
export async function heldOutNumbers(
  model: LanguageModel,
  { heldOut, answers }: { heldOut: readonly Pair[]; answers: readonly Example[] },
  { session }: { readonly session: Session },
): Promise<Record<string, number>> {
  const sums = await sequenceLogProbs(model, answers);
  const tokens = answers.reduce((n, example) => n + learnedTokens(example), 0);
  const loss = tokens > 0 && { heldOutAnswerLoss: -sums.reduce((a, b) => a + b, 0) / tokens };
  if (heldOut.length === 0) return { ...loss };
  const judge = await session.judge(withModel(model), { cacheFile: null });
  return { ...loss, heldOutJudgeAccuracy: await judgeAccuracy(judge, heldOut) };
}

/** Share of judged pairs on which a judge names the chosen answer (see `credit`). */
export async function judgeAccuracy(
  { compare }: Pick<Ranker, "compare">,
  pairs: readonly Pair[],
): Promise<number> {
  const judgments = await compare(pairs.map(pairComparison));
  return judgments.reduce((sum, judgment) => sum + credit(judgment), 0) / judgments.length;
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

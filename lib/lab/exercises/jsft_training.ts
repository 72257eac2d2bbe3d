/** Exercises of notebook 02. */
import * as tf from "@tensorflow/tfjs";
import {
  type AnswerEncoder,
  answerExample,
  type Comparison,
  type Example,
} from "../../method/mod.ts";
import { followingLogProbs, type LanguageModel, rightPadded } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { type Exercise, formatNumber, numbers } from "../../show/mod.ts";
import { rewardGap } from "../study/desk_evidence.ts";
import { drawAnswersOf, mean, rightOn } from "../study/measure.ts";
import { trained, type TrainedOptions } from "../study/trained.ts";

/** Mean true reward of SFT's answers, and JSFT's less SFT's. Trains SFT if nobody has. */
export function priceOfJudging(
  options: TrainedOptions,
  { requests, jsft }: { requests: readonly string[]; jsft: readonly number[] },
): Exercise<{ sft: number; difference: number }> {
  return numbers({
    name: "02.1",
    form: "{ sft: mean true reward, difference: JSFT less SFT }",
    hints: [
      '(await trained("sft", { ...notebook, progress })).session.model("sft") is the model, sft below.',
      "drawAnswersOf(sft, requests, { encoder, seed }) draws one answer to each request.",
    ],
    async expected() {
      const { session } = await trained("sft", options);
      try {
        const drawn = await drawAnswersOf(await session.model("sft"), requests, {
          encoder: await session.encoder(),
          seed: options.seed,
        });
        const sft = mean(drawn.map(([{ reward }]) => reward));
        return { sft, difference: mean(jsft) - sft };
      } finally {
        session.dispose();
      }
    },
    // Answers drawn with another seed are as good.
    within: 0.02 + 3 / Math.sqrt(requests.length),
    meaning: "Both saw the same answers; JSFT learned the judgments beside them.",
  });
}

/**
 * The judgments' share of the targets, and how often the judge with half of the loss is right.
 *
 * @param examples Of one batch.
 */
export function otherWeights(
  options: TrainedOptions,
  { examples, comparisons }: {
    examples: readonly Example[];
    comparisons: readonly Comparison[];
  },
): Exercise<{ share: number; right: number }> {
  return numbers({
    name: "02.2",
    form: "{ share: of the targets, right: share of pairs whose rewards differ }",
    hints: [
      "An example has ids.length - from targets. The share is that of the judgments among all.",
      '(await trained("jsft-weighted", { ...notebook, progress })).session.judgeOf("jsft-weighted") is the judge, judge below.',
      "rightOn(await judge.compare(comparisons), { gaps, least: 0 }) of lib/lab/study/measure.ts has 1 for each right verdict; gaps are rewardGap of each comparison (lib/lab/study/desk_evidence.ts).",
    ],
    async expected() {
      const targets = (kind: Example["kind"]) =>
        examples.filter((one) => one.kind === kind)
          .reduce((n, { ids, from }) => n + ids.length - from, 0);
      const { session } = await trained("jsft-weighted", options);
      try {
        const judge = await session.judgeOf("jsft-weighted");
        const gaps = comparisons.map((one) => rewardGap(one));
        const right = mean(rightOn(await judge.compare(comparisons), { gaps, least: 0 }));
        return { share: targets("judgment") / (targets("answer") + targets("judgment")), right };
      } finally {
        session.dispose();
      }
    },
    within: 1e-3,
    meaning: "Few of the targets are letters, and they are learned all the same.",
  });
}

/** What each token of a pair's chosen answer costs a model, its end included, in nats. */
export function costOfTokens(
  model: LanguageModel,
  { pair, encoder }: { pair: Pair; encoder: AnswerEncoder },
): Exercise<readonly number[]> {
  return {
    name: "02.3",
    form: "[nats, nats, ...], one a token of the answer and one for its end",
    hints: [
      "jsftExamples([pair], { encoder, templates, kinds: ['answer'] }).examples[0] has the ids, and from: where the answer begins.",
      "followingLogProbs(jsft, rightPadded([ids], 0), { at }) gives log p of the token after each position of at.",
      "The token ids[from] is predicted at column from - 1. A cost is minus the logarithm.",
    ],
    async fault(answer) {
      const { prompt, chosen, id } = pair;
      const { ids, from } = answerExample({ prompt, answer: chosen, pair: id }, encoder)!.example;
      const batch = rightPadded([ids], 0);
      const at = ids.slice(from).map((_, t) => ({ row: 0, column: from - 1 + t }));
      const logProbs = followingLogProbs(model, batch, { at });
      const costs = [...await logProbs.data()].map((x) => -x);
      tf.dispose([logProbs, ...batch.mask ? [batch.mask] : []]);
      if (answer.length !== costs.length) {
        return `there are ${costs.length} tokens to predict, its end among them, and ${answer.length} numbers.`;
      }
      const off = costs.findIndex((cost, t) => !(Math.abs(cost - answer[t]) <= 0.01));
      return off < 0
        ? null
        : `number ${off + 1}, ${formatNumber(answer[off])}, is not what it costs.`;
    },
    meaning: "What the request fixes is cheap; what the desk chose freely is not, for any model.",
  };
}

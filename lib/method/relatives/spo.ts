import * as tf from "@tensorflow/tfjs";
import { type LanguageModel, lengthBuckets, rightPadded } from "../../model/mod.ts";
import { linear, takeRows } from "../../tensor/mod.ts";
import { answerExample, type Example } from "../example.ts";
import { labelledPairs } from "../knockout_pairs.ts";
import { fromDataset } from "../candidates.ts";
import type { Method, OwnStep } from "../method.ts";
import type { MicroBatch, Objective } from "../objective.ts";
import { rakeKeywords } from "./rake.ts";

/** Name of the grade head, (grades, C). */
export const GRADE_HEAD = "grade.weight";

/**
 * A text without the part of its keywords that a grade removes: grade 0 removes none, the last one all, the highest
 * scores first.
 */
export function degraded(text: string, grade: number, grades: number): string {
  const keywords = rakeKeywords(text);
  const removed = keywords.slice(0, Math.round(keywords.length * grade / (grades - 1)));
  // The longest first: a phrase may hold another.
  const phrases = removed.map(({ phrase }) => phrase).sort((a, b) => b.length - a.length);
  return phrases.reduce((left, phrase) => {
    const pattern = phrase.split(" ").map((word) => RegExp.escape(word)).join("\\s+");
    return left.replace(new RegExp(`(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`, "giu"), "");
  }, text).replace(/[ \t]+/g, " ").replace(/ ([.,;:!?])/g, "$1").trim();
}

/**
 * DPO on the data set's pairs, and beside it a head that tells how much key content was removed from a chosen answer:
 * L = DPO + g CE (SPO, Self-supervised Preference Optimization, EMNLP Findings 2024). With g = 0 it is DPO.
 *
 * The numbers of grades and g are not known to us; three and 0.1 here, of the ranges in which they lie. That keywords
 * are removed in the order of their scores, and that the head reads the last token, is our reconstruction.
 */
export const gradedContentStep: OwnStep = async (tools) => {
  const { g = 0.1 } = tools.method.parameters ?? {};
  const { encoder, microBatchTokens, head } = tools;
  const prompts = tools.prompts();
  const candidates = fromDataset(prompts, encoder);
  const pairs = await labelledPairs(candidates, tools);
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  const parts = await tools.learn(pairs);
  if (g === 0) return { parts, pairs };
  const [grades] = head.get(GRADE_HEAD)!.shape;
  const graded = pairs.flatMap(({ prompt, chosen }) =>
    Array.from({ length: grades }, (_, grade) => {
      const answer = degraded(chosen.text, grade, grades);
      const made = answerExample({ prompt: prompt.prompt, answer, pair: prompt.id }, encoder);
      return made && { example: made.example, grade };
    }).filter((one) => one !== null)
  );
  return { parts: [...parts, ...gradeBatches(graded, { head, g, microBatchTokens })], pairs };
};

/** A sequence whose grade is to be told. */
interface Graded {
  readonly example: Example;
  readonly grade: number;
}

/** The parts whose loss is g times the mean cross-entropy of the grades. */
function gradeBatches(
  graded: readonly Graded[],
  { head, g, microBatchTokens }: {
    head: ReadonlyMap<string, tf.Tensor>;
    g: number;
    microBatchTokens: number;
  },
): MicroBatch[] {
  const lengths = graded.map(({ example }) => example.ids.length);
  return lengthBuckets(lengths, microBatchTokens).map((group) => {
    const part = group.map((i) => graded[i]);
    return {
      batch: rightPadded(part.map(({ example }) => example.ids), 0),
      tokens: part.reduce((sum, { example }) => sum + example.ids.length, 0),
      objective: gradeObjective(part, { head, g, total: graded.length }),
    };
  });
}

function gradeObjective(
  part: readonly Graded[],
  { head, g, total }: {
    head: ReadonlyMap<string, tf.Tensor>;
    g: number;
    /** Sequences of the whole batch, whose mean the cross-entropy is. */
    total: number;
  },
): Objective {
  return {
    output: (model: LanguageModel, batch, { tape, dropoutSeed }) =>
      tf.tidy(() => {
        const ends = part.map(({ example: { ids } }, row) => row * batch.length + ids.length - 1);
        const last = tf.tensor1d(ends, "int32");
        tape.hold(last);
        const picked = takeRows(model.hidden(batch, { tape, dropoutSeed }), last, { tape }); // (B, C)
        return linear(picked, head.get(GRADE_HEAD) as tf.Tensor2D, { tape }); // (B, grades)
      }),
    gradient: (logits) =>
      tf.tidy(() => {
        const truth = tf.oneHot(part.map(({ grade }) => grade), logits.shape[1]!).toFloat();
        const logP = tf.logSoftmax(logits as tf.Tensor2D);
        const loss = tf.div(tf.neg(tf.sum(tf.mul(truth, logP))), total) as tf.Scalar;
        return {
          outputGradient: tf.mul(tf.sub(tf.exp(logP), truth), g / total),
          metrics: {
            loss: tf.mul(loss, g) as tf.Scalar,
            gradeLoss: loss,
          },
        };
      }),
  };
}

/** SPO. */
export const SPO = {
  samples: "dataset",
  candidates: 2,
  ranker: "labels",
  own: gradedContentStep,
  head: { name: GRADE_HEAD, rows: 3 },
  loss: "sigmoid",
  parameters: { g: 0.1 },
  source: "SPO, EMNLP Findings 2024, key content removed by RAKE",
  known: "R",
} as const satisfies Method;

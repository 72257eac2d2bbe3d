import * as tf from "@tensorflow/tfjs";
import {
  type Batch,
  type LanguageModel,
  lengthBuckets,
  packed,
  type Position,
  rightPadded,
} from "../model/mod.ts";
import { segmentSum, type Tape } from "../tensor/mod.ts";
import type { Example } from "./example.ts";
import { type PairLogProbs, type PreferenceLoss, preferenceLoss } from "./losses.ts";

/**
 * A part of a training batch that fits through the model at once. The gradients of a batch are the sum of
 * its parts' gradients: every part already carries its share of the batch's mean.
 */
export interface MicroBatch {
  readonly batch: Batch;
  /** Positions whose following token counts. */
  readonly at: readonly Position[];
  /** Tokens run through the model, filling not counted. */
  readonly tokens: number;
  /** What the objective is a function of, M values; the log-probabilities at `at` unless given. */
  output?(model: LanguageModel, options: { tape: Tape; dropoutSeed?: number }): tf.Tensor;
  /**
   * From the output (M): the loss's gradient with respect to it (M), and numbers for the log that add up over
   * the parts of a batch.
   */
  objective(logProbs: tf.Tensor1D): { seed: tf.Tensor1D; metrics: Record<string, tf.Scalar> };
}

/** How the two kinds of examples are weighed against each other. */
export type Weighting =
  /** Every target token of the batch counts the same, as in the authors' code. */
  | { readonly mode: "token" }
  /**
   * Every example counts the same within its kind; the judgments' mean has this weight, the answers' mean
   * the rest. Keeps thousands of answer tokens from drowning one-token judgments.
   */
  | {
    readonly mode: "example";
    readonly judgeWeight: number;
    /**
     * Share of a judgment's weight on its first token, the decision, where a rationale follows; the rationale's
     * tokens have the rest. Keeps the reasons from drowning the decision. All tokens alike unless given.
     */
    readonly decisionWeight?: number;
  };

/** Weights of the target tokens, one array an example; over a batch they sum to 1. */
export function tokenWeights(examples: readonly Example[], weighting: Weighting): number[][] {
  const targets = examples.map((e) => e.ids.length - e.from);
  if (weighting.mode === "token") {
    const total = targets.reduce((a, b) => a + b, 0);
    return targets.map((n) => Array(n).fill(1 / total));
  }
  const count = (kind: Example["kind"]) => examples.filter((e) => e.kind === kind).length;
  const [answers, judgments] = [count("answer"), count("judgment")];
  const judgeShare = judgments === 0 ? 0 : answers === 0 ? 1 : weighting.judgeWeight;
  return examples.map(({ kind }, i): number[] => {
    const weight = kind === "judgment" ? judgeShare / judgments : (1 - judgeShare) / answers;
    const { decisionWeight } = weighting;
    const n = targets[i];
    if (kind === "answer" || n === 1 || decisionWeight === undefined) {
      return Array(n).fill(weight / n);
    }
    const reasons = Array(n - 1).fill((1 - decisionWeight) * weight / (n - 1));
    return [decisionWeight * weight, ...reasons];
  });
}

/** How examples become rows. */
export interface Layout {
  /** "bucketed": one example a row, neighbours in length together. "packed": rows filled with several. */
  readonly batching: "bucketed" | "packed";
  /** Tokens of a micro-batch, filling included. */
  readonly microBatchTokens: number;
}

/** The parts of one supervised batch: loss = - sum of weight * log-probability of each target. */
export function supervisedBatches(
  examples: readonly Example[],
  { weighting, ...layout }: Layout & { weighting: Weighting },
): MicroBatch[] {
  const weights = tokenWeights(examples, weighting);
  return arranged(examples, layout).map(({ batch, places }) => {
    const at = places.flatMap(({ example, row, start }) =>
      targetPositions(examples[example], row, start)
    );
    const flags = (kind: Example["kind"]) =>
      places.flatMap(({ example: i }) =>
        Array(examples[i].ids.length - examples[i].from).fill(examples[i].kind === kind ? 1 : 0)
      );
    const perToken = places.flatMap(({ example }) => weights[example]);
    return {
      batch,
      at,
      tokens: places.reduce((sum, { example }) => sum + examples[example].ids.length, 0),
      objective: (logProbs) =>
        tf.tidy(() => {
          const seed = tf.tensor1d(perToken.map((w) => -w));
          const sumOf = (mask: number[]) =>
            tf.sum(tf.mul(logProbs, tf.tensor1d(mask))) as tf.Scalar;
          return {
            seed,
            metrics: {
              loss: tf.sum(tf.mul(logProbs, seed)) as tf.Scalar,
              answerLogProb: sumOf(flags("answer")),
              judgmentLogProb: sumOf(flags("judgment")),
            },
          };
        }),
    };
  });
}

/** A pair of sequences with what the reference says of them. */
export interface ScoredPair {
  readonly chosen: Example;
  readonly rejected: Example;
  readonly referenceChosen: number;
  readonly referenceRejected: number;
}

/** The parts of one preference batch: the mean over its pairs of a loss on summed log-probabilities. */
export function preferenceBatches(
  pairs: readonly ScoredPair[],
  options: { loss: PreferenceLoss; beta: number; microBatchTokens: number },
): MicroBatch[] {
  const longest = pairs.map((p) => Math.max(p.chosen.ids.length, p.rejected.ids.length));
  return lengthBuckets(longest, Math.floor(options.microBatchTokens / 2)).map((group) => {
    const part = group.map((i) => pairs[i]);
    const examples = [...part.map((p) => p.chosen), ...part.map((p) => p.rejected)];
    const at = examples.flatMap((example, row) => targetPositions(example, row, 0));
    return {
      batch: rightPadded(examples.map((e) => e.ids), 0),
      at,
      tokens: examples.reduce((sum, e) => sum + e.ids.length, 0),
      objective: (logProbs) =>
        pairObjective(logProbs, { part, at, total: pairs.length, ...options }),
    };
  });
}

function pairObjective(
  logProbs: tf.Tensor1D,
  { part, at, total, loss, beta }: {
    part: readonly ScoredPair[];
    at: readonly Position[];
    total: number;
    loss: PreferenceLoss;
    beta: number;
  },
): ReturnType<MicroBatch["objective"]> {
  const P = part.length;
  return tf.tidy(() => {
    const rows = tf.tensor1d(at.map(({ row }) => row), "int32"); // (M), sequence of each position
    const sums = segmentSum(logProbs, rows, 2 * P) as tf.Tensor1D; // (2P)
    const [policyChosen, policyRejected] = tf.split(sums, 2) as tf.Tensor1D[];
    const referenceChosen = tf.tensor1d(part.map((p) => p.referenceChosen));
    const referenceRejected = tf.tensor1d(part.map((p) => p.referenceRejected));
    const logs: PairLogProbs = { policyChosen, policyRejected, referenceChosen, referenceRejected };

    const share = (w: tf.Tensor, l: tf.Tensor) =>
      tf.div(
        tf.sum(
          preferenceLoss(
            { ...logs, policyChosen: w as tf.Tensor1D, policyRejected: l as tf.Tensor1D },
            { loss, beta },
          ),
        ),
        total,
      );
    const { value, grads } = tf.valueAndGrads(share)([policyChosen, policyRejected]);
    const seed = tf.gather(tf.concat(grads as tf.Tensor1D[]), rows) as tf.Tensor1D; // (M)

    const mean = (x: tf.Tensor) => tf.div(tf.sum(x), total) as tf.Scalar;
    const rewardChosen = tf.mul(tf.sub(policyChosen, referenceChosen), beta);
    const rewardRejected = tf.mul(tf.sub(policyRejected, referenceRejected), beta);
    return {
      seed,
      metrics: {
        loss: value as tf.Scalar,
        rewardChosen: mean(rewardChosen),
        rewardRejected: mean(rewardRejected),
        rewardMargin: mean(tf.sub(rewardChosen, rewardRejected)),
        rewardAccuracy: mean(tf.cast(tf.greater(rewardChosen, rewardRejected), "float32")),
        logProbChosen: mean(policyChosen),
        logProbRejected: mean(policyRejected),
      },
    };
  });
}

/** The position before each target token of an example that starts at a column of a row. */
function targetPositions(example: Example, row: number, start: number): Position[] {
  return Array.from(
    { length: example.ids.length - example.from },
    (_, i) => ({ row, column: start + example.from - 1 + i }),
  );
}

interface Arranged {
  batch: Batch;
  places: { example: number; row: number; start: number }[];
}

function arranged(
  examples: readonly Example[],
  { batching, microBatchTokens }: Layout,
): Arranged[] {
  const lengths = examples.map((e) => e.ids.length);
  if (batching === "bucketed") {
    return lengthBuckets(lengths, microBatchTokens).map((group) => ({
      batch: rightPadded(group.map((i) => examples[i].ids), 0),
      places: group.map((example, row) => ({ example, row, start: 0 })),
    }));
  }
  // First fit, longest first, into rows as long as the longest example.
  const width = Math.max(...lengths);
  const rows: { examples: number[]; length: number }[] = [];
  for (const i of lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a] || a - b)) {
    const row = rows.find(({ length }) => length + lengths[i] <= width);
    if (row) {
      row.examples.push(i);
      row.length += lengths[i];
    } else rows.push({ examples: [i], length: lengths[i] });
  }
  const height = Math.max(1, Math.floor(microBatchTokens / width));
  const parts: Arranged[] = [];
  for (let first = 0; first < rows.length; first += height) {
    const part = rows.slice(first, first + height);
    parts.push({
      batch: packed(part.map((row) => row.examples.map((i) => examples[i].ids)), 0),
      places: part.flatMap((row, r) => {
        let start = 0;
        return row.examples.map((example) => {
          const place = { example, row: r, start };
          start += lengths[example];
          return place;
        });
      }),
    });
  }
  return parts;
}

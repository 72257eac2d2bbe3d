import * as tf from "@tensorflow/tfjs";
import {
  type Batch,
  countedTokens,
  lengthBuckets,
  packed,
  type Position,
  rightPadded,
} from "../model/mod.ts";
import { batchOf, type BatchOrder } from "./batch_order.ts";
import { type Example, learnedTokens } from "./example.ts";
import { type MicroBatch, type Objective, TokenObjective } from "./objective.ts";
import type { BatchSource, StepBatch } from "./trainer.ts";

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
     * tokens have the rest. Keeps the reasons from drowning the decision.
     *
     * @default all tokens alike
     */
    readonly decisionWeight?: number;
  };

/** How examples become rows. */
export interface Layout {
  /** "bucketed": one example a row, neighbours in length together. "packed": rows filled with several. */
  readonly batching: "bucketed" | "packed";
  /** Tokens of a micro-batch, filling included. */
  readonly microBatchTokens: number;
}

/**
 * Examples in batches, step by step: what SFT and JSFT train on.
 *
 * @example
 * ```ts ignore
 * const data = new SupervisedData(examples.map((example) => [example]), {
 *   order: { name: "jsft", batchSize: 16, seed: 7, last: "short" },
 *   weighting: { mode: "token" },
 *   layout: { batching: "bucketed", microBatchTokens: 1024 },
 * });
 * await train({ model, data, steps: 100, ...settings });
 * ```
 */
export class SupervisedData implements BatchSource {
  /** @param groups Examples that are drawn together: one each, or all those of a pair. */
  constructor(
    readonly groups: readonly (readonly Example[])[],
    readonly options: { order: BatchOrder; weighting: Weighting; layout: Layout },
  ) {}

  batch(step: number): Promise<StepBatch> {
    const { order, weighting, layout } = this.options;
    const examples = batchOf(step, this.groups, order).flat();
    const targets = (kind: Example["kind"]) =>
      examples.filter((e) => e.kind === kind).reduce((n, e) => n + learnedTokens(e), 0);
    return Promise.resolve({
      parts: supervisedBatches(examples, { weighting, ...layout }),
      metrics: {
        learned: examples.length,
        answerTargets: targets("answer"),
        judgmentTargets: targets("judgment"),
      },
    });
  }
}

/** Weights of the target tokens, one array an example; over a batch they sum to 1. */
export function tokenWeights(examples: readonly Example[], weighting: Weighting): number[][] {
  const targets = examples.map(learnedTokens);
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

/** The parts of one supervised batch: loss = - sum of weight * log-probability of each target. */
export function supervisedBatches(
  examples: readonly Example[],
  { weighting, ...layout }: Layout & { weighting: Weighting },
): MicroBatch[] {
  const weights = tokenWeights(examples, weighting);
  return arranged(examples, layout).map(({ batch, places }) => {
    const perTarget = <T>(value: (index: number) => readonly T[]) =>
      places.flatMap(({ index }) => value(index));
    return {
      batch,
      tokens: places.reduce((sum, { index }) => sum + examples[index].ids.length, 0),
      objective: new SupervisedObjective(
        places.flatMap(({ index, row, start }) => targetPositions(examples[index], row, start)),
        perTarget((i) => weights[i]),
        perTarget((i) => weights[i].map(() => examples[i].kind)),
      ),
    };
  });
}

/** - sum of weight * log-probability over target tokens. */
class SupervisedObjective extends TokenObjective {
  constructor(
    at: readonly Position[],
    readonly weights: readonly number[],
    readonly kinds: readonly Example["kind"][],
  ) {
    super(at);
  }

  gradient(logProbs: tf.Tensor1D): ReturnType<Objective["gradient"]> {
    return tf.tidy(() => {
      const outputGradient = tf.tensor1d(this.weights.map((w) => -w));
      const sumOf = (kind: Example["kind"]) =>
        tf.sum(
          tf.mul(logProbs, tf.tensor1d(this.kinds.map((k) => Number(k === kind)))),
        ) as tf.Scalar;
      return {
        outputGradient,
        metrics: {
          loss: tf.sum(tf.mul(logProbs, outputGradient)) as tf.Scalar,
          answerLogProb: sumOf("answer"),
          judgmentLogProb: sumOf("judgment"),
        },
      };
    });
  }
}

/** The position before each learned token of an example that starts at a column of a row. */
export function targetPositions(example: Example, row: number, start: number): Position[] {
  return countedTokens(example).map((at) => ({ row, column: start + at - 1 }));
}

interface Arranged {
  batch: Batch;
  places: { index: number; row: number; start: number }[];
}

function arranged(
  examples: readonly Example[],
  { batching, microBatchTokens }: Layout,
): Arranged[] {
  const lengths = examples.map((e) => e.ids.length);
  if (batching === "bucketed") {
    return lengthBuckets(lengths, microBatchTokens).map((group) => ({
      batch: rightPadded(group.map((i) => examples[i].ids), 0),
      places: group.map((index, row) => ({ index, row, start: 0 })),
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
        return row.examples.map((index) => {
          const place = { index, row: r, start };
          start += lengths[index];
          return place;
        });
      }),
    });
  }
  return parts;
}

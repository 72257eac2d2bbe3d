import * as tf from "@tensorflow/tfjs";
import { lengthBuckets, type Position, rightPadded } from "../model/mod.ts";
import type { Example } from "./example.ts";
import { type MicroBatch, type Objective, TokenObjective } from "./objective.ts";
import { targetPositions } from "./supervised.ts";

/**
 * The parts of a batch whose loss is - mean over its sequences of advantage x log-probability: a step down it is one up the
 * expected reward where the sequences are samples of the policy's whole distribution (REINFORCE). Those drawn at top-p
 * below 1 are not quite that, and are not weighed for it.
 */
export function policyGradientBatches(
  examples: readonly Example[],
  { advantages, microBatchTokens }: {
    /** One a sequence, constants. */
    advantages: readonly number[];
    microBatchTokens: number;
  },
): MicroBatch[] {
  const total = examples.length;
  return lengthBuckets(examples.map(({ ids }) => ids.length), microBatchTokens).map((group) => {
    const part = group.map((i) => examples[i]);
    return {
      batch: rightPadded(part.map(({ ids }) => ids), 0),
      tokens: part.reduce((sum, { ids }) => sum + ids.length, 0),
      objective: new PolicyGradient(
        part.flatMap((example, row) => targetPositions(example, row, 0)),
        group.map((i) => advantages[i] / total),
      ),
    };
  });
}

/** - sum of weight x log-probability, a weight for each row. */
class PolicyGradient extends TokenObjective {
  constructor(at: readonly Position[], readonly weights: readonly number[]) {
    super(at);
  }

  gradient(logProbs: tf.Tensor1D): ReturnType<Objective["gradient"]> {
    return tf.tidy(() => {
      const outputGradient = tf.tensor1d(this.at.map(({ row }) => -this.weights[row]));
      return {
        outputGradient,
        metrics: { loss: tf.sum(tf.mul(logProbs, outputGradient)) as tf.Scalar },
      };
    });
  }
}

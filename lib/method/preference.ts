import * as tf from "@tensorflow/tfjs";
import { lengthBuckets, type Position, rightPadded } from "../model/mod.ts";
import { segmentSum } from "../tensor/mod.ts";
import { type Example, learnedTokens } from "./example.ts";
import {
  type LossParameters,
  type PreferenceLoss,
  preferenceLoss,
  REFERENCE_FREE,
} from "./losses.ts";
import { type MicroBatch, type Objective, TokenObjective } from "./objective.ts";
import { targetPositions } from "./supervised.ts";

/** A pair of sequences with what the reference says of them. */
export interface ScoredPair {
  readonly chosen: Example;
  readonly rejected: Example;
  readonly referenceChosen: number;
  readonly referenceRejected: number;
  /** Probability that the chosen answer is the better one, in [0, 1]. @default 1 */
  readonly label?: number;
  /** What the margin has to exceed, see `PairLogProbs.offset`. @default 0 */
  readonly offset?: number;
  /** Of the pair's loss in the batch's sum, and of its rewards in their mean. @default 1 */
  readonly weight?: number;
}

/** The loss of a preference batch. */
export interface PreferenceLossOptions {
  readonly loss: PreferenceLoss;
  readonly parameters: LossParameters;
}

const weightOf = ({ weight = 1 }: ScoredPair): number => weight;
const sumOfWeights = (pairs: readonly ScoredPair[]) =>
  pairs.reduce((sum, pair) => sum + weightOf(pair), 0);

/**
 * The parts of one preference batch: the mean over its pairs of a loss on summed log-probabilities. A pair of which
 * nothing is learned counts in the mean, with the loss of a margin of 0, and is in no part. Rewards and log-probabilities
 * are logged as means by the pairs' weights.
 *
 * @param options.total What the losses' sum is divided by. @default the pairs
 */
export function preferenceBatches(
  all: readonly ScoredPair[],
  { microBatchTokens, total = all.length, ...loss }: PreferenceLossOptions & {
    microBatchTokens: number;
    total?: number;
  },
): MicroBatch[] {
  const isLearned = ({ chosen, rejected }: ScoredPair) =>
    learnedTokens(chosen) + learnedTokens(rejected) > 0;
  const pairs = all.filter(isLearned);
  const weights = sumOfWeights(all);
  const unlearned = weights - sumOfWeights(pairs);
  const longest = pairs.map((p) => Math.max(p.chosen.ids.length, p.rejected.ids.length));
  return lengthBuckets(longest, Math.floor(microBatchTokens / 2)).map((group, nth) => {
    const part = group.map((i) => pairs[i]);
    const examples = [...part.map((p) => p.chosen), ...part.map((p) => p.rejected)];
    return {
      batch: rightPadded(examples.map((e) => e.ids), 0),
      tokens: examples.reduce((sum, e) => sum + e.ids.length, 0),
      objective: new PreferenceObjective(
        examples.flatMap((example, row) => targetPositions(example, row, 0)),
        part,
        // Its loss is a constant, told once.
        { ...loss, total, weights, unlearned: nth === 0 ? unlearned : 0 },
      ),
    };
  });
}

/** A preference loss of a part's P pairs, whose 2P sequences are the chosen ones and then the rejected ones. */
class PreferenceObjective extends TokenObjective {
  constructor(
    at: readonly Position[],
    readonly pairs: readonly ScoredPair[],
    readonly options: PreferenceLossOptions & {
      /** What the sum of losses is divided by. */
      readonly total: number;
      /** Of all the batch's pairs. */
      readonly weights: number;
      /** Weights of the pairs that are in no part. */
      readonly unlearned: number;
    },
  ) {
    super(at);
  }

  gradient(logProbs: tf.Tensor1D): ReturnType<Objective["gradient"]> {
    const { loss, parameters, total, weights: allWeights, unlearned } = this.options;
    const P = this.pairs.length;
    const labels = this.pairs.map(({ label = 1 }) => label);
    return tf.tidy(() => {
      const rows = tf.tensor1d(this.at.map(({ row }) => row), "int32"); // (M), sequence of each position
      const sums = segmentSum(logProbs, rows, 2 * P) as tf.Tensor1D; // (2P)
      const [policyChosen, policyRejected] = tf.split(sums, 2) as tf.Tensor1D[];
      const referenceChosen = tf.tensor1d(this.pairs.map((p) => p.referenceChosen));
      const referenceRejected = tf.tensor1d(this.pairs.map((p) => p.referenceRejected));
      const fixed = {
        ...{ referenceChosen, referenceRejected },
        chosenTokens: tf.tensor1d(this.pairs.map(({ chosen }) => tokensOf(chosen))),
        rejectedTokens: tf.tensor1d(this.pairs.map(({ rejected }) => tokensOf(rejected))),
        offset: tf.tensor1d(this.pairs.map(({ offset = 0 }) => offset)),
      };
      const weights = tf.tensor1d(this.pairs.map(weightOf));
      const lossOf = (chosen: tf.Tensor, rejected: tf.Tensor) => {
        const logProbs = {
          policyChosen: chosen as tf.Tensor1D,
          policyRejected: rejected as tf.Tensor1D,
          ...fixed,
        };
        const losses = preferenceLoss(logProbs, { loss, parameters, labels });
        return tf.div(tf.sum(tf.mul(losses, weights)), total);
      };
      const { value, grads } = tf.valueAndGrads(lossOf)([policyChosen, policyRejected]);
      const outputGradient = tf.gather(tf.concat(grads), rows); // (M)

      const mean = (x: tf.Tensor) => tf.div(tf.sum(tf.mul(x, weights)), allWeights) as tf.Scalar;
      const perToken = REFERENCE_FREE[loss] === "mean";
      const rewardOf = (policy: tf.Tensor, reference: tf.Tensor, tokens: tf.Tensor) => {
        const compared = perToken ? tf.div(policy, tokens) : tf.sub(policy, reference);
        return tf.mul(compared, parameters.beta);
      };
      const rewardChosen = rewardOf(policyChosen, referenceChosen, fixed.chosenTokens);
      const rewardRejected = rewardOf(policyRejected, referenceRejected, fixed.rejectedTokens);
      return {
        outputGradient,
        metrics: {
          loss: tf.add(
            value,
            tf.mul(unmovedLoss({ loss, parameters }), unlearned / total),
          ) as tf.Scalar,
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
}

/** What a sum over an answer's tokens is divided by: of an answer of which nothing is learned the mean is 0, as the sum. */
const tokensOf = (example: Example) => Math.max(1, learnedTokens(example));

/** The loss of a pair on which policy and reference agree. */
function unmovedLoss(options: PreferenceLossOptions): tf.Scalar {
  const zero = tf.tensor1d([0]);
  const [policyChosen, policyRejected, referenceChosen, referenceRejected] = Array(4).fill(zero);
  const logProbs = { policyChosen, policyRejected, referenceChosen, referenceRejected };
  return tf.sum(preferenceLoss(logProbs, options)) as tf.Scalar;
}

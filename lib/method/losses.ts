/**
 * Preference losses on summed log-probabilities.
 *
 * With h = (log pi(y_w) - log ref(y_w)) - (log pi(y_l) - log ref(y_l)), every loss here is a function of
 * h and beta, and at the start of training, where the policy is the reference, h = 0.
 */
import * as tf from "@tensorflow/tfjs";

/** Summed log-probabilities of P pairs, each (P). */
export interface PairLogProbs {
  policyChosen: tf.Tensor1D;
  policyRejected: tf.Tensor1D;
  referenceChosen: tf.Tensor1D;
  referenceRejected: tf.Tensor1D;
}

/** Numbers of a loss: `beta`, and what a method's `parameters` add, of which any may be missing. */
export interface LossParameters {
  readonly beta: number;
  readonly [parameter: string]: number | undefined;
}

/** A loss of the margin h (P), one value a pair (P). */
type LossOfMargin = (h: tf.Tensor1D, parameters: LossParameters) => tf.Tensor1D;

/** Every loss by name. */
export const PREFERENCE_LOSSES = {
  /** -log sigmoid(beta h); ln 2 at the start. DPO, https://arxiv.org/abs/2305.18290, eq. 7. */
  sigmoid: (h, { beta }) => tf.softplus(tf.mul(h, -beta)) as tf.Tensor1D,
  /** max(0, 1 - beta h); 1 at the start. SLiC-HF as in RSO, https://arxiv.org/abs/2309.06657, eq. 9. */
  hinge: (h, { beta }) => tf.relu(tf.sub(1, tf.mul(h, beta))) as tf.Tensor1D,
  /** (h - 1 / (2 beta))^2. IPO, https://arxiv.org/abs/2310.12036, eq. 17. */
  ipo: (h, { beta }) => tf.square(tf.sub(h, 1 / (2 * beta))) as tf.Tensor1D,
} satisfies Record<string, LossOfMargin>;

/** Name of a preference loss. */
export type PreferenceLoss = keyof typeof PREFERENCE_LOSSES;

/** h of every pair, (P). */
export function margin(logProbs: PairLogProbs): tf.Tensor1D {
  const { policyChosen, policyRejected, referenceChosen, referenceRejected } = logProbs;
  return tf.sub(
    tf.sub(policyChosen, referenceChosen),
    tf.sub(policyRejected, referenceRejected),
  ) as tf.Tensor1D;
}

/**
 * Loss of each pair, (P).
 *
 * A label is the probability that the chosen answer is the better one: the loss is its expectation,
 * p l(h) + (1 - p) l(-h), which is conservative DPO for "sigmoid"
 * (https://ericmitchell.ai/cdpo.pdf, eq. 3) and l(h) itself for a label of 1.
 *
 * @param options.labels One a pair, each in [0, 1]; all 1 where there are none.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { preferenceLoss } from "./losses.ts";
 * const same = tf.tensor1d([-20]);
 * const loss = preferenceLoss(
 *   { policyChosen: same, policyRejected: same, referenceChosen: same, referenceRejected: same },
 *   { loss: "sigmoid", parameters: { beta: 0.1 } },
 * );
 * loss.dataSync()[0]; // 0.6931, ln 2
 * ```
 */
export function preferenceLoss(
  logProbs: PairLogProbs,
  { loss, parameters, labels }: {
    loss: PreferenceLoss;
    parameters: LossParameters;
    labels?: readonly number[];
  },
): tf.Tensor1D {
  return tf.tidy(() => {
    const lossOf: LossOfMargin = PREFERENCE_LOSSES[loss];
    const h = margin(logProbs);
    if (!labels || labels.every((label) => label === 1)) return lossOf(h, parameters);
    const p = tf.tensor1d([...labels]);
    const [better, worse] = [lossOf(h, parameters), lossOf(tf.neg(h), parameters)];
    return tf.add(tf.mul(p, better), tf.mul(tf.sub(1, p), worse)) as tf.Tensor1D;
  });
}

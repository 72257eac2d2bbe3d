/**
 * Preference losses on summed log-probabilities of answers.
 *
 * With w the chosen answer, l the rejected one and r(y) = log pi(y) - log ref(y), most losses here are functions of
 * the margin h = r(w) - r(l), which is 0 at the start of training, where the policy is the reference. "TRL" in a
 * source is the loss of that name in `trl` 1.16, whose values and gradients tests/reference/trl_losses.json holds.
 */
import * as tf from "@tensorflow/tfjs";

/** Summed log-probabilities of P pairs, each (P). */
export interface PairLogProbs {
  policyChosen: tf.Tensor1D;
  policyRejected: tf.Tensor1D;
  referenceChosen: tf.Tensor1D;
  referenceRejected: tf.Tensor1D;
  /** Tokens of each answer, its end token counted. @default 1 */
  chosenTokens?: tf.Tensor1D;
  /** @default 1 */
  rejectedTokens?: tf.Tensor1D;
  /** What the pair's margin has to exceed, in the loss's own unit, see {@linkcode OFFSET_LOSSES}. @default 0 */
  offset?: tf.Tensor1D;
}

/** Numbers of a loss: `beta`, and what a method's `parameters` add, of which any may be missing. */
export interface LossParameters {
  readonly beta: number;
  readonly [parameter: string]: number | undefined;
}

/** What a loss reads of an answer, (P) each: its log-probability under policy and reference, and its tokens. */
interface Answer {
  readonly policy: tf.Tensor;
  readonly reference: tf.Tensor;
  readonly tokens: tf.Tensor;
}

/** A loss of P pairs, one value a pair (P). */
type Loss = (
  w: Answer,
  l: Answer,
  parameters: LossParameters,
  offset: tf.Tensor,
) => tf.Tensor;

/** -log sigmoid(x), without overflow. */
const minusLogSigmoid = (x: tf.Tensor): tf.Tensor => tf.softplus(tf.neg(x));
/** r(y). */
const ratio = ({ policy, reference }: Answer): tf.Tensor => tf.sub(policy, reference);
/** h. */
const marginOf = (w: Answer, l: Answer): tf.Tensor => tf.sub(ratio(w), ratio(l));
/** Mean of a sum over an answer's tokens. */
const perToken = (sum: tf.Tensor, { tokens }: Answer): tf.Tensor => tf.div(sum, tokens);
/** log of the odds of a probability whose logarithm is x < 0. */
const logOdds = (x: tf.Tensor): tf.Tensor =>
  tf.sub(x, tf.log1p(tf.neg(tf.exp(tf.minimum(x, -1e-7)))));

/** Every loss by name. */
export const PREFERENCE_LOSSES = {
  /** -log sigmoid(beta h); ln 2 at the start. DPO, https://arxiv.org/abs/2305.18290, eq. 7. TRL. */
  sigmoid: (w, l, { beta }, offset) =>
    minusLogSigmoid(tf.sub(tf.mul(marginOf(w, l), beta), offset)),
  /** max(0, 1 - beta h); 1 at the start. SLiC-HF as RSO has it, https://arxiv.org/abs/2309.06657, eq. 10. TRL. */
  hinge: (w, l, { beta }) => tf.relu(tf.sub(1, tf.mul(marginOf(w, l), beta))),
  /** (h - 1 / (2 beta))^2. IPO, https://arxiv.org/abs/2310.12036, eq. 17, on sums as written there. */
  ipo: (w, l, { beta }, offset) =>
    tf.square(tf.sub(tf.sub(marginOf(w, l), offset), 1 / (2 * beta))),
  /** IPO on means over tokens, which TRL calls "ipo". */
  ipo_mean: (w, l, { beta }) =>
    tf.square(tf.sub(tf.sub(perToken(ratio(w), w), perToken(ratio(l), l)), 1 / (2 * beta))),
  /** DPO on means over tokens. TRL's "sigmoid_norm". */
  sigmoid_norm: (w, l, { beta }) =>
    minusLogSigmoid(tf.mul(tf.sub(perToken(ratio(w), w), perToken(ratio(l), l)), beta)),
  /** DPO unbiased where labels are flipped with probability e. Robust DPO, https://arxiv.org/abs/2403.00409. TRL. */
  robust: (w, l, { beta, flips: e = 0.1 }) => {
    const x = tf.mul(marginOf(w, l), beta);
    const clean = tf.mul(minusLogSigmoid(x), 1 - e);
    return tf.div(tf.sub(clean, tf.mul(minusLogSigmoid(tf.neg(x)), e)), 1 - 2 * e);
  },
  /** KL of the policy's preference against labels smoothed by e. EXO, https://arxiv.org/abs/2402.00856, eq. 16. TRL. */
  exo_pair: (w, l, { beta, flips: e = 1e-3 }) => {
    const x = tf.mul(marginOf(w, l), beta);
    const term = (y: tf.Tensor, p: number) =>
      tf.mul(tf.sigmoid(y), tf.sub(tf.neg(minusLogSigmoid(y)), Math.log(p)));
    return tf.add(term(x, 1 - e), term(tf.neg(x), e));
  },
  /** Noise-contrastive alignment of two answers, https://arxiv.org/abs/2402.05369. TRL. */
  nca_pair: (w, l, { beta }) => {
    const [rw, rl] = [tf.mul(ratio(w), beta), tf.mul(ratio(l), beta)];
    const away = tf.add(minusLogSigmoid(tf.neg(rw)), minusLogSigmoid(tf.neg(rl)));
    return tf.add(minusLogSigmoid(rw), tf.mul(away, 0.5));
  },
  /** Binary classifier optimisation, https://arxiv.org/abs/2404.04656, without its reward shift. TRL. */
  bco_pair: (w, l, { beta }) =>
    tf.add(
      minusLogSigmoid(tf.mul(ratio(w), beta)),
      minusLogSigmoid(tf.mul(ratio(l), -beta)),
    ),
  /**
   * (r(w) - 1 / (2 beta))^2 + (r(l) + 1 / (2 beta))^2. SPPO, https://arxiv.org/abs/2405.00675, eq. 4.7 with P = 1;
   * TRL's "sppo_hard". Under a label P it is SPPO's loss of both answers and a constant, see relatives/sppo.ts.
   */
  sppo_hard: (w, l, { beta }) =>
    tf.add(
      tf.square(tf.sub(ratio(w), 0.5 / beta)),
      tf.square(tf.add(ratio(l), 0.5 / beta)),
    ),
  /** 1 - sigmoid(beta r(w)) + sigmoid(beta r(l)). APO-zero, https://arxiv.org/abs/2408.06266, eq. 7. TRL. */
  apo_zero: (w, l, { beta }) =>
    tf.add(
      tf.sub(1, tf.sigmoid(tf.mul(ratio(w), beta))),
      tf.sigmoid(tf.mul(ratio(l), beta)),
    ),
  /** sigmoid(beta r(w)) + 1 - sigmoid(beta h). APO-down, eq. 8 there. TRL. */
  apo_down: (w, l, { beta }) =>
    tf.add(
      tf.sigmoid(tf.mul(ratio(w), beta)),
      tf.sub(1, tf.sigmoid(tf.mul(marginOf(w, l), beta))),
    ),
  /** Logistic and exponential loss, mixed by the margin. DiscoPOP, https://arxiv.org/abs/2406.08414, eq. 5. TRL. */
  discopop: (w, l, { beta, tau = 0.05 }) => {
    const x = tf.mul(marginOf(w, l), beta);
    const mixed = tf.sigmoid(tf.div(x, tau));
    return tf.add(
      tf.mul(minusLogSigmoid(x), tf.sub(1, mixed)),
      // Where it would overflow, the mixture has none of it.
      tf.mul(tf.exp(tf.minimum(tf.neg(x), 80)), mixed),
    );
  },
  /**
   * -log sigmoid(beta (mean log pi(w) - mean log pi(l)) - gamma), no reference. SimPO,
   * https://arxiv.org/abs/2405.14734, eq. 6. TRL (experimental CPOTrainer, "simpo").
   */
  simpo: (w, l, { beta, gamma = 0.5 }) => {
    const x = tf.sub(perToken(w.policy, w), perToken(l.policy, l));
    return minusLogSigmoid(tf.sub(tf.mul(x, beta), gamma));
  },
  /**
   * - mean log pi(w) - beta log sigmoid(log odds(w) - log odds(l)), odds of the mean over tokens, no reference. ORPO,
   * https://arxiv.org/abs/2403.07691, eqs. 4 and 6. TRL (experimental ORPOTrainer).
   */
  orpo: (w, l, { beta }) => {
    const [pw, pl] = [perToken(w.policy, w), perToken(l.policy, l)];
    return tf.sub(tf.mul(minusLogSigmoid(tf.sub(logOdds(pw), logOdds(pl))), beta), pw);
  },
  /**
   * -log sigmoid(beta h) - sft x mean log pi(w): DPO that also imitates the chosen answer. RPO,
   * https://arxiv.org/abs/2404.19733, eq. 1. TRL's ["sigmoid", "sft"].
   */
  sigmoid_sft: (w, l, { beta, sft = 1 }) =>
    tf.sub(minusLogSigmoid(tf.mul(marginOf(w, l), beta)), tf.mul(perToken(w.policy, w), sft)),
  /**
   * max(0, delta - log pi(w) + log pi(l)) - lambda log pi(w), no reference. SLiC-HF, https://arxiv.org/abs/2305.10425,
   * eq. 3, regularised towards the chosen answer.
   */
  slic: (w, l, { delta = 1, lambda = 0.05 }) =>
    tf.sub(
      tf.relu(tf.add(tf.sub(l.policy, w.policy), delta)),
      tf.mul(w.policy, lambda),
    ),
  /**
   * weight (1 - sigmoid(beta (r(w) - z))) + (1 - sigmoid(beta (z - r(l)))), z the batch's KL, a constant. KTO on the
   * two answers of a pair, https://arxiv.org/abs/2402.01306, eq. 7. The sum of the two, in a mean over pairs, is twice
   * the loss of TRL's KTOTrainer, a mean over answers; it is not among the values held to TRL's.
   */
  kto: (w, l, { beta, kl = 0, desirable = 1, undesirable = 1 }) =>
    tf.add(
      tf.mul(tf.sub(1, tf.sigmoid(tf.mul(tf.sub(ratio(w), kl), beta))), desirable),
      tf.mul(tf.sub(1, tf.sigmoid(tf.mul(tf.sub(kl, ratio(l)), beta))), undesirable),
    ),
} satisfies Record<string, Loss>;

/** Name of a preference loss. */
export type PreferenceLoss = keyof typeof PREFERENCE_LOSSES;

/**
 * Losses without a reference, and what of an answer's log-probability each compares, its sum or its mean over tokens: an
 * answer's reward is beta times that, as TRL reports it.
 */
export const REFERENCE_FREE: Readonly<Partial<Record<PreferenceLoss, "sum" | "mean">>> = {
  simpo: "mean",
  orpo: "mean",
  slic: "sum",
};

/** Losses that take an offset, see `PairLogProbs.offset`; the others would pass over it. */
export const OFFSET_LOSSES: readonly string[] = ["sigmoid", "ipo"] satisfies PreferenceLoss[];

/**
 * Loss of each pair, (P).
 *
 * A label is the probability that the chosen answer is the better one: the loss is its expectation, p times the loss
 * of the pair and 1 - p times that of the pair turned round, which is conservative DPO for "sigmoid"
 * (https://ericmitchell.ai/cdpo.pdf, eq. 3; TRL's `label_smoothing`) and the loss itself for a label of 1.
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
    const lossOf: Loss = PREFERENCE_LOSSES[loss];
    const { policyChosen, policyRejected, referenceChosen, referenceRejected } = logProbs;
    const one = tf.onesLike(policyChosen);
    const offset = logProbs.offset ?? tf.zerosLike(policyChosen);
    const w = {
      policy: policyChosen,
      reference: referenceChosen,
      tokens: logProbs.chosenTokens ?? one,
    };
    const l = {
      policy: policyRejected,
      reference: referenceRejected,
      tokens: logProbs.rejectedTokens ?? one,
    };
    const better = lossOf(w, l, parameters, offset);
    if (!labels || labels.every((label) => label === 1)) return better as tf.Tensor1D;
    const p = tf.tensor1d([...labels]);
    const worse = lossOf(l, w, parameters, tf.neg(offset));
    return tf.add(tf.mul(p, better), tf.mul(tf.sub(1, p), worse)) as tf.Tensor1D;
  });
}

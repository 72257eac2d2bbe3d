import * as tf from "@tensorflow/tfjs";
import {
  answerExample,
  type Comparison,
  type Example,
  jsftExamples,
  learnedTokens,
  preferenceLoss,
} from "../../method/mod.ts";
import { type LanguageModel, rightPadded, sequenceLogProbs } from "../../model/mod.ts";
import { takeRows } from "../../tensor/mod.ts";
import type { PlaySession } from "./session.ts";

/** A token of an example, and whether its prediction is in the loss. */
export interface MaskedToken {
  readonly text: string;
  readonly learned: boolean;
}

/** One row of a JSFT batch. */
export interface ReadExample {
  readonly kind: Example["kind"];
  readonly tokens: readonly MaskedToken[];
}

/** What a pair becomes in JSFT: the chosen answer to imitate, and one judgment for each position. */
export function jsftBatch(session: PlaySession, pair: number): ReadExample[] {
  const { encoder, templates, pairs } = session;
  const { examples } = jsftExamples([pairs[pair]], { encoder, templates });
  return examples.map(({ kind, ids, from }) => ({
    kind,
    tokens: ids.map((id, i) => ({ text: encoder.tokenizer.decode([id]), learned: i >= from })),
  }));
}

/** A verdict in one position, from the logits on. */
export interface ReadVerdict {
  /** What the judge reads. */
  readonly prompt: readonly string[];
  /** The likeliest next tokens with their logits and probabilities; A and B are among them. */
  readonly next: readonly {
    readonly token: string;
    readonly logit: number;
    readonly probability: number;
  }[];
}

/** How the frozen judge comes to P(A) and P(B) of a comparison, in both positions. */
export async function readVerdict(
  session: PlaySession,
  { prompt, first, second }: Comparison,
): Promise<ReadVerdict[]> {
  const [template] = session.templates;
  const { tokenizer } = session.encoder;
  const read = async (a: string, b: string): Promise<ReadVerdict> => {
    const ids = template.prompt(prompt, a, b);
    const logits = await lastLogits(session.start, ids);
    const highest = Math.max(...logits);
    const total = logits.reduce((sum, x) => sum + Math.exp(x - highest), 0);
    const shown = logits.map((logit, id) => ({
      id,
      token: tokenizer.decode([id]),
      logit,
      probability: Math.exp(logit - highest) / total,
    })).sort((a, b) => b.logit - a.logit);
    const next = shown.filter(({ id }, rank) => rank < 4 || template.labelIds.includes(id));
    return { prompt: ids.map((id) => tokenizer.decode([id])), next };
  };
  return [await read(first, second), await read(second, first)];
}

/** Logits of the token after a sequence. */
async function lastLogits(model: LanguageModel, ids: readonly number[]): Promise<number[]> {
  const batch = rightPadded([ids], 0);
  const logits = tf.tidy(() =>
    model.logits(takeRows(model.hidden(batch), tf.tensor1d([ids.length - 1], "int32")))
  );
  batch.mask?.dispose();
  const values = await logits.data();
  logits.dispose();
  return [...values];
}

/** Log-probabilities of an answer, summed over its tokens. */
export interface ReadAnswer {
  readonly tokens: number;
  readonly policy: number;
  readonly reference: number;
}

/** The DPO loss of one pair, and where its gradient points. */
export interface ReadLoss {
  readonly chosen: ReadAnswer;
  readonly rejected: ReadAnswer;
  /** h, how much more the policy prefers the chosen answer than the reference does. */
  readonly margin: number;
  readonly loss: number;
  /** Gradients of the loss with respect to the policy's two log-probabilities. */
  readonly gradientChosen: number;
  readonly gradientRejected: number;
}

/** The DPO loss of a pair of answers under the policy as it is now. */
export async function readLoss(
  session: PlaySession,
  { prompt, chosen, rejected, beta }: Pick<Comparison, "prompt"> & {
    chosen: string;
    rejected: string;
    beta: number;
  },
): Promise<ReadLoss> {
  const examples = [chosen, rejected].map((answer) =>
    answerExample({ prompt, answer, pair: "the page's" }, session.encoder)!.example
  );
  const policy = await sequenceLogProbs(session.policy, examples);
  const reference = await session.reference((model) => sequenceLogProbs(model, examples));
  const [read, gradients] = tf.tidy(() => {
    const [referenceChosen, referenceRejected] = reference.map((sum) => tf.tensor1d([sum]));
    const lossOf = (policyChosen: tf.Tensor, policyRejected: tf.Tensor) =>
      tf.sum(preferenceLoss({
        policyChosen: policyChosen as tf.Tensor1D,
        policyRejected: policyRejected as tf.Tensor1D,
        referenceChosen,
        referenceRejected,
      }, { loss: "sigmoid", parameters: { beta } }));
    const { value, grads } = tf.valueAndGrads(lossOf)(policy.map((sum) => tf.tensor1d([sum])));
    return [tf.keep(value), grads.map((gradient) => tf.keep(gradient))] as const;
  });
  const [[loss], [gradientChosen], [gradientRejected]] = await Promise.all(
    [read, ...gradients].map(async (tensor) => await tensor.data()),
  );
  tf.dispose([read, ...gradients]);
  const answer = (i: number): ReadAnswer => ({
    tokens: learnedTokens(examples[i]),
    policy: policy[i],
    reference: reference[i],
  });
  const [one, other] = [answer(0), answer(1)];
  const margin = one.policy - one.reference - (other.policy - other.reference);
  return { chosen: one, rejected: other, margin, loss, gradientChosen, gradientRejected };
}

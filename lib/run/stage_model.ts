import {
  type JudgmentStore,
  modelScorer,
  sampleAnswers,
  type SampledAnswer,
  type TokenScorer,
} from "../method/mod.ts";
import { modelFingerprint, type WithModel } from "../model/mod.ts";

/** How answers are asked of a {@linkcode StageModel}. */
export type AnswerRequest = Parameters<typeof sampleAnswers>[2];

/** A model that a stage left, to be asked: it answers, and it scores a judge's labels. Where it runs is left open. */
export interface StageModel {
  /** Answers to prompts' token ids, as `sampleAnswers` gives them. */
  sample(
    prompts: readonly (readonly number[])[],
    request: AnswerRequest,
  ): Promise<SampledAnswer[][]>;
  /** @param store Where a judge keeps what it is told; a scorer may put each answer there as it comes. */
  scorer(store?: JudgmentStore): TokenScorer;
  /** Changes whenever what the model says does. */
  fingerprint(): Promise<string>;
}

/**
 * A model in this process, as it is when it is asked.
 *
 * @param options.batchTokens Tokens of judge prompts run through it at once.
 */
export function modelHere(
  under: WithModel,
  { batchTokens }: { batchTokens: number },
): StageModel {
  return {
    sample: (prompts, request) => under((model) => sampleAnswers(model, prompts, request)),
    scorer: () => modelScorer(under, { batchTokens }),
    fingerprint: () => under(modelFingerprint),
  };
}

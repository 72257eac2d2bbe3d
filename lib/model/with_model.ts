import type { LanguageModel } from "./language_model.ts";

/**
 * Runs work on the model as it was before training: the reference of a preference loss, and the judge.
 *
 * @example
 * ```ts
 * const frozen = frozenBy(model); // LoRA: the same weights with the adapter off
 * const reference = await frozen((m) => sequenceLogProbs(m, sequences));
 * ```
 */
export type WithModel = <T>(work: (model: LanguageModel) => Promise<T>) => Promise<T>;

/**
 * How to reach the frozen model: under LoRA it is the model itself with the adapter off; under full
 * fine-tuning pass the second copy that this needs.
 */
export function frozenBy(model: LanguageModel, copy?: LanguageModel): WithModel {
  return copy ? (work) => work(copy) : (work) => model.withoutAdapter(() => work(model));
}

import type { LanguageModel } from "./language_model.ts";

/** Runs work on one model: the policy, the reference of a preference loss, or a judge. */
export type WithModel = <T>(work: (model: LanguageModel) => Promise<T>) => Promise<T>;

/** The model as it is, adapter in use included. */
export function withModel(model: LanguageModel): WithModel {
  return (work) => work(model);
}

/**
 * The model with its adapter off while the work runs: under LoRA that is the model before training, which
 * is both the reference and the judge, and needs no second copy.
 *
 * @example
 * ```ts
 * const reference = await withAdapterOff(model)((m) => sequenceLogProbs(m, sequences));
 * ```
 */
export function withAdapterOff(model: LanguageModel): WithModel {
  return (work) => model.withoutAdapter(() => work(model));
}

import { type LanguageModel, sequenceLogProbs } from "../model/mod.ts";
import type { Grade, GradedAnswer } from "./pointwise.ts";

/**
 * Grades answers by the reward that DPO training leaves implicit in a policy: beta times how much likelier
 * the answer is with the adapter than without (Rafailov et al. 2023, equation 5).
 *
 * @param encode The answer after its prompt as token ids, and where the answer begins.
 * @param options.batchTokens Tokens run through the model at once. @default 2048
 */
export function implicitGrade(
  model: LanguageModel,
  encode: (answer: GradedAnswer) => { readonly ids: readonly number[]; readonly from: number },
  { beta, batchTokens = 2048 }: { beta: number; batchTokens?: number },
): Grade {
  return async (answers) => {
    const sequences = answers.map(encode);
    const policy = await sequenceLogProbs(model, sequences, { batchTokens });
    const reference = await model.withoutAdapter(() =>
      sequenceLogProbs(model, sequences, { batchTokens })
    );
    return policy.map((value, i) => beta * (value - reference[i]));
  };
}

import { UserError } from "../base/error.ts";
import type { TokenScorer } from "../method/mod.ts";
import type { ListTemplate } from "./grade_template.ts";
import type { Grade } from "./pointwise.ts";

/**
 * Grades answers by a language model: the mean of the labels' numbers 1, 2, ... under its next-token
 * probabilities, so that a grade between two labels can be told (as in G-Eval, Liu et al. 2023, equation 1).
 *
 * @param options.template Labels from worst to best; one answer a prompt.
 * @throws {UserError} When called, if the model gives no label any probability.
 */
export function modelGrade(
  { scorer, template }: { readonly scorer: TokenScorer; readonly template: ListTemplate },
): Grade {
  return async (questions) => {
    const prompts = questions.map(({ prompt, answer }) => template.prompt(prompt, [answer]));
    const rows = await scorer.probabilities(prompts, template.labelIds);
    return rows.map((row, i) => {
      const labelProbability = row.reduce((sum, p) => sum + p, 0);
      if (!(labelProbability > 0)) {
        throw new UserError(
          `the model gives no grade any probability for answer ${i} of ${rows.length}`,
          "check the checkpoint, or choose labels that it would write",
        );
      }
      return row.reduce((sum, p, label) => sum + p * (label + 1), 0) / labelProbability;
    });
  };
}

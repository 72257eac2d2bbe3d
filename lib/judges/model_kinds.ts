import { UserError } from "../base/error.ts";
import type { TokenScorer } from "../method/judge.ts";
import { countBallots, LEAST_MASS, type Seats } from "../method/judgment.ts";
import type { Grade, Judge } from "./kinds.ts";
import type { ListTemplate } from "./grade_template.ts";
import type { Ranking } from "../measure/round_robin.ts";
import type { Contest } from "../method/tournament.ts";

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
      const mass = row.reduce((sum, p) => sum + p, 0);
      if (!(mass > 0)) {
        throw new UserError(
          `the model gives no grade any probability for answer ${i} of ${rows.length}`,
          "check the checkpoint, or choose labels that it would write",
        );
      }
      return row.reduce((sum, p, label) => sum + p * (label + 1), 0) / mass;
    });
  };
}

/**
 * A language model that sees all candidates in one prompt and names the best by a letter. A candidate's score is
 * the probability of its letter, mean over the N rotations of the list, so that every candidate sits in every
 * seat once (one token ranks the whole list, as in FIRST, https://arxiv.org/abs/2406.15657).
 *
 * A comparison is a list of two in both orders, each read as it is, so that seats show.
 *
 * @throws {UserError} When called with more candidates than the template has labels.
 */
export function modelListJudge(
  name: string,
  { scorer, template }: { readonly scorer: TokenScorer; readonly template: ListTemplate },
): Judge {
  const seen = (prompt: Contest["prompt"], candidates: readonly string[]) => {
    if (candidates.length > template.labelIds.length) {
      throw new UserError(
        `the list judge "${name}" has ${template.labelIds.length} labels for ${candidates.length} candidates`,
        "give it more labels, or fewer answers at once",
      );
    }
    return template.prompt(prompt, candidates);
  };
  return {
    name,
    kind: "listwise",
    compare: async (comparisons) => {
      const prompts = comparisons.flatMap(({ prompt, first, second }) => [
        seen(prompt, [first, second]),
        seen(prompt, [second, first]),
      ]);
      const rows = await scorer.probabilities(prompts, template.labelIds.slice(0, 2));
      const seats = ([a, b]: readonly number[]): Seats => ({ a, b });
      return comparisons.map((_, i) =>
        countBallots([{
          principle: "list",
          forward: seats(rows[2 * i]),
          backward: seats(rows[2 * i + 1]),
        }], { leastMass: LEAST_MASS })
      );
    },
    rank: async (contests) => {
      const asked = contests.flatMap(({ prompt, candidates }, contest) =>
        candidates.map((_, by) => ({
          contest,
          by,
          prompt: seen(prompt, [...candidates.slice(by), ...candidates.slice(0, by)]),
        }))
      );
      const rows = await scorer.probabilities(
        asked.map(({ prompt }) => prompt),
        template.labelIds,
      );
      const scores = contests.map(({ candidates }) => candidates.map(() => 0));
      asked.forEach(({ contest, by }, i) => {
        const { length } = scores[contest];
        for (let seat = 0; seat < length; seat++) {
          scores[contest][(seat + by) % length] += rows[i][seat] / length;
        }
      });
      return scores.map((list): Ranking => ({
        scores: list,
        order: list.map((_, i) => i).sort((a, b) => list[b] - list[a] || a - b),
      }));
    },
  };
}

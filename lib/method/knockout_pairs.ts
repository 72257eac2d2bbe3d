import { UserError } from "../base/error.ts";
import { judgedPair } from "./judged_pair.ts";
import type { Verdict } from "./judgment.ts";
import type { Method, Pairing } from "./method.ts";
import { type Match, tournaments } from "./tournament.ts";

/** Of two equal texts there is no verdict. */
const SAME: Verdict = {
  ...{ answered: false, winner: "tie", pFirst: 0.5, consistent: true, votes: [] },
};

/** Pairs of some of a knockout's matches. */
const knockout =
  (learned: (matches: readonly Match[]) => readonly Match[]): Pairing =>
  async (candidates, tools) => {
    const contests = candidates.map(({ pair, answers }) => ({
      prompt: pair.prompt,
      candidates: answers.map(({ text }) => text),
    }));
    const brackets = await tournaments(contests, {
      compare: tools.compare,
      rng: tools.rng("order"),
      ties: tools.undecided === "second" ? "second" : "first",
    });
    return brackets.flatMap(({ matches }, i) =>
      learned(matches).flatMap(({ first, second, judgment: verdict = SAME }) => {
        const { pair: prompt, answers } = candidates[i];
        const judged = { prompt, first: answers[first], second: answers[second], verdict };
        return judgedPair(judged, tools) ?? [];
      })
    );
  };

/**
 * The final of a knockout among the answers to a prompt, which with two answers is the one comparison: the winner is
 * the chosen answer (SELF-JUDGE, section 3.2). A pair that the ranker does not decide is left out, unless the method
 * learns from ties or the settings give it to the second answer.
 *
 * So is a final of two equal texts, on which there is no verdict, although the winner is known. With RAFT and the
 * distillation of the best of N, which imitate the winner alone, that has a price: a prompt whose finalists are one text
 * teaches nothing. An answer that is likely enough to be drawn twice is such a text more often than others, so that the
 * policy is held back from its own most likely answers, the more so the surer it becomes.
 */
export const knockoutFinal: Pairing = knockout((matches) => matches.slice(-1));

/** Every match of that knockout, its winner chosen: N - 1 pairs of N answers at most. */
export const knockoutMatches: Pairing = knockout((matches) => matches);

/**
 * The data set's two answers, the chosen one first. A soft label is the data set's own probability that it is the better
 * one, (1 + strength) / 2; 1 where it says none.
 */
export const labelledPairs: Pairing = (candidates, { method }) =>
  Promise.resolve(
    candidates.map(({ pair, answers: [chosen, rejected] }) => ({
      ...{ prompt: pair, chosen, rejected },
      ...(method.labels === "soft" && "strength" in pair && pair.strength !== undefined
        ? { label: (1 + pair.strength) / 2 }
        : {}),
    })),
  );

/**
 * Refuses soft labels of a data set that has none: every label would be 1, and the run one of hard labels under another
 * name.
 *
 * @returns how many pairs have none, whose label counts as 1; 0 for a method that asks for none
 * @throws {UserError} where the data set's labels rank, softly, and no pair has a strength
 */
export function refuseWithoutStrengths(
  { ranker, labels }: Pick<Method, "ranker" | "labels">,
  pairs: readonly object[],
): number {
  if (ranker !== "labels" || labels !== "soft") return 0;
  const without = pairs.filter((pair) => !("strength" in pair) || pair.strength === undefined);
  if (without.length < pairs.length) return without.length;
  throw new UserError(
    'the method learns from the data set\'s label probabilities, and no pair has one (its "strength")',
    "take the method offline-dpo, whose labels are hard, or label the pairs with deno task annotate",
  );
}

import type { Rng } from "../base/random.ts";
import { type Bracket, type Compare, credit, tournaments } from "../method/mod.ts";
import type { Turn } from "../text/mod.ts";

/** A prompt and a policy's answers to it. */
export interface AnsweredPrompt<Answer extends { readonly text: string }> {
  readonly prompt: readonly Turn[];
  readonly answers: readonly Answer[];
}

/** Answers chosen by knockouts, one a prompt, and how each does against another single answer. */
export interface ChosenAnswers<Answer> {
  readonly brackets: readonly Bracket[];
  readonly chosen: readonly Answer[];
  /** Credit of the judge's verdict against the opponent: 1, 0, or a half. */
  readonly credits: readonly number[];
  /** J(chosen, opponent); a half where the two are the same text. */
  readonly preferences: readonly number[];
}

/**
 * Self-rejection and its measure: the answers to each prompt play a knockout, and the winner is set against one
 * other answer. Two equal texts need no judge.
 *
 * @param options.compare Judge of the knockout.
 * @param options.own Judge that sets winners against opponents.
 * @param options.opponents One other answer to each prompt.
 * @param options.rng Draws the brackets.
 */
export async function chosenByKnockout<Answer extends { readonly text: string }>(
  answered: readonly AnsweredPrompt<Answer>[],
  { compare, own, opponents, rng }: {
    compare: Compare;
    own: Compare;
    opponents: readonly string[];
    rng: Rng;
  },
): Promise<ChosenAnswers<Answer>> {
  const brackets = await tournaments(
    answered.map(({ prompt, answers }) => ({
      prompt,
      candidates: answers.map(({ text }) => text),
    })),
    { compare, rng },
  );
  const chosen = brackets.map(({ winner }, i) => answered[i].answers[winner]);
  const different = chosen.map((_, i) => i).filter((i) => chosen[i].text !== opponents[i]);
  const judgments = await own(different.map((i) => ({
    prompt: answered[i].prompt,
    first: chosen[i].text,
    second: opponents[i],
  })));
  const credits = chosen.map(() => 0.5);
  const preferences = chosen.map(() => 0.5);
  different.forEach((i, j) => {
    credits[i] = credit(judgments[j]);
    preferences[i] = judgments[j].pFirst;
  });
  return { brackets, chosen, credits, preferences };
}

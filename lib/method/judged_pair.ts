import type { Answer, LoopPrompt } from "./candidates.ts";
import { chosenSide, type Verdict } from "./judgment.ts";
import type { FormedPair, PairTools } from "./method.ts";

/** Two answers to a prompt, and what a ranker says of them. */
export interface JudgedAnswers {
  readonly prompt: LoopPrompt;
  readonly first: Answer;
  readonly second: Answer;
  readonly verdict: Verdict;
}

/**
 * The pair that a verdict makes of two answers; null where it decides nothing, unless the method learns from ties or the
 * settings give such a pair to the second answer. The one rule of every method that learns from a winner. It is the
 * verdict's, which J need not name where principles or judges vote. Methods that learn from J itself (SPPO, OSP, the
 * policy gradients) choose nobody.
 */
export function judgedPair(
  { prompt, first, second, verdict }: JudgedAnswers,
  { method, undecided }: Pick<PairTools, "method" | "undecided">,
): FormedPair | null {
  const { pFirst, consistent, winner, answered } = verdict;
  const half = method.ties === "half" && winner === "tie";
  const side = chosenSide(verdict, undecided) ?? (half && answered ? "first" : null);
  if (side === null) return null;
  const preference = side === "first" ? pFirst : 1 - pFirst;
  const [chosen, rejected] = side === "first" ? [first, second] : [second, first];
  return {
    ...{ prompt, chosen, rejected },
    label: half ? 0.5 : method.labels === "soft" ? preference : 1,
    verdict: { preference, consistent },
  };
}

import { characters } from "../base/characters.ts";
import type { Rng } from "../base/random.ts";
import {
  combineScores,
  type Compare,
  type Comparison,
  type Judgment,
  type LabelProbabilities,
  larger,
  type Winner,
} from "../method/judgment.ts";

const POSITION_A: LabelProbabilities = { a: 1, b: 0 };
const POSITION_B: LabelProbabilities = { a: 0, b: 1 };
const NEITHER: LabelProbabilities = { a: 0.5, b: 0.5 };

/**
 * A judge that prefers the answer with the larger score: a known reward, or a bias on purpose.
 *
 * @example
 * ```ts
 * import { byScore } from "./baseline_judges.ts";
 * const politer = byScore(({ answer }) => answer.startsWith("Please") ? 1 : 0);
 * ```
 */
export function byScore(
  score: (question: { prompt: Comparison["prompt"]; answer: string }) => number,
): Compare {
  return judgeWith(({ prompt, first, second }) => {
    const winner = larger(score({ prompt, answer: first }), score({ prompt, answer: second }));
    if (winner === "tie") return { forward: NEITHER, backward: NEITHER };
    return winner === "first"
      ? { forward: POSITION_A, backward: POSITION_B }
      : { forward: POSITION_B, backward: POSITION_A };
  });
}

/** Prefers the answer with more characters: what a length bias alone would score. */
export const longerWins: Compare = byScore(({ answer }) => characters(answer));

/** Always names the first position, whichever answer is there: what a position bias alone would score. */
export const firstPosition: Compare = judgeWith(() => ({
  forward: POSITION_A,
  backward: POSITION_A,
}));

/** Names a position at random, in each order independently. */
export function randomJudge(rng: Rng): Compare {
  const positions = (): LabelProbabilities => {
    const a = rng.uniform();
    return { a, b: 1 - a };
  };
  return judgeWith(() => ({ forward: positions(), backward: positions() }));
}

/** Names the opposite of what another judge names. */
export function inverted(compare: Compare): Compare {
  const swap = ({ a, b }: LabelProbabilities): LabelProbabilities => ({ a: b, b: a });
  const other = (winner: Winner): Winner =>
    winner === "tie" ? "tie" : winner === "first" ? "second" : "first";
  return async (comparisons) =>
    (await compare(comparisons)).map((judgment): Judgment => ({
      ...judgment,
      ...{ forward: swap(judgment.forward), backward: swap(judgment.backward) },
      ...{ pFirst: 1 - judgment.pFirst, winner: other(judgment.winner) },
      votes: judgment.votes.map((vote) => ({
        ...vote,
        ...{ forward: swap(vote.forward), backward: swap(vote.backward) },
        ...{ scoreFirst: vote.scoreSecond, scoreSecond: vote.scoreFirst },
        winner: other(vote.winner),
      })),
    }));
}

function judgeWith(
  positions: (
    comparison: Comparison,
  ) => { forward: LabelProbabilities; backward: LabelProbabilities },
): Compare {
  return (comparisons) =>
    Promise.resolve(
      comparisons.map((comparison) =>
        combineScores([{ principle: "overall", ...positions(comparison) }])
      ),
    );
}

import { characters } from "../base/characters.ts";
import type { Rng } from "../base/random.ts";
import {
  type Ballot,
  type Compare,
  type Comparison,
  countBallots,
  type Judgment,
  larger,
  type Seats,
} from "../method/judgment.ts";

const SEAT_A: Seats = { a: 1, b: 0 };
const SEAT_B: Seats = { a: 0, b: 1 };
const NEITHER: Seats = { a: 0.5, b: 0.5 };

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
      ? { forward: SEAT_A, backward: SEAT_B }
      : { forward: SEAT_B, backward: SEAT_A };
  });
}

/** Prefers the answer with more characters: what a length bias alone would score. */
export const longerWins: Compare = byScore(({ answer }) => characters(answer));

/** Always names the first seat, whoever sits there: what a position bias alone would score. */
export const firstSeat: Compare = judgeWith(() => ({ forward: SEAT_A, backward: SEAT_A }));

/** Names a seat by a seeded coin, each order for itself. */
export function randomJudge(rng: Rng): Compare {
  const seats = (): Seats => {
    const a = rng.uniform();
    return { a, b: 1 - a };
  };
  return judgeWith(() => ({ forward: seats(), backward: seats() }));
}

/** Says the opposite of another judge. */
export function inverted(compare: Compare): Compare {
  const swap = ({ a, b }: Seats): Seats => ({ a: b, b: a });
  return async (comparisons) =>
    (await compare(comparisons)).map((judgment): Judgment => ({
      ...countBallots(judgment.votes.map(({ principle, forward, backward }): Ballot => ({
        principle,
        forward: swap(forward),
        backward: swap(backward),
      }))),
      answered: judgment.answered,
      ...(judgment.recorded && { recorded: judgment.recorded }),
    }));
}

function judgeWith(
  seats: (comparison: Comparison) => { forward: Seats; backward: Seats },
): Compare {
  return (comparisons) =>
    Promise.resolve(
      comparisons.map((comparison) =>
        countBallots([{ principle: "overall", ...seats(comparison) }])
      ),
    );
}

import type { Turn } from "../text/chat.ts";

/** Two answers to one prompt, to be compared. */
export interface Comparison {
  readonly prompt: readonly Turn[];
  readonly first: string;
  readonly second: string;
}

/** Who a comparison names as better. */
export type Winner = "first" | "second" | "tie";

/** Probabilities of the two labels as the next token: `a` for the first seat, `b` for the second. */
export interface Seats {
  readonly a: number;
  readonly b: number;
}

/** One principle's probabilities in both orders; in `backward`, `second` sits in the first seat. */
export interface Ballot {
  readonly principle: string;
  readonly forward: Seats;
  readonly backward: Seats;
}

/** A ballot counted. */
export interface Vote extends Ballot {
  /** (P1(A) + P2(B)) / 2, in [0, 1]. */
  readonly scoreFirst: number;
  /** (P1(B) + P2(A)) / 2, in [0, 1]. */
  readonly scoreSecond: number;
  readonly winner: Winner;
}

/** What a judge says of one comparison. */
export interface Judgment {
  /** J(first, second) = score of first / (score of first + score of second), in [0, 1]. */
  readonly pFirst: number;
  /** Probabilities of the labels with `first` in the first seat, mean over the principles. */
  readonly forward: Seats;
  /** The same with `second` in the first seat. */
  readonly backward: Seats;
  /** P(A) + P(B), mean over orders and principles: how much of the judge's answer is a verdict. */
  readonly mass: number;
  readonly winner: Winner;
  /** Whether the two orders name the same winner. */
  readonly consistent: boolean;
  /** False when `mass` is below the judge's threshold: then the winner rests on next to nothing. */
  readonly answered: boolean;
  readonly votes: readonly Vote[];
  /**
   * Set on a verdict that was taken down in one order only: the order it was asked in, or that this is
   * not known. The other order then only mirrors it, `consistent` and `mass` say nothing, and a report
   * leaves them out.
   */
  readonly recorded?: "forward" | "backward" | "unknown";
}

/** Judges comparisons, one judgment each, in the same order. */
export type Compare = (comparisons: readonly Comparison[]) => Promise<Judgment[]>;

/** Below this share of the next token's probability on the two labels, a judge has not answered. */
export const LEAST_MASS = 0.01;

/**
 * Counts the ballots of one comparison: each principle votes for the answer with the larger score,
 * the majority wins, and an equal vote goes by the mean score (SELF-JUDGE, section on principles).
 *
 * @example
 * ```ts
 * import { countBallots } from "./judgment.ts";
 * const [forward, backward] = [{ a: 0.6, b: 0.3 }, { a: 0.2, b: 0.7 }];
 * countBallots([{ principle: "overall", forward, backward }]).winner; // "first": 0.65 to 0.25
 * ```
 */
export function countBallots(
  ballots: readonly Ballot[],
  options: { readonly leastMass?: number } = {},
): Judgment {
  const votes = ballots.map((ballot): Vote => {
    const scoreFirst = (ballot.forward.a + ballot.backward.b) / 2;
    const scoreSecond = (ballot.forward.b + ballot.backward.a) / 2;
    return { ...ballot, scoreFirst, scoreSecond, winner: larger(scoreFirst, scoreSecond) };
  });
  const mean = (value: (vote: Vote) => number) =>
    votes.reduce((sum, vote) => sum + value(vote), 0) / votes.length;
  const forward = { a: mean((vote) => vote.forward.a), b: mean((vote) => vote.forward.b) };
  const backward = { a: mean((vote) => vote.backward.a), b: mean((vote) => vote.backward.b) };
  const scoreFirst = mean((vote) => vote.scoreFirst);
  const scoreSecond = mean((vote) => vote.scoreSecond);
  const ballotsFor = (winner: Winner) => votes.filter((vote) => vote.winner === winner).length;
  const majority = larger(ballotsFor("first"), ballotsFor("second"));
  // Both sums run in an order that a swap of the answers keeps, so a mirrored judgment is exact.
  const mass = scoreFirst + scoreSecond;
  return {
    pFirst: mass > 0 ? scoreFirst / mass : 0.5,
    forward,
    backward,
    mass,
    winner: majority === "tie" ? larger(scoreFirst, scoreSecond) : majority,
    consistent: larger(forward.a, forward.b) === larger(backward.b, backward.a),
    answered: mass >= (options.leastMass ?? LEAST_MASS),
    votes,
  };
}

/** The verdict of one order taken alone, seats given back to the answers that sat in them. */
export function larger(first: number, second: number): Winner {
  return first > second ? "first" : second > first ? "second" : "tie";
}

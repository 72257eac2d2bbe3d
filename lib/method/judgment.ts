import type { Pair } from "../preference/mod.ts";
import type { Turn } from "../text/chat.ts";

/** Two answers to one prompt, to be compared. */
export interface Comparison {
  readonly prompt: readonly Turn[];
  readonly first: string;
  readonly second: string;
  /** The principle to compare them by; a judge that knows it asks by no other. @default all that the judge has */
  readonly principle?: string;
}

/** A labelled pair as a comparison: the chosen answer is the first. */
export function pairComparison(
  { prompt, chosen, rejected, principle }: Omit<Pair, "id">,
): Comparison {
  return { prompt, first: chosen, second: rejected, ...(principle && { principle }) };
}

/** Who a comparison names as better. */
export type Winner = "first" | "second" | "tie";

/** Probabilities of the two labels as the next token: `a` for the first position, `b` for the second. */
export interface LabelProbabilities {
  readonly a: number;
  readonly b: number;
}

/** One principle's label probabilities in both positions; in `backward`, `second` comes first. */
export interface PrincipleScores {
  readonly principle: string;
  readonly forward: LabelProbabilities;
  readonly backward: LabelProbabilities;
  /** Whom it names, where its scores may say otherwise: a judge of several principles, on a panel. @default the larger score's */
  readonly winner?: Winner;
}

/** The verdict of one principle. */
export interface PrincipleVerdict extends PrincipleScores {
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
  /** Probabilities of the labels with `first` in the first position, mean over the principles. */
  readonly forward: LabelProbabilities;
  /** The same with `second` in the first position. */
  readonly backward: LabelProbabilities;
  /** P(A) + P(B), mean over positions and principles: how much of the judge's answer is a verdict. */
  readonly labelProbability: number;
  readonly winner: Winner;
  /** Whether both positions name the same winner; of several principles by their mean, whatever their votes. */
  readonly consistent: boolean;
  /** False when `labelProbability` is below the judge's threshold: then the winner rests on next to nothing. */
  readonly answered: boolean;
  readonly votes: readonly PrincipleVerdict[];
  /** Set on a panel's verdict: its winner stands, and is not to be counted again from the scores of its votes. */
  readonly panel?: true;
  /**
   * Set on a verdict that was recorded in one position only: the position it was asked in, or that this is
   * not known. The other position then only mirrors it, `consistent` and `labelProbability` say nothing, and a report
   * leaves them out.
   */
  readonly recorded?: "forward" | "backward" | "unknown";
}

/** Judges comparisons, one judgment each, in the same order. */
export type Compare = (comparisons: readonly Comparison[]) => Promise<Judgment[]>;

/** Who compares answers, under the name that tables and figures give it. */
export interface Judge {
  readonly name: string;
  readonly compare: Compare;
  /** Whether it can say anything of a comparison; left out by judges that always can. */
  readonly covers?: (comparison: Comparison) => boolean;
  /**
   * Sequences that comparisons put to a model: a judge's prompts, or dialogues to be graded. What the judge remembers is
   * counted too, so that a resumed run counts as an unbroken one. @default none, it asks no model
   */
  readonly promptsFor?: (comparisons: readonly Comparison[]) => number;
  /** Files that it took its verdicts from: as labels they would be its own. */
  readonly sources?: readonly string[];
}

/** Below this share of the next token's probability on the two labels, a judge has not answered. */
export const LEAST_LABEL_PROBABILITY = 0.01;

/**
 * Counts the scores of one comparison: each principle votes for the answer with the larger score,
 * the majority wins, and an equal vote goes by the mean score (SELF-JUDGE, section on principles).
 *
 * @example
 * ```ts
 * import { combineScores } from "./judgment.ts";
 * const [forward, backward] = [{ a: 0.6, b: 0.3 }, { a: 0.2, b: 0.7 }];
 * combineScores([{ principle: "overall", forward, backward }]).winner; // "first": 0.65 to 0.25
 * ```
 */
export function combineScores(
  scores: readonly PrincipleScores[],
  options: { readonly leastLabelProbability?: number } = {},
): Judgment {
  const votes = scores.map((scored): PrincipleVerdict => {
    const scoreFirst = (scored.forward.a + scored.backward.b) / 2;
    const scoreSecond = (scored.forward.b + scored.backward.a) / 2;
    const winner = scored.winner ?? larger(scoreFirst, scoreSecond);
    return { ...scored, scoreFirst, scoreSecond, winner };
  });
  const mean = (value: (vote: PrincipleVerdict) => number) =>
    votes.reduce((sum, vote) => sum + value(vote), 0) / votes.length;
  const forward = { a: mean((vote) => vote.forward.a), b: mean((vote) => vote.forward.b) };
  const backward = { a: mean((vote) => vote.backward.a), b: mean((vote) => vote.backward.b) };
  const scoreFirst = mean((vote) => vote.scoreFirst);
  const scoreSecond = mean((vote) => vote.scoreSecond);
  const votesFor = (winner: Winner) => votes.filter((vote) => vote.winner === winner).length;
  const majority = larger(votesFor("first"), votesFor("second"));
  // Both sums run in an order that a swap of the answers keeps, so a mirrored judgment is exact.
  const labelProbability = scoreFirst + scoreSecond;
  return {
    pFirst: labelProbability > 0 ? scoreFirst / labelProbability : 0.5,
    forward,
    backward,
    labelProbability,
    winner: majority === "tie" ? larger(scoreFirst, scoreSecond) : majority,
    consistent: larger(forward.a, forward.b) === larger(backward.b, backward.a),
    answered: labelProbability >= (options.leastLabelProbability ?? LEAST_LABEL_PROBABILITY),
    votes,
  };
}

/**
 * The winner where nothing may stay undecided, as the authors count it (utils.py `get_batch_judgments`): a principle
 * that does not prefer the first answer speaks for the second, and so does an equal mean; compared in float32.
 *
 * @example
 * ```ts
 * import { combineScores, firstOrSecond } from "./judgment.ts";
 * const same = { a: 0.5, b: 0.5 };
 * firstOrSecond(combineScores([{ principle: "overall", forward: same, backward: same }])); // "second"
 * ```
 */
export function firstOrSecond(
  { votes, winner, panel }: Pick<Judgment, "votes" | "winner" | "panel">,
): "first" | "second" {
  if (votes.length === 0 || panel) return winner === "first" ? "first" : "second";
  const scores = votes.map(({ scoreFirst, scoreSecond }) =>
    [scoreFirst, scoreSecond].map(Math.fround)
  );
  const wins = scores.filter(([first, second]) => first > second).length;
  if (wins * 2 !== votes.length) return wins * 2 > votes.length ? "first" : "second";
  const [first, second] = [0, 1].map((side) =>
    scores.reduce((sum, score) => Math.fround(sum + score[side]), 0)
  );
  return first > second ? "first" : "second";
}

/** What of a judgment decides between the two answers. */
export type Verdict = Pick<
  Judgment,
  "pFirst" | "winner" | "consistent" | "answered" | "votes" | "panel"
>;

/**
 * The answer that a verdict chooses; null where it decides nothing, a tie or a pair left unanswered. Where such a pair is
 * not to stay undecided ("second"), the choice is the authors', by the scores however small: {@linkcode firstOrSecond}.
 */
export function chosenSide(
  verdict: Omit<Verdict, "pFirst" | "consistent">,
  undecided: "skip" | "second" = "skip",
): "first" | "second" | null {
  if (undecided === "second") return firstOrSecond(verdict);
  return verdict.answered && verdict.winner !== "tie" ? verdict.winner : null;
}

/**
 * The credit of a verdict to one of the two answers: 1 if that one wins, 0 if the other does, a half for a tie and
 * for a pair that the judge left unanswered. The one rule wherever right and wrong are counted; what a rate of it
 * rests on is told by the share of pairs answered, which stands beside it.
 */
export function credit(
  { winner, answered }: Pick<Judgment, "winner" | "answered">,
  side: "first" | "second" = "first",
): number {
  return winner === "tie" || !answered ? 0.5 : Number(winner === side);
}

/** J(first, second), and 1/2 where the judge did not answer: what is learned from as a number, such as a reward. */
export const preferenceOf = ({ answered, pFirst }: Pick<Judgment, "answered" | "pFirst">): number =>
  answered ? pFirst : 0.5;

/** The larger of two numbers, by name. */
export function larger(first: number, second: number): Winner {
  return first > second ? "first" : second > first ? "second" : "tie";
}

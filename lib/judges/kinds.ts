import { UserError } from "../base/error.ts";
import type { Rng } from "../base/random.ts";
import {
  type Compare,
  type Comparison,
  countBallots,
  type Judgment,
  larger,
  type Seats,
} from "../method/judgment.ts";
import { type Ranking, roundRobins } from "../measure/round_robin.ts";
import { type Contest, tournaments } from "../method/tournament.ts";

/** One answer to one prompt, to be graded. */
export interface Question {
  readonly prompt: Comparison["prompt"];
  readonly answer: string;
}

/** Grades single answers, one finite number each; larger is better. */
export type Grade = (questions: readonly Question[]) => Promise<number[]>;

/** Puts the candidates of each contest in order. */
export type Rank = (contests: readonly Contest[]) => Promise<Ranking[]>;

/**
 * Any judge, whatever it does by nature: it compares two answers and ranks N of them, and one that looks
 * at single answers also grades them. What it does not do by nature is derived:
 *
 * | by nature | `grade` | `compare` | `rank` |
 * |---|---|---|---|
 * | pointwise | its own | the two grades, by a link | the grades, in order |
 * | pairwise  | none    | its own | a round robin, or a knockout |
 * | listwise  | none    | lists of two, in both orders | its own |
 */
export interface Judge {
  /** What tables and figures call it. */
  readonly name: string;
  readonly kind: "pointwise" | "pairwise" | "listwise";
  readonly grade?: Grade;
  readonly compare: Compare;
  readonly rank: Rank;
  /** Whether it can say anything of a comparison; left out by judges that always can. */
  readonly covers?: (comparison: Comparison) => boolean;
  /** Files that it took its verdicts from: as labels they would be its own. */
  readonly sources?: readonly string[];
}

/**
 * A judge of single answers: a reward model, a known reward, a grade from 1 to 10.
 *
 * The grades of two answers become P(first) = 1 / (1 + exp((second - first) / scale)), the Bradley-Terry
 * model under which reward models are trained (scale 1). With scale 0 the higher grade wins outright.
 *
 * @throws {UserError} When called, if a grade is not a finite number.
 *
 * @example
 * ```ts
 * import { characters } from "../base/characters.ts";
 * import { pointwiseJudge } from "./kinds.ts";
 * const longer = pointwiseJudge("longer", (questions) =>
 *   Promise.resolve(questions.map(({ answer }) => characters(answer))), { scale: 0 });
 * ```
 */
export function pointwiseJudge(
  name: string,
  grade: Grade,
  { scale = 1 }: { scale?: number } = {},
): Judge {
  const graded = gradeOnce(name, grade);
  return {
    name,
    kind: "pointwise",
    grade: graded,
    compare: async (comparisons) => {
      const grades = await graded(comparisons.flatMap(({ prompt, first, second }) => [
        { prompt, answer: first },
        { prompt, answer: second },
      ]));
      return comparisons.map((_, i) => byGrades(grades[2 * i], grades[2 * i + 1], scale));
    },
    rank: async (contests) => {
      const grades = await graded(
        contests.flatMap(({ prompt, candidates }) =>
          candidates.map((answer) => ({ prompt, answer }))
        ),
      );
      let at = 0;
      return contests.map(({ candidates }) => rankingOf(grades.slice(at, at += candidates.length)));
    },
  };
}

/**
 * A judge of pairs, such as a `PairwiseJudge`; it ranks by a round robin, N (N - 1) / 2 comparisons.
 *
 * @example
 * ```ts
 * import { pairwiseJudge } from "./kinds.ts";
 * import { longerWins } from "../measure/baseline_judges.ts";
 * const judge = pairwiseJudge("longer", longerWins);
 * ```
 */
export function pairwiseJudge(
  name: string,
  compare: Compare,
  more: Pick<Judge, "covers" | "sources"> & { readonly rank?: Rank } = {},
): Judge {
  return {
    name,
    kind: "pairwise",
    compare,
    rank: (contests) => roundRobins(contests, compare),
    ...more,
  };
}

/**
 * Ranking by a knockout, N - 1 comparisons: candidates are ordered by the round they left in, those that
 * left in one round by index.
 */
export function knockoutRank(compare: Compare, rng: Rng): Rank {
  return async (contests) => {
    const brackets = await tournaments(contests, { compare, rng });
    return brackets.map(({ candidates, matches, winner }) => {
      const left = candidates.map(() => 0);
      for (const match of matches) {
        left[match.winner === match.first ? match.second : match.first] = match.round;
      }
      left[winner] = Infinity;
      const order = left.map((_, i) => i).sort((a, b) =>
        left[b] === left[a] ? a - b : left[b] > left[a] ? 1 : -1
      );
      const scores = left.map((round) => round === Infinity ? candidates.length : round);
      return { order, scores };
    });
  };
}

/**
 * A judge of lists. A comparison is a list of two put to it in both orders; each order names its winner
 * outright, so that what a place in the list does shows as flips and a first-seat rate.
 *
 * @throws {UserError} When called, if a ranking is not an order of all candidates.
 */
export function listwiseJudge(name: string, rank: Rank): Judge {
  const checked: Rank = async (contests) => {
    const rankings = await rank(contests);
    contests.forEach(({ candidates }, c) => checkRanking(rankings[c], candidates.length, name, c));
    return rankings;
  };
  return {
    name,
    kind: "listwise",
    rank: checked,
    compare: async (comparisons) => {
      const rankings = await checked(comparisons.flatMap(({ prompt, first, second }): Contest[] => [
        { prompt, candidates: [first, second] },
        { prompt, candidates: [second, first] },
      ]));
      return comparisons.map((_, i) =>
        countBallots([{
          principle: "overall",
          forward: seatsOf(rankings[2 * i]),
          backward: seatsOf(rankings[2 * i + 1]),
        }])
      );
    },
  };
}

/** Asks for each answer once a call, however many pairs it is in, and refuses what is not a number. */
function gradeOnce(name: string, grade: Grade): Grade {
  return async (questions) => {
    const keys = questions.map(({ prompt, answer }) => JSON.stringify([prompt, answer]));
    const first = new Map<string, Question>();
    keys.forEach((key, i) => first.has(key) || first.set(key, questions[i]));
    const grades = first.size === 0 ? [] : await grade([...first.values()]);
    const bad = [...first.keys()].findIndex((_, i) => !Number.isFinite(grades[i]));
    if (bad >= 0) {
      throw new UserError(
        `the judge "${name}" graded answer ${bad} of ${first.size} with ${grades[bad]}`,
        "have it give one finite number for every answer",
      );
    }
    const byKey = new Map([...first.keys()].map((key, i) => [key, grades[i]]));
    return keys.map((key) => byKey.get(key)!);
  };
}

function byGrades(first: number, second: number, scale: number): Judgment {
  const p = scale > 0
    ? 1 / (1 + Math.exp((second - first) / scale))
    : { first: 1, second: 0, tie: 0.5 }[larger(first, second)];
  const q = scale > 0 ? 1 / (1 + Math.exp((first - second) / scale)) : 1 - p; // exact mirror
  return countBallots([{
    principle: "overall",
    forward: { a: p, b: q },
    backward: { a: q, b: p },
  }]);
}

function rankingOf(scores: readonly number[]): Ranking {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  return { order, scores };
}

/** Equal scores are a tie; without scores that differ the order decides. */
function seatsOf({ order, scores }: Ranking): Seats {
  if (scores[0] === scores[1]) return { a: 0.5, b: 0.5 };
  return order[0] === 0 ? { a: 1, b: 0 } : { a: 0, b: 1 };
}

function checkRanking(
  ranking: Ranking | undefined,
  count: number,
  name: string,
  contest: number,
): void {
  const { order = [], scores = [] } = ranking ?? {};
  const whole = order.length === count && scores.length === count &&
    new Set(order).size === count && order.every((i) => Number.isInteger(i) && i >= 0 && i < count);
  if (whole && scores.every(Number.isFinite)) return;
  throw new UserError(
    `the judge "${name}" ranked the ${count} candidates of contest ${contest} as [${order}] with scores [${scores}]`,
    "have it give every index once and a finite score for each",
  );
}

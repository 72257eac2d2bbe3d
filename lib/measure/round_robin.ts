import { UserError } from "../base/error.ts";
import { type Compare, type Comparison, credit, type Judgment } from "../method/judgment.ts";
import { pFirstOf } from "./measures.ts";
import type { Contest } from "../method/tournament.ts";

/** Candidates of a contest from best to worst. */
export interface Ranking {
  /** Indices of the candidates, best first. */
  readonly order: readonly number[];
  /** One per candidate, larger is better; the scale is the judge's own. */
  readonly scores: readonly number[];
}

/** Two candidates that met in a round robin, by their indices; `first` < `second`. */
export interface Meeting {
  readonly first: number;
  readonly second: number;
  readonly judgment: Judgment;
}

/** Every candidate against every other: N (N - 1) / 2 meetings. */
export interface RoundRobin extends Ranking {
  readonly candidates: readonly string[];
  readonly meetings: readonly Meeting[];
}

/** All pairs of N, `[first, second]` with first < second. */
export function allPairs(count: number): [number, number][] {
  return Array.from({ length: count }, (_, i) => i)
    .flatMap((first) =>
      Array.from({ length: count - first - 1 }, (_, j): [number, number] => [first, first + 1 + j])
    );
}

/**
 * Plays round robins, all their comparisons in one call to the judge. A candidate's score is its wins, a
 * tie or an unanswered meeting a half (Copeland); equal scores are ordered by mean probability of being better (Borda), then by
 * index.
 *
 * @throws {UserError} When a contest has no candidate, naming it.
 *
 * @example
 * ```ts
 * import { longerWins } from "./baseline_judges.ts";
 * import { roundRobins } from "./round_robin.ts";
 * const prompt = [{ role: "user", content: "Hi" } as const];
 * const [{ order }] = await roundRobins([{ prompt, candidates: ["Yo", "Hello", "Hey"] }], longerWins);
 * order; // [1, 2, 0]
 * ```
 */
export async function roundRobins(
  contests: readonly Contest[],
  compare: Compare,
): Promise<RoundRobin[]> {
  const empty = contests.findIndex(({ candidates }) => candidates.length === 0);
  if (empty >= 0) {
    throw new UserError(
      `contest ${empty} of ${contests.length} has no candidates`,
      "give at least one answer for every prompt",
    );
  }
  const games = contests.flatMap((contest, c) =>
    allPairs(contest.candidates.length).map(([first, second]) => ({ contest, c, first, second }))
  );
  const judgments = games.length === 0
    ? []
    : await compare(games.map(({ contest: { prompt, candidates }, first, second }): Comparison => ({
      prompt,
      first: candidates[first],
      second: candidates[second],
    })));
  if (judgments.length !== games.length) {
    throw new Error(`${games.length} pairs were put to a judge, ${judgments.length} came back`);
  }
  const meetings = contests.map((): Meeting[] => []);
  games.forEach(({ c, first, second }, i) =>
    meetings[c].push({ first, second, judgment: judgments[i] })
  );
  return contests.map(({ candidates }, c) => ({
    candidates,
    meetings: meetings[c],
    ...standings(meetings[c], candidates.length),
  }));
}

function standings(meetings: readonly Meeting[], count: number): Ranking {
  const wins = Array<number>(count).fill(0);
  const means = Array<number>(count).fill(0);
  for (const { first, second, judgment } of meetings) {
    wins[first] += credit(judgment, "first");
    wins[second] += credit(judgment, "second");
    const pFirst = pFirstOf(judgment);
    means[first] += pFirst;
    means[second] += 1 - pFirst;
  }
  const order = wins.map((_, i) => i)
    .sort((a, b) => wins[b] - wins[a] || means[b] - means[a] || a - b);
  return { order, scores: wins };
}

/** Three candidates that all met, and how. */
export interface Triple {
  readonly members: readonly [number, number, number];
  /** `cycle`: each beats the next; `order`: one beats both, one loses to both; `tied`: a tie among them. */
  readonly kind: "cycle" | "order" | "tied";
}

/**
 * Every triple of candidates whose three meetings took place and were answered, with what the verdicts make of it. A
 * meeting without an answer leaves its triple out: whether three verdicts form a cycle cannot be half true. Of N
 * candidates in a round robin without ties, C(N, 3) - sum over candidates of C(wins, 2) are cycles
 * (Kendall and Babington Smith 1940); of random verdicts a quarter are.
 */
export function triplesOf(
  { candidates, meetings }: Pick<RoundRobin, "candidates" | "meetings">,
): Triple[] {
  const margin = new Map<string, number>(); // of the lower index: 1 won, 0 tie, -1 lost
  for (const { first, second, judgment: { winner, answered } } of meetings) {
    if (!answered) continue;
    margin.set(`${first},${second}`, winner === "first" ? 1 : winner === "tie" ? 0 : -1);
  }
  return allPairs(candidates.length).flatMap(([i, j]) =>
    candidates.slice(j + 1).flatMap((_, offset): Triple[] => {
      const k = j + 1 + offset;
      const [ij, jk, ik] = [`${i},${j}`, `${j},${k}`, `${i},${k}`].map((key) => margin.get(key));
      if (ij === undefined || jk === undefined || ik === undefined) return [];
      const kind = ij === 0 || jk === 0 || ik === 0
        ? "tied"
        : ij === jk && ij !== ik
        ? "cycle"
        : "order";
      return [{ members: [i, j, k], kind }];
    })
  );
}

import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import type { Turn } from "../text/chat.ts";
import { chosenSide, type Compare, type Comparison, type Judgment } from "./judgment.ts";

/** One prompt and the answers that compete for it. */
export interface Contest {
  readonly prompt: readonly Turn[];
  readonly candidates: readonly string[];
}

/** Two candidates met, by their indices. */
export interface Match {
  /** Counted from 1. */
  readonly round: number;
  readonly first: number;
  readonly second: number;
  readonly winner: number;
  /** Absent when the two are the same text, which needs no judge. */
  readonly judgment?: Judgment;
}

/** A candidate that went on without a match, because a round had an odd number. */
export interface Bye {
  readonly round: number;
  readonly candidate: number;
}

/** All that is needed to draw a tournament. */
export interface Bracket {
  readonly candidates: readonly string[];
  /** In the order played; always one fewer than the candidates. */
  readonly matches: readonly Match[];
  readonly byes: readonly Bye[];
  /** Index of the candidate that is left. */
  readonly winner: number;
}

/** How a tournament is played. */
export interface TournamentOptions {
  readonly compare: Compare;
  /** Draws the rounds. */
  readonly rng: Rng;
  /**
   * Who advances when the judge cannot tell two candidates apart or does not answer, and of two equal texts; the
   * authors' comparison gives it to the second, but for scores that differ at all. @default "first"
   */
  readonly ties?: "first" | "second";
}

/**
 * Self-rejection: a single-elimination tournament among N answers to one prompt, N - 1 matches,
 * shuffled each round, with a bye for an odd one (SELF-JUDGE).
 *
 * @example
 * ```ts
 * import { Rng } from "../base/random.ts";
 * import { longerWins } from "../measure/baseline_judges.ts";
 * import { tournament } from "./tournament.ts";
 * const contest = { prompt: [{ role: "user", content: "Hi" } as const], candidates: ["Yo", "Hello"] };
 * const bracket = await tournament(contest, { compare: longerWins, rng: Rng.named(7, "tournament") });
 * contest.candidates[bracket.winner]; // "Hello"
 * ```
 * @throws {UserError} When there is no candidate.
 */
export async function tournament(
  contest: Contest,
  options: TournamentOptions,
): Promise<Bracket> {
  const [bracket] = await tournaments([contest], options);
  return bracket;
}

/**
 * Many tournaments at once: all matches of a round, over all contests, are judged in one call.
 *
 * @throws {UserError} When a contest has no candidate, naming it.
 */
export async function tournaments(
  contests: readonly Contest[],
  options: TournamentOptions,
): Promise<Bracket[]> {
  const empty = contests.findIndex(({ candidates }) => candidates.length === 0);
  if (empty >= 0) {
    throw new UserError(
      `contest ${empty} of ${contests.length} has no candidates`,
      "sample at least one answer for every prompt",
    );
  }
  // A stream for each contest, so that how far one has to go does not reshuffle the next.
  const tables = contests.map((contest): Table => ({
    ...contest,
    rng: Rng.named(options.rng.int(0x1_0000_0000), "bracket"),
    left: contest.candidates.map((_, index) => index),
    matches: [],
    byes: [],
  }));

  for (let round = 1; tables.some(({ left }) => left.length > 1); round++) {
    const games = tables.filter(({ left }) => left.length > 1)
      .flatMap((table) => drawRound(table, round));
    const toJudge = games.filter(({ texts: [first, second] }) => first !== second);
    const judgments = await judgeAll(toJudge, options.compare);
    for (const game of games) {
      const { table, first, second } = game;
      const judgment = judgments.get(game);
      const winner = sideOf(judgment, options.ties) === "second" ? second : first;
      table.matches.push({ round, first, second, winner, judgment });
      table.left.push(winner);
    }
  }
  return tables.map(({ candidates, matches, byes, left: [winner] }) => ({
    candidates,
    matches,
    byes,
    winner,
  }));
}

/** A contest under way. */
interface Table extends Contest {
  readonly rng: Rng;
  left: number[];
  readonly matches: Match[];
  readonly byes: Bye[];
}

/** A match drawn but not yet played. */
interface Game {
  readonly table: Table;
  readonly first: number;
  readonly second: number;
  readonly texts: readonly [string, string];
}

/** Pairs off those left in a shuffled order; empties `left`, to which only an odd one returns. */
function drawRound(table: Table, round: number): Game[] {
  const order = table.rng.shuffle(table.left);
  table.left = [];
  if (order.length % 2 === 1) {
    const candidate = order.pop()!;
    table.byes.push({ round, candidate });
    table.left.push(candidate);
  }
  const games: Game[] = [];
  for (let i = 0; i < order.length; i += 2) {
    const [first, second] = [order[i], order[i + 1]];
    games.push({
      table,
      first,
      second,
      texts: [table.candidates[first], table.candidates[second]],
    });
  }
  return games;
}

function sideOf(
  judgment: Judgment | undefined,
  ties: TournamentOptions["ties"] = "first",
): "first" | "second" {
  return (judgment && chosenSide(judgment, ties === "second" ? "second" : "skip")) ?? ties;
}

async function judgeAll(games: Game[], compare: Compare): Promise<Map<Game, Judgment>> {
  if (games.length === 0) return new Map();
  const judgments = await compare(games.map(({ table, texts: [first, second] }): Comparison => ({
    prompt: table.prompt,
    first,
    second,
  })));
  if (judgments.length !== games.length) {
    throw new Error(`${games.length} matches were put to a judge, ${judgments.length} came back`);
  }
  return new Map(games.map((game, index) => [game, judgments[index]]));
}

/** What judges a benchmark's answers, in pairs or one by one. */
import type { Comparison, Judge, Judgment } from "../method/mod.ts";
import { combineScores, larger } from "../method/mod.ts";
import type { Turn } from "../text/mod.ts";
import type { BenchmarkQuestion } from "./question.ts";

/** Two models' answers to a question, up to a turn. */
export interface BenchmarkMatch {
  readonly question: BenchmarkQuestion;
  /** The turn that is judged, from 1. */
  readonly turn: number;
  /** Each model's answers, turn by turn. */
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** What a referee says of a match. */
export interface MatchVerdict {
  readonly judgment: Judgment;
  /** Name of the prompt it was asked with. */
  readonly prompt: string;
  /** What it was asked and what it replied, with the first model in the first position and then in the second. */
  readonly games: readonly [Game, Game];
  /** Whether a reply failed, so that a later run has to ask again. @default false */
  readonly failed?: boolean;
}

/** The question and reply in one position, as words. */
export interface Game {
  readonly asked: string;
  readonly reply: string;
}

/** Judges matches in both positions. */
export interface Referee {
  readonly name: string;
  /**
   * What verdicts depend on beside the answers: verdicts under the same key in a file are kept. Left out by
   * a referee that keeps its own judgments, which are then put down anew.
   */
  readonly key?: string;
  /** Matches put to it before their verdicts are written down. */
  readonly rows: number;
  readonly play: (matches: readonly BenchmarkMatch[]) => Promise<MatchVerdict[]>;
}

/** A question with one model's answers, to be graded up to a turn. */
export interface GradeRequest {
  readonly question: BenchmarkQuestion;
  readonly turn: number;
  readonly answers: readonly string[];
}

/** A grade. */
export interface GradeVerdict {
  /** From 1 to 10; null where the judge gave none. */
  readonly score: number | null;
  /** Probability on the ten grades together; null where it was not read. */
  readonly labelProbability: number | null;
  readonly prompt: string;
  readonly game: Game;
  /** As that of a {@linkcode MatchVerdict}. @default false */
  readonly failed?: boolean;
}

/** Grades single answers from 1 to 10. */
export interface Grader {
  readonly name: string;
  /** As that of a {@linkcode Referee}. */
  readonly key?: string;
  readonly rows: number;
  readonly grade: (requests: readonly GradeRequest[]) => Promise<GradeVerdict[]>;
}

/**
 * A match as a judge of pairs sees it.
 *
 * At the first turn the prompt is the question. At a later one the two models' earlier answers differ, so
 * no dialogue is common to both: the prompt is the first question, and each answer is the whole of
 * what followed it, as MT-Bench too shows its judge two whole conversations. A reference answer comes as
 * a system turn before the question.
 */
export function comparisonOf({ question, turn, first, second }: BenchmarkMatch): Comparison {
  const rest = (answers: readonly string[]) =>
    answers.slice(0, turn).map((answer, i) =>
      i === 0 ? answer : `User: ${question.turns[i]}\n\nAssistant: ${answer}`
    ).join("\n\n");
  const prompt: Turn[] = [{ role: "user", content: question.turns[0] }];
  if (question.reference !== null) {
    const known = question.reference.slice(0, turn).join("\n\n");
    prompt.unshift({ role: "system", content: `A correct answer, for reference:\n${known}` });
  }
  return { prompt, first: rest(first), second: rest(second) };
}

/**
 * Any judge of pairs as a referee. A comparison that it does not cover has no verdict.
 *
 * @example
 * ```ts
 * import { longerWins } from "../measure/mod.ts";
 * import { compareReferee } from "./referee.ts";
 * const referee = compareReferee({ name: "longer", compare: longerWins });
 * ```
 */
export function compareReferee(
  { name, compare, covers }: Pick<Judge, "name" | "compare" | "covers">,
): Referee {
  return {
    name,
    rows: 16,
    play: async (matches) => {
      const comparisons = matches.map(comparisonOf);
      const covered = comparisons.filter((comparison) => covers?.(comparison) ?? true);
      const judgments = covered.length === 0 ? [] : await compare(covered);
      const judged = new Map(covered.map((comparison, i) => [comparison, judgments[i]]));
      return comparisons.map((comparison, i): MatchVerdict => {
        const judgment = judged.get(comparison) ?? SILENT;
        const prompt = `pair-tokens${matches[i].question.reference ? "-reference" : ""}${
          matches[i].turn > 1 ? "-multi-turn" : ""
        }`;
        return { judgment, prompt, games: gamesOf(comparison, judgment) };
      });
    },
  };
}

const none = { a: 0, b: 0 };
const even = { a: 0.5, b: 0.5 };
/** Of a comparison that the judge does not cover. */
const SILENT = combineScores([{ principle: "none", forward: none, backward: none }]);

/**
 * The verdict on two answers that are the same, letter by letter: a tie without asking, since whatever a
 * judge named would be the position. Null where they differ.
 */
export function verdictOnSame(match: BenchmarkMatch): MatchVerdict | null {
  const { first, second } = comparisonOf(match);
  if (first !== second) return null;
  const judgment = combineScores([{ principle: "same", forward: even, backward: even }]);
  const game = { asked: "", reply: "not asked: the answers are the same" };
  return { judgment, prompt: "not-asked", games: [game, game] };
}

function gamesOf(
  { prompt, first, second }: Comparison,
  judgment: Judgment,
): readonly [Game, Game] {
  const { forward, backward } = judgment;
  const asked = (a: string, b: string) =>
    [
      ...prompt.map(({ role, content }) => `[${role}]\n${content}`),
      `[answer A]\n${a}`,
      `[answer B]\n${b}`,
    ].join("\n\n");
  const inWords = ({ a, b }: { a: number; b: number }) =>
    `P(A) = ${a.toPrecision(4)}, P(B) = ${b.toPrecision(4)}`;
  return [
    { asked: asked(first, second), reply: inWords(forward) },
    { asked: asked(second, first), reply: inWords(backward) },
  ];
}

/** Who FastChat's readers take an order to name. */
export type NamedBy = "model_1" | "model_2" | "tie" | "error";

/** Who an order names, as FastChat writes it: "error" where the judge has not answered. */
export function namedBy(judgment: Judgment, order: "forward" | "backward"): NamedBy {
  if (!judgment.answered) return "error";
  const { a, b } = judgment[order];
  const winner = order === "forward" ? larger(a, b) : larger(b, a);
  return ({ first: "model_1", second: "model_2", tie: "tie" } as const)[winner];
}

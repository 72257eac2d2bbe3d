/** What a benchmark's verdicts come to, in all and by category, each number with its interval and its n. */
import { characters } from "../base/characters.ts";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { bootstrap, proportion } from "../measure/statistics.ts";
import { type AnswerSet, turnsOf } from "./answer_file.ts";
import { credit } from "../method/mod.ts";
import type { BenchmarkScorer } from "./benchmark.ts";
import type { BenchmarkQuestion } from "./question.ts";
import { comparisonOf } from "./referee.ts";
import type { PairRecord, SingleRecord } from "./verdict_file.ts";

/** What the measures mean. */
export const BENCHMARK_MEASURES = {
  grade: "mean grade, 1 to 10",
  gradeDifference: "model's grade less the other's, on the same questions",
  gradeLengthCorrelation: "correlation of grade and length of the answer in characters",
  gradeLongerHalf: "mean grade of the longer half of the answers less that of the shorter half",
  gradeLabelProbability:
    "mean probability on the ten grades: how much of the judge's answer is a grade",
  exactMatch: "share of questions whose answer comes to the known one, without a judge",
  winRate:
    "share won: a win is named in both orders (FastChat's adjusted rate), a half where orders disagree or nothing is named",
  preference: "mean probability that the model's answer is the better one, both orders averaged",
  consistency:
    "share of matches in which both orders name the same winner (no answer names none); without answers that are the same",
  labelProbability: "mean P(A) + P(B): how much of the judge's answer is a verdict",
  longerRate: "win rate by a judge of length alone",
} as const;

/** A name of {@linkcode BENCHMARK_MEASURES}. */
export type BenchmarkMeasure = keyof typeof BENCHMARK_MEASURES;

/** A row of the results' CSV. Empty cells: not known, such as the interval of a single question. */
export interface BenchmarkRow {
  readonly benchmark: string;
  /** {@linkcode ANSWER_KEY} where no judge was asked. */
  readonly judge: string;
  readonly model: string;
  /** Whom the model is compared with; empty for a grade. */
  readonly against: string;
  /** "all" or one. */
  readonly category: string;
  readonly turn: "all" | "1" | "2" | string;
  readonly measure: BenchmarkMeasure;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Questions it rests on. */
  readonly n: number;
  /**
   * Turns without a verdict: their grade is missing, their match counts a half, and an answer in which there is
   * nothing to compare with the known one is wrong.
   */
  readonly unanswered: number;
}

/** Who decided where answers were compared with known ones. */
const ANSWER_KEY = "answer key";

/** Whose results, and how to draw the resamples. */
export interface ResultOptions {
  readonly benchmark: string;
  readonly seed: number;
  /** Bootstrap resamples. @default 2000 */
  readonly samples?: number;
}

/** A number of one turn of one question; null where there is none. */
interface Item {
  readonly question: number | string;
  readonly category: string;
  readonly turn: number;
  readonly value: number | null;
  /** Whether there was a verdict to read it from. */
  readonly answered: boolean;
}

/** Rates whose values lie in [0, 1] and near its ends: their interval is Wilson's. */
const SHARES: ReadonlySet<BenchmarkMeasure> = new Set([
  "winRate",
  "exactMatch",
  "consistency",
  "longerRate",
]);

/**
 * The rows of a model's grades; `other`, graded by the same judge, adds the paired differences.
 *
 * A value is the mean over turns, as FastChat's `show_result.py` takes it; the interval is a percentile
 * bootstrap over questions, each with all its turns.
 */
export function gradeRows(
  questions: readonly BenchmarkQuestion[],
  records: readonly SingleRecord[],
  options: ResultOptions & { readonly other?: readonly SingleRecord[] },
): BenchmarkRow[] {
  const [{ model, judge }] = notEmpty(records);
  const { other } = options;
  const found = (list: readonly SingleRecord[]) =>
    new Map(list.map((record) => [`${record.question_id}/${record.turn}`, record]));
  const [own, others] = [found(records), found(other ?? [])];
  const known = (record?: SingleRecord) =>
    record === undefined || record.score < 0 ? null : record.score;
  const items = (value: (key: string) => number | null) => itemsOf(questions, value);
  const about = { judge: judge[0], model, against: "" };
  const withProbabilities = records.some(({ self_judge }) => self_judge.labelProbability !== null);
  return [
    ...rowsOf("grade", items((key) => known(own.get(key))), { ...options, ...about }),
    ...(withProbabilities
      ? rowsOf(
        "gradeLabelProbability",
        items((key) => own.get(key)?.self_judge.labelProbability ?? null),
        {
          ...options,
          ...about,
        },
      )
      : []),
    ...(other?.length
      ? rowsOf(
        "gradeDifference",
        items((key) => {
          const [a, b] = [known(own.get(key)), known(others.get(key))];
          return a === null || b === null ? null : a - b;
        }),
        { ...options, ...about, against: other[0].model },
      )
      : []),
  ];
}

/**
 * The rows of a model's matches: it is the first of the two.
 *
 * Win rate, consistency and the rate of length alone have Wilson's interval on the count of questions, which
 * keeps a width where all went one way and is wide rather than narrow when halves are among them; the others
 * a percentile bootstrap over questions. Where all questions are alike a bootstrap has no width: no interval.
 */
export function pairRows(
  questions: readonly BenchmarkQuestion[],
  records: readonly PairRecord[],
  options: ResultOptions & { readonly answers: readonly [AnswerSet, AnswerSet] },
): BenchmarkRow[] {
  const [{ model_1, model_2, judge }] = notEmpty(records);
  const found = new Map(records.map((record) => [`${record.question_id}/${record.turn}`, record]));
  /** A match without a verdict counts `silent`, and as unanswered. */
  const of = (value: (record: PairRecord) => number, silent: number) =>
    itemsOf(questions, (key) => {
      const record = found.get(key);
      if (record === undefined) return null;
      return judgment(record).answered ? value(record) : silent;
    }).map((item): Item => {
      const record = found.get(`${item.question}/${item.turn}`);
      return { ...item, answered: record !== undefined && judgment(record).answered };
    });
  /** Without the answers that are the same: what was not asked says nothing of the judge. */
  const ofAsked = (items: readonly Item[]) =>
    items.filter(({ question, turn }) =>
      found.get(`${question}/${turn}`)?.self_judge.asked ?? true
    );
  const judgment = (record: PairRecord) => record.self_judge.judgment;
  const about = { ...options, judge: judge[0], model: model_1, against: model_2 };
  const oneOrder = records.some((record) => judgment(record).recorded !== undefined);
  const [first, second] = options.answers;
  const longer = itemsOf(questions, (_, question, turn, q) => {
    const match = comparisonOf({
      question,
      turn,
      first: turnsOf(first.answers[q]),
      second: turnsOf(second.answers[q]),
    });
    return 0.5 + 0.5 * Math.sign(characters(match.first) - characters(match.second));
  });
  const labelProbability = itemsOf(questions, (key) => {
    const record = found.get(key);
    return record === undefined ? null : judgment(record).labelProbability;
  });
  return [
    ...rowsOf("winRate", of(adjustedWin, 0.5), about),
    ...rowsOf("preference", of((record) => judgment(record).pFirst, 0.5), about),
    // A verdict taken down in one order says nothing of the other, nor of its labelProbability.
    ...(oneOrder ? [] : [
      ...rowsOf(
        "consistency",
        ofAsked(of((record) => Number(judgment(record).consistent), 0)),
        about,
      ),
      ...rowsOf("labelProbability", ofAsked(labelProbability), about),
    ]),
    ...rowsOf("longerRate", longer, about),
  ];
}

/**
 * What a match is worth to the first model when a win is one that both orders name (FastChat's adjusted win rate):
 * the credit of that verdict.
 */
function adjustedWin({ g1_winner, g2_winner, self_judge }: PairRecord): number {
  const same = g1_winner === g2_winner ? g1_winner : "tie";
  const winner = { model_1: "first", model_2: "second", tie: "tie", error: "tie" } as const;
  return credit({ winner: winner[same], answered: self_judge.judgment.answered });
}

/** The rows of a model's answers compared with the known ones, which takes no judge. */
export function scoreRows(
  questions: readonly BenchmarkQuestion[],
  { model, answers }: AnswerSet,
  { score, ...options }: ResultOptions & { readonly score: BenchmarkScorer },
): BenchmarkRow[] {
  const items = questions.map((question, q): Item => {
    const value = score(question, turnsOf(answers[q]));
    return {
      question: question.id,
      category: question.category,
      turn: question.turns.length,
      value: value ?? 0,
      answered: value !== null,
    };
  });
  return rowsOf("exactMatch", items, { ...options, judge: ANSWER_KEY, model, against: "" });
}

function itemsOf(
  questions: readonly BenchmarkQuestion[],
  value: (key: string, question: BenchmarkQuestion, turn: number, q: number) => number | null,
): Item[] {
  return questions.flatMap((question, q) =>
    question.turns.map((_, t) => {
      const found = value(`${question.id}/${t + 1}`, question, t + 1, q);
      return {
        question: question.id,
        category: question.category,
        turn: t + 1,
        value: found,
        answered: found !== null,
      };
    })
  );
}

/** A measure in all and by category, over all turns and turn by turn where there are several. */
function rowsOf(
  measure: BenchmarkMeasure,
  items: readonly Item[],
  { benchmark, judge, model, against, seed, samples }: ResultOptions & {
    judge: string;
    model: string;
    against: string;
  },
): BenchmarkRow[] {
  const categories = ["all", ...new Set(items.map(({ category }) => category))];
  const turns = [...new Set(items.map(({ turn }) => turn))].sort((a, b) => a - b);
  const chosen = turns.length > 1 ? ["all", ...turns.map(String)] : ["all"];
  return categories.flatMap((category) =>
    chosen.map((turn): BenchmarkRow => {
      const some = items.filter((item) =>
        (category === "all" || item.category === category) &&
        (turn === "all" || String(item.turn) === turn)
      );
      const name = ["benchmark", benchmark, judge, model, against, category, turn, measure];
      return {
        benchmark,
        judge,
        model,
        against,
        category,
        turn,
        measure,
        ...estimate(measure, some, { rng: Rng.named(seed, name.join("/")), samples }),
        unanswered: some.filter(({ answered }) => !answered).length,
      };
    })
  );
}

function estimate(
  measure: BenchmarkMeasure,
  items: readonly Item[],
  { rng, samples }: { rng: Rng; samples?: number },
): Pick<BenchmarkRow, "value" | "low" | "high" | "n"> {
  const known = items.flatMap(({ question, value }) => value === null ? [] : [{ question, value }]);
  const groups = [...Map.groupBy(known, ({ question }) => question).values()]
    .map((group) => ({ sum: group.reduce((s, { value }) => s + value, 0), count: group.length }));
  const n = groups.length;
  if (n === 0) return { value: null, low: null, high: null, n };
  const meanOf = (rows: readonly number[]) =>
    rows.reduce((s, i) => s + groups[i].sum, 0) / rows.reduce((s, i) => s + groups[i].count, 0);
  const rows = groups.map((_, i) => i);
  const value = meanOf(rows);
  if (SHARES.has(measure)) {
    const { low, high } = proportion(Math.min(1, Math.max(0, value)) * n, n);
    return { value, low, high, n };
  }
  // One question, or questions all alike, say nothing of how others would differ.
  const means = groups.map(({ sum, count }) => sum / count);
  if (means.every((mean) => mean === means[0])) return { value, low: null, high: null, n };
  const { low, high } = bootstrap(rows, { rng, statistic: meanOf, samples });
  return { value, low, high, n };
}

function notEmpty<T>(records: readonly T[]): readonly T[] {
  if (records.length > 0) return records;
  throw new UserError("there are no verdicts to count", "ask at least one question");
}

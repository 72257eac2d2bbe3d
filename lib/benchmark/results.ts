/** What a benchmark's verdicts, grades and scores come to, as rows. */
import { characters } from "../base/characters.ts";
import { UserError } from "../base/error.ts";
import { credit } from "../method/mod.ts";
import { type AnswerSet, turnsOf } from "./answer_file.ts";
import type { BenchmarkScorer } from "./benchmark.ts";
import type { BenchmarkQuestion } from "./question.ts";
import { comparisonOf } from "./referee.ts";
import {
  type BenchmarkMeasure,
  type BenchmarkRow,
  type ResultItem,
  type ResultOptions,
  resultRows,
} from "./result_rows.ts";
import type { PairRecord, SingleRecord } from "./verdict_file.ts";

/**
 * The rows of a model's grades; `other`, graded by the same judge, adds the paired differences.
 *
 * A value is the mean over turns, as FastChat's `show_result.py` takes it.
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
  const rows = (measure: BenchmarkMeasure, value: (key: string) => number | null, against = "") =>
    resultRows(measure, itemsOf(questions, value), { ...options, judge: judge[0], model, against });
  const withProbabilities = records.some(({ self_judge }) => self_judge.labelProbability !== null);
  return [
    ...rows("grade", (key) => known(own.get(key))),
    ...(withProbabilities
      ? rows("gradeLabelProbability", (key) => own.get(key)?.self_judge.labelProbability ?? null)
      : []),
    ...(other?.length
      ? rows("gradeDifference", (key) => {
        const [a, b] = [known(own.get(key)), known(others.get(key))];
        return a === null || b === null ? null : a - b;
      }, other[0].model)
      : []),
  ];
}

/**
 * The rows of a model's matches: it is the first of the two.
 *
 * Wilson's interval of win rate, consistency and the rate of length alone keeps a width where all went one way,
 * and is wide rather than narrow when halves are among them.
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
    }).map((item): ResultItem => {
      const record = found.get(`${item.question}/${item.turn}`);
      return { ...item, answered: record !== undefined && judgment(record).answered };
    });
  /** Without the answers that are the same: what was not asked says nothing of the judge. */
  const ofAsked = (items: readonly ResultItem[]) =>
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
    ...resultRows("winRate", of(adjustedWin, 0.5), about),
    ...resultRows("preference", of((record) => judgment(record).pFirst, 0.5), about),
    // A verdict taken down in one position says nothing of the other, nor of its labelProbability.
    ...(oneOrder ? [] : [
      ...resultRows(
        "consistency",
        ofAsked(of((record) => Number(judgment(record).consistent), 0)),
        about,
      ),
      ...resultRows("labelProbability", ofAsked(labelProbability), about),
    ]),
    ...resultRows("longerRate", longer, about),
  ];
}

/**
 * The credit of a match's verdict for the first model, where a win is one that both positions name (FastChat's
 * adjusted win rate).
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
  const items = questions.map((question, q): ResultItem => {
    const value = score(question, turnsOf(answers[q]));
    return {
      question: question.id,
      category: question.category,
      turn: question.turns.length,
      value: value ?? 0,
      answered: value !== null,
    };
  });
  return resultRows("exactMatch", items, { ...options, judge: "answer key", model, against: "" });
}

function itemsOf(
  questions: readonly BenchmarkQuestion[],
  value: (key: string, question: BenchmarkQuestion, turn: number, q: number) => number | null,
): ResultItem[] {
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

function notEmpty<T>(records: readonly T[]): readonly T[] {
  if (records.length > 0) return records;
  throw new UserError("there are no verdicts to count", "ask at least one question");
}

import type { ComparisonRow, ComparisonVerdict } from "./comparison_page.ts";
import { type AnswerSet, turnsOf } from "./answer_file.ts";
import type { BenchmarkQuestion } from "./question.ts";
import type { PairRecord, SingleRecord } from "./verdict_file.ts";

/** The rows of a comparison page: questions with both models' answers, verdicts and grades. */
export function pageRows(
  questions: readonly BenchmarkQuestion[],
  [first, second]: readonly [AnswerSet, AnswerSet],
  { pairs = [], grades }: {
    readonly pairs?: readonly PairRecord[];
    readonly grades?: readonly [readonly SingleRecord[], readonly SingleRecord[]];
  },
): ComparisonRow[] {
  const graded = (records: readonly SingleRecord[], { id, turns }: BenchmarkQuestion) =>
    turns.map((_, t) => {
      const found = records.find(({ question_id, turn }) =>
        String(question_id) === String(id) && turn === t + 1
      );
      return found === undefined || found.score < 0 ? null : found.score;
    });
  return questions.map((question, q): ComparisonRow => ({
    id: String(question.id),
    category: question.category,
    turns: question.turns,
    reference: question.reference,
    answers: [turnsOf(first.answers[q]), turnsOf(second.answers[q])],
    verdicts: pairs.filter(({ question_id }) => String(question_id) === String(question.id))
      .map(verdictOf),
    ...(grades && { grades: [graded(grades[0], question), graded(grades[1], question)] as const }),
  }));
}

function verdictOf(record: PairRecord): ComparisonVerdict {
  const { turn, g1_judgment, g2_judgment, self_judge: { asked, judgment } } = record;
  const { answered, winner, consistent, pFirst, forward, backward, recorded } = judgment;
  // Of probabilities read off tokens there is nothing more to read than the numbers.
  const inWords = !record.judge[1].startsWith("pair-tokens");
  return {
    turn,
    winner: answered ? winner : "none",
    consistent: !answered || !asked || recorded !== undefined ? null : consistent,
    pFirst: answered ? pFirst : null,
    positions: !asked ? [] : [
      { ...forward, ...(inWords && { reply: g1_judgment }) },
      { ...backward, ...(inWords && { reply: g2_judgment }) },
    ],
  };
}

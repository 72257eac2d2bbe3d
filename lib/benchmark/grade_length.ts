/** What length alone explains of a model's grades: the baseline judge of a benchmark without pairs. */
import { characters } from "../base/characters.ts";
import { measureAll, type SumStatistic } from "../measure/mod.ts";
import { Rng } from "../base/random.ts";
import { type AnswerSet, turnsOf } from "./answer_file.ts";
import type { BenchmarkQuestion } from "./question.ts";
import type { BenchmarkRow, ResultOptions } from "./result_rows.ts";
import type { SingleRecord } from "./verdict_file.ts";

/** A graded answer. */
interface Graded {
  readonly question: string;
  readonly length: number;
  readonly score: number;
}

/**
 * Two rows beside a model's grades: the correlation of grade and length of the answer, and the mean grade of the
 * longer half of the answers less that of the shorter half (longer and shorter than the median; answers as long
 * as it are in neither). Turns of one question are resampled together.
 *
 * @param options.answers The answers that were graded, in the order of the questions.
 */
export function gradeLengthRows(
  questions: readonly BenchmarkQuestion[],
  records: readonly SingleRecord[],
  { benchmark, seed, samples, answers: { model, answers } }: ResultOptions & {
    readonly answers: AnswerSet;
  },
): BenchmarkRow[] {
  const scores = new Map(records.map((r) => [`${r.question_id}/${r.turn}`, r.score]));
  const all = questions.flatMap(({ id, turns }, q) =>
    turns.map((_, t): Graded => ({
      question: String(id),
      length: characters(turnsOf(answers[q])[t]),
      score: scores.get(`${id}/${t + 1}`) ?? -1,
    }))
  );
  const graded = all.filter(({ score }) => score >= 0);
  if (graded.length === 0) return [];
  const measures = measureAll(
    { gradeLengthCorrelation: correlation(graded), gradeLongerHalf: halves(graded) },
    {
      clusters: graded.map(({ question }) => question),
      rng: Rng.named(seed, `benchmark/${benchmark}/${model}/grade and length`),
      samples,
    },
  );
  return Object.entries(measures).map(([measure, { value, low, high, n, clusters = n }]) => ({
    benchmark,
    judge: records[0].judge[0],
    model,
    against: "",
    category: "all",
    turn: "all",
    measure: measure as keyof typeof measures,
    value,
    low,
    high,
    n: clusters,
    unanswered: all.length - graded.length,
  }));
}

function correlation(graded: readonly Graded[]): SumStatistic {
  // Taken from their means, so that nothing is lost where sums of squares are subtracted.
  const mean = (of: (one: Graded) => number) =>
    graded.reduce((sum, one) => sum + of(one), 0) / graded.length;
  const [length, score] = [mean((one) => one.length), mean((one) => one.score)];
  return {
    rows: graded.map((one) => {
      const [x, y] = [one.length - length, one.score - score];
      return [1, x, y, x * y, x * x, y * y];
    }),
    of: ([n, x, y, xy, xx, yy]) => {
      const [vx, vy] = [xx - x * x / n, yy - y * y / n];
      return vx > 1e-9 && vy > 1e-9 ? (xy - x * y / n) / Math.sqrt(vx * vy) : null;
    },
    undefinedWhen: "all answers are of one length, or all grades the same",
  };
}

function halves(graded: readonly Graded[]): SumStatistic {
  const lengths = graded.map(({ length }) => length).sort((a, b) => a - b);
  const middle = lengths.length / 2;
  const median = (lengths[Math.ceil(middle) - 1] + lengths[Math.floor(middle)]) / 2;
  return {
    rows: graded.map(({ length, score }) =>
      length === median ? null : length > median ? [1, score, 0, 0] : [0, 0, 1, score]
    ),
    of: ([n, sum, m, other]) => n > 0 && m > 0 ? sum / n - other / m : null,
    undefinedWhen: "all answers are of one length",
  };
}

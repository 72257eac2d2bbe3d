/** A row of a benchmark's results: a measure of some questions with its interval and its n. */
import { Rng } from "../base/random.ts";
import { bootstrap, proportion } from "../measure/mod.ts";

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
    "share won: a win is named in both positions (FastChat's adjusted rate), a half where positions disagree or nothing is named",
  preference: "mean probability that the model's answer is the better one, both positions averaged",
  consistency:
    "share of matches in which both positions name the same winner (no answer names none); without answers that are the same",
  labelProbability: "mean P(A) + P(B): how much of the judge's answer is a verdict",
  longerRate: "win rate by a judge of length alone",
} as const;

/** A name of {@linkcode BENCHMARK_MEASURES}. */
export type BenchmarkMeasure = keyof typeof BENCHMARK_MEASURES;

/** A row of the results' CSV. Empty cells: not known, such as the interval of a single question. */
export interface BenchmarkRow {
  readonly benchmark: string;
  /** "answer key" where answers were compared with known ones instead. */
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

/** Whose results, and how to draw the resamples. */
export interface ResultOptions {
  readonly benchmark: string;
  readonly seed: number;
  /** Bootstrap resamples. @default 2000 */
  readonly samples?: number;
}

/** A number of one turn of one question; null where there is none. */
export interface ResultItem {
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
 * A measure in all and by category, over all turns and turn by turn where there are several: the mean of the items,
 * with Wilson's interval on the count of questions for a share, else a percentile bootstrap over questions, each with
 * all its turns. Where all questions are alike a bootstrap has no width: no interval.
 */
export function resultRows(
  measure: BenchmarkMeasure,
  items: readonly ResultItem[],
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
  items: readonly ResultItem[],
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

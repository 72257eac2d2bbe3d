import { z } from "zod";
import { UserError } from "../base/error.ts";
import { cell } from "../base/csv.ts";
import type { Judgment } from "../method/judgment.ts";
import { pairStatistics } from "./measures.ts";
import { judgedPairs, type JudgeReportOptions } from "./report.ts";
import { measureAll, type ResampleOptions, type SumStatistic } from "./resample.ts";
import type { Estimate } from "./statistics.ts";

/** Measures of a report that are means over pairs, so that two judges can be compared pair by pair. */
const BY_PAIR = [
  "accuracy",
  "flipRate",
  "firstPositionRate",
  "longerRate",
  "unansweredRate",
] as const;

/** Name of a measure that can be compared pair by pair. */
export type PairMeasure = typeof BY_PAIR[number];

/** A row of a judge's `verdicts.csv`: what each measure is on one labelled pair, empty where it is not defined. */
export const pairVerdict = z.object({
  pair: cell.text,
  /** The number of the first pair with this prompt: pairs of one prompt are resampled together. */
  prompt: cell.number,
  accuracy: cell.blank,
  flipRate: cell.blank,
  firstPositionRate: cell.blank,
  longerRate: cell.blank,
  unansweredRate: cell.blank,
});
export type PairVerdict = z.output<typeof pairVerdict>;

/**
 * A judge's verdicts pair by pair, in the form in which they are kept. The mean of a column is the report's measure of
 * that name; `MEASURES` says what each means.
 *
 * @param options.pairs Names of the pairs, in the order of the judgments.
 * @throws {UserError} When there are no judgments, or the lists differ in length.
 */
export function pairVerdicts(
  judgments: readonly Judgment[],
  { pairs: names, comparisons, preferred }:
    & { readonly pairs: readonly string[] }
    & Pick<JudgeReportOptions, "comparisons" | "preferred">,
): PairVerdict[] {
  const labels = typeof preferred === "string" ? judgments.map(() => preferred) : preferred;
  const pairs = judgedPairs(judgments, { comparisons, labels });
  const statistics: Record<PairMeasure, SumStatistic> = pairStatistics(pairs);
  const prompts = new Map<string, number>();
  return pairs.map(({ cluster }, i) => {
    if (!prompts.has(cluster)) prompts.set(cluster, i);
    const values = BY_PAIR.map((measure) => {
      const { rows, of } = statistics[measure];
      const row = rows[i];
      return [measure, row && of(Float64Array.from(row))];
    });
    return { pair: names[i], prompt: prompts.get(cluster)!, ...Object.fromEntries(values) };
  });
}

/**
 * How much each measure of a judge changed, after less before, on the same pairs: the mean of the differences pair by
 * pair, with its bootstrap interval over prompts. What makes a pair easy for both cancels, which it does not in two
 * separate intervals; that those overlap is no test of a change.
 *
 * @throws {UserError} When the two did not judge the same pairs in the same order.
 */
export function pairedChanges(
  before: readonly PairVerdict[],
  after: readonly PairVerdict[],
  options: Omit<ResampleOptions, "clusters">,
): Record<PairMeasure, Estimate<number | null>> {
  const other = before.findIndex(({ pair }, i) => pair !== after[i]?.pair);
  if (other >= 0 || after.length !== before.length) {
    throw new UserError(
      `${before.length} verdicts before and ${after.length} after are not of the same pairs${
        other < 0 ? "" : `: row ${other + 1} is "${before[other].pair}" before`
      }`,
      "compare two judges of one run, or measure both on the same file of pairs",
    );
  }
  const differences = (measure: PairMeasure): SumStatistic => ({
    rows: before.map((row, i) => {
      const [was, is] = [row[measure], after[i][measure]];
      return was === null || is === null ? null : [1, is - was];
    }),
    of: ([n, sum]) => n > 0 ? sum / n : null,
    undefinedWhen: "it is defined for no pair",
  });
  return measureAll(
    Object.fromEntries(BY_PAIR.map((name) => [name, differences(name)])) as Record<
      PairMeasure,
      SumStatistic
    >,
    { ...options, clusters: before.map(({ prompt }) => `${prompt}`) },
  );
}

/**
 * The difference of two measures, after less before, from their own intervals: that of two judges on *different*
 * pairs, for tables that hold no verdicts pair by pair (use {@linkcode pairedChanges} where they do). For two shares
 * with Wilson's intervals it is Newcombe's interval (1998, method 10, https://pubmed.ncbi.nlm.nih.gov/9595617/), for
 * others its generalisation by Zou and Donner (2008, https://doi.org/10.1002/sim.3095).
 *
 * @example
 * ```ts
 * import { unpairedChange } from "./change.ts";
 * import { proportion } from "./statistics.ts";
 * unpairedChange(proportion(48, 80), proportion(56, 70)); // 0.2 [0.052, 0.334]
 * ```
 */
export function unpairedChange(
  before: Pick<Estimate, "value" | "low" | "high" | "n">,
  after: Pick<Estimate, "value" | "low" | "high" | "n">,
): Estimate {
  const value = after.value - before.value;
  return {
    value,
    low: value - Math.hypot(after.value - after.low, before.high - before.value),
    high: value + Math.hypot(after.high - after.value, before.value - before.low),
    n: Math.min(before.n, after.n),
  };
}

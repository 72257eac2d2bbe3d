/** How sure a judge is of the pairs that training has it rank, step by step: from the log that the run's folder has. @module */
import { sum } from "simple-statistics";
import { markdownTable as table } from "../../base/markdown_table.ts";
import { meanOfBases } from "./measure.ts";
import { stretchOf } from "./judge_over_steps.ts";
import { type OfRun, runsOf } from "./over_runs.ts";
import { number } from "./page_numbers.ts";

/** What a line of a training's log has of its verdicts, where a judge ranks. */
export interface LoggedVerdicts {
  readonly step: number;
  /** Pairs that were judged; of none the others are 0. */
  readonly comparisons?: number;
  /** Mean of |2 P(first) - 1|, both orders averaged. */
  readonly judgeConfidence?: number;
  /** The share of pairs whose two orders name the same answer. */
  readonly judgeConsistent?: number;
}

/** Means over the pairs of some steps. */
export interface Certainty {
  readonly method: string;
  readonly from: number;
  readonly to: number;
  readonly confidence: number;
  readonly orders_agree: number;
}

/** A row a stretch of steps; none of a training that no judge ranked for. */
export function certaintyOf(log: readonly LoggedVerdicts[], method: string): Certainty[] {
  const judged = log.flatMap(({ step, comparisons = 0, judgeConfidence, judgeConsistent }) =>
    comparisons === 0 || judgeConfidence === undefined || judgeConsistent === undefined
      ? []
      : [{ step, comparisons, judgeConfidence, judgeConsistent }]
  );
  return [...Map.groupBy(judged, ({ step }) => stretchOf(step).from).values()].map((some) => {
    const overPairs = (value: (one: typeof some[number]) => number) =>
      sum(some.map((one) => one.comparisons * value(one))) /
      sum(some.map(({ comparisons }) => comparisons));
    return {
      ...{ method, ...stretchOf(some[0].step) },
      confidence: overPairs(({ judgeConfidence }) => judgeConfidence),
      orders_agree: overPairs(({ judgeConsistent }) => judgeConsistent),
    };
  });
}

/** A line a method and stretch: means of bases' means. */
export function certaintyTable(rows: readonly (Certainty & OfRun)[]): string {
  return table(
    ["method", "steps", "runs", "how sure, 0 to 1", "both orders name the same answer"],
    [...Map.groupBy(rows, ({ method, from }) => JSON.stringify([method, from])).values()].map(
      (some) => [
        ...[some[0].method, `${some[0].from} to ${some[0].to}`, `${runsOf(some)}`],
        ...(["confidence", "orders_agree"] as const)
          .map((name) => number(meanOfBases(some, (row) => row[name]))),
      ],
    ),
  );
}

import { UserError } from "../error.ts";
import type { Rng } from "../random.ts";
import { bootstrap, type Estimate } from "../statistics.ts";
import { type Comparison, type Judgment, larger, type Winner } from "./judgment.ts";

/** What a judge is worth on pairs whose better answer is known; each number with its interval. */
export interface JudgeReport {
  /** Share of pairs in which the preferred answer wins; a tie counts one half. */
  readonly accuracy: Estimate;
  /** Accuracy of preferring the answer with more characters, on the same pairs. */
  readonly longerWinsAccuracy: Estimate;
  /** Share of pairs in which the preferred answer has more characters. */
  readonly preferredLonger: Estimate;
  /** Share of pairs whose two orders, each taken alone, do not name the same winner. */
  readonly flipRate: Estimate;
  /** Share of single orders that name the first seat (a tie one half); 0.5 is fair. */
  readonly firstSeatRate: Estimate;
  /** Share of pairs without a winner. */
  readonly tieRate: Estimate;
  /** Mean probability on the two labels together. */
  readonly mass: Estimate;
  /** Share of pairs on which that probability was below the judge's threshold. */
  readonly unansweredRate: Estimate;
}

/** Settings of {@linkcode judgeReport}. */
export interface JudgeReportOptions {
  /** What was judged, in the order of the judgments. */
  readonly comparisons: readonly Comparison[];
  /** Which answer is known to be the better one: one word for all pairs, or one a pair. */
  readonly preferred: "first" | "second" | readonly ("first" | "second")[];
  /** Where the bootstrap's resamples come from. */
  readonly rng: Rng;
  /** Resamples; 2000 unless said. */
  readonly samples?: number;
  /** Coverage of the intervals; 0.95 unless said. */
  readonly level?: number;
}

/** A report as rows for a table or a CSV file, with the columns of {@linkcode reportRows}. */
export interface ReportRow extends Estimate {
  readonly measure: string;
}

/**
 * Measures a judge against known preferences. Unanswered pairs stay in every rate, with the winner
 * that their small probabilities give; `unansweredRate` says how many there are.
 *
 * @throws {UserError} When there are no judgments, or the lists differ in length.
 */
export function judgeReport(
  judgments: readonly Judgment[],
  options: JudgeReportOptions,
): JudgeReport {
  const { comparisons, rng, samples, level } = options;
  const preferred = typeof options.preferred === "string"
    ? judgments.map(() => options.preferred as "first" | "second")
    : options.preferred;
  if (judgments.length === 0) {
    throw new UserError(
      "a judge cannot be measured on no judgments",
      "pass one pair at least; if a filter left none, loosen it",
    );
  }
  if (comparisons.length !== judgments.length || preferred.length !== judgments.length) {
    throw new UserError(
      `${judgments.length} judgments, ${comparisons.length} comparisons and ${preferred.length} ` +
        "preferences do not belong together",
      "pass one comparison and one preference for every judgment",
    );
  }
  const measure = (value: (judgment: Judgment, index: number) => number): Estimate =>
    bootstrap(judgments.map(value), { rng, samples, level });
  const longer = comparisons.map(({ first, second }) => larger(first.length, second.length));
  return {
    accuracy: measure(({ winner }, i) => credit(winner, preferred[i])),
    longerWinsAccuracy: measure((_, i) => credit(longer[i], preferred[i])),
    preferredLonger: measure((_, i) => Number(longer[i] === preferred[i])),
    flipRate: measure(({ consistent }) => Number(!consistent)),
    firstSeatRate: measure(({ forward, backward }) =>
      (credit(larger(forward.a, forward.b), "first") +
        credit(larger(backward.a, backward.b), "first")) / 2
    ),
    tieRate: measure(({ winner }) => Number(winner === "tie")),
    mass: measure(({ mass }) => mass),
    unansweredRate: measure(({ answered }) => Number(!answered)),
  };
}

/**
 * The rows of a report: `measure`, `value`, `low`, `high`, `n`.
 *
 * @example
 * ```ts
 * import Papa from "papaparse";
 * import { type JudgeReport, reportRows } from "./report.ts";
 * const toCsv = (report: JudgeReport) => Papa.unparse(reportRows(report));
 * ```
 */
export function reportRows(report: JudgeReport): ReportRow[] {
  return Object.entries(report).map(([measure, estimate]) => ({ measure, ...estimate }));
}

function credit(winner: Winner, preferred: "first" | "second"): number {
  return winner === "tie" ? 0.5 : Number(winner === preferred);
}

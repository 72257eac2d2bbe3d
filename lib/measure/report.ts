import { UserError } from "../base/error.ts";
import { promptKey } from "../preference/mod.ts";
import type { Estimate } from "./statistics.ts";
import { calibrationFloor, call, reliabilityCurve, type ReliabilityRow } from "./calibration.ts";
import { calibrationMeasure } from "./calibration_interval.ts";
import type { Comparison, Judgment, Winner } from "../method/judgment.ts";
import { type JudgedPair, type MeasureName, pairStatistics, pFirstOf } from "./measures.ts";
import { measureAll, type ResampleOptions, type SumStatistic } from "./resample.ts";
import { type RoundRobin, triplesOf } from "./round_robin.ts";

/** The measures of a short report, in the order of its table; `MEASURES` says what each means. */
const SHORT_REPORT = [
  "accuracy",
  "longerWinsAccuracy",
  "preferredLonger",
  "flipRate",
  "firstPositionRate",
  "tieRate",
  "labelProbability",
  "unansweredRate",
] as const satisfies readonly MeasureName[];

/** The quality of a judge on pairs whose better answer is known, each number with its interval. */
export type JudgeReport = Readonly<Record<typeof SHORT_REPORT[number], Estimate>>;

/** Settings of {@linkcode judgeMeasures}. */
export interface JudgeReportOptions extends Omit<ResampleOptions, "clusters"> {
  /** What was judged, in the order of the judgments. */
  readonly comparisons: readonly Comparison[];
  /** Which answer is known to be the better one: one word for all pairs, or one per pair. */
  readonly preferred: "first" | "second" | readonly ("first" | "second")[];
}

/** Settings of {@linkcode fullReport}. */
export interface FullReportOptions extends Omit<JudgeReportOptions, "preferred"> {
  /** Which answer is the better one; null where nobody says, `"tie"` where neither is. */
  readonly labels: readonly (Winner | null)[];
  /** Probability by the labels that the first answer is better, where they say how sure they are. */
  readonly labelProbabilities?: readonly (number | null)[];
  /** Which answer the judge itself wrote; null where neither or both. */
  readonly own?: readonly ("first" | "second" | null)[];
  /** Group of each pair, drawn together in a resample. @default its prompt, where there is more than one */
  readonly clusters?: readonly string[];
  /** The judge's round robins among three or more answers, for intransitive triples. */
  readonly roundRobins?: readonly { readonly cluster: string; readonly played: RoundRobin }[];
}

/** Every measure of a judge; null with a reason where the pairs do not define one. */
export interface FullReport {
  /** The measures by name, in the order of a table; `MEASURES` says what each means. */
  readonly measures: Readonly<Record<string, Estimate<number | null>>>;
  readonly reliability: readonly ReliabilityRow[];
}

/** A number of a report as a row of a table or a CSV file. */
export type ReportRow<Measured> = { readonly measure: string } & Measured;

/**
 * The measures that are defined, as a report has them. One pair alone has no interval; the range of what is
 * possible is the honest one.
 */
export function definedReport(
  measures: Readonly<Record<keyof JudgeReport, Estimate<number | null>>>,
): Partial<JudgeReport> {
  return Object.fromEntries(SHORT_REPORT.flatMap((name) => {
    const { value, low, high, n } = measures[name];
    return value === null ? [] : [[name, { value, low: low ?? 0, high: high ?? 1, n }]];
  }));
}

/**
 * Measures a judge against known preferences; null with a reason where a measure is not defined. Pairs with the
 * same prompt are resampled together.
 *
 * A pair that the judge did not answer (P(A) + P(B) below its threshold) counts a half where right and wrong are
 * counted, so that a judge that answers only what is easy gains nothing by it. It is a failure, not a tie, and not
 * consistent. Read the rates together with `unansweredRate`, the share of such pairs.
 *
 * @throws {UserError} When there are no judgments, or the lists differ in length.
 */
export function judgeMeasures(
  judgments: readonly Judgment[],
  options: JudgeReportOptions,
): Record<keyof JudgeReport, Estimate<number | null>> {
  const labels = typeof options.preferred === "string"
    ? judgments.map(() => options.preferred as "first" | "second")
    : options.preferred;
  const pairs = judgedPairs(judgments, { ...options, labels });
  const statistics = pairStatistics(pairs);
  const chosen = Object.fromEntries(SHORT_REPORT.map((name) => [name, statistics[name]]));
  const { rng, samples, level } = options;
  return measureAll(chosen as Record<keyof JudgeReport, SumStatistic>, {
    clusters: pairs.map(({ cluster }) => cluster),
    rng,
    samples,
    level,
  });
}

/**
 * Measures a judge in every way that the pairs allow: agreement with labels, positions, length,
 * self-preference, calibration and, given round robins, transitivity. See `MEASURES`. A pair without an answer counts
 * a half, as {@linkcode judgeMeasures} says, and is a confidence of 0.5 that is half right.
 *
 * Every measure is the same when the two answers of pairs are swapped, together with what was judged and
 * said of them, but for `kappa`, which needs an order of the answers that their quality has not made.
 *
 * @throws {UserError} When there are no judgments, or the lists differ in length.
 */
export function fullReport(
  judgments: readonly Judgment[],
  options: FullReportOptions,
): FullReport {
  const { rng, samples, level, roundRobins = [] } = options;
  const pairs = judgedPairs(judgments, options);
  const clusters = pairs.map(({ cluster }) => cluster);
  const calls = pairs.map(({ judgment, label }) =>
    label === "first" || label === "second" ? call(pFirstOf(judgment), label) : null
  );
  const known = calls.filter((made) => made !== null);
  const overconfidence: SumStatistic = {
    rows: calls.map((made) => made && [1, made.confidence - made.right]),
    of: ([n, sum]) => n > 0 ? sum / n : null,
    undefinedWhen: "no pair has a label that may be used and is not a tie",
  };
  const measures: Record<string, Estimate<number | null>> = measureAll(
    { ...pairStatistics(pairs), overconfidence },
    { clusters, rng, samples, level },
  );
  measures.calibrationError = calibrationMeasure(calls, { clusters, rng, level });
  measures.calibrationFloor = {
    ...calibrationFloor(known, { rng }),
    clusters: known.length === 0 ? 0 : measures.calibrationError.clusters,
  };
  measures.intransitiveTriples = intransitive(roundRobins, { rng, samples, level });
  return {
    measures,
    reliability: reliabilityCurve(calls, { clusters, rng, samples, level }),
  };
}

function intransitive(
  roundRobins: NonNullable<FullReportOptions["roundRobins"]>,
  options: Pick<FullReportOptions, "rng" | "samples" | "level">,
): Estimate<number | null> {
  const triples = roundRobins.flatMap(({ cluster, played }) =>
    triplesOf(played).map(({ kind }) => ({ cluster, kind }))
  );
  const missing = { value: null, low: null, high: null, n: 0, clusters: 0 };
  if (triples.length === 0) {
    return { ...missing, reason: "no three answers to one prompt were all compared" };
  }
  const { share } = measureAll({
    share: {
      rows: triples.map(({ kind }) => kind === "tied" ? null : [1, Number(kind === "cycle")]),
      of: ([n, cycles]) => n > 0 ? cycles / n : null,
      undefinedWhen: "every triple has a tie in it",
      share: true,
    },
  }, { ...options, clusters: triples.map(({ cluster }) => cluster) });
  return share;
}

/**
 * Brings together what is known of each pair, once the lists are seen to belong together.
 *
 * @throws {UserError} When there are no judgments, or the lists differ in length.
 */
export function judgedPairs(
  judgments: readonly Judgment[],
  options: Pick<
    FullReportOptions,
    "comparisons" | "labels" | "labelProbabilities" | "own" | "clusters"
  >,
): JudgedPair[] {
  const { comparisons, labels, labelProbabilities, own, clusters } = options;
  if (judgments.length === 0) {
    throw new UserError(
      "a judge cannot be measured on no judgments",
      "pass one pair at least; if a filter left none, loosen it",
    );
  }
  const lists = { comparisons, preferences: labels, labelProbabilities, own, clusters };
  for (const [name, list] of Object.entries(lists)) {
    if (list !== undefined && list.length !== judgments.length) {
      throw new UserError(
        `${judgments.length} judgments and ${list.length} ${name} do not belong together`,
        "pass one comparison and one preference for every judgment",
      );
    }
  }
  const prompts = comparisons.map(({ prompt }) => promptKey(prompt));
  // Pairs of one single prompt say something of its answers, each for itself.
  const groups = clusters ?? (new Set(prompts).size > 1 ? prompts : prompts.map((_, i) => `${i}`));
  return judgments.map((judgment, i): JudgedPair => ({
    judgment,
    comparison: comparisons[i],
    label: labels[i],
    labelProbability: labelProbabilities?.[i] ?? null,
    own: own?.[i] ?? null,
    cluster: groups[i],
  }));
}

/**
 * The rows of a report: `measure`, `value`, `low`, `high`, `n`; what is not defined is null, with its `reason`.
 *
 * @example
 * ```ts
 * import Papa from "papaparse";
 * import { type FullReport, reportRows } from "./report.ts";
 * const toCsv = (report: FullReport) => Papa.unparse(reportRows(report.measures));
 * ```
 */
export function reportRows<Measured extends Estimate<number | null>>(
  report: Readonly<Partial<Record<string, Measured>>>,
): ReportRow<Measured>[] {
  return Object.entries(report).flatMap(([measure, found]) =>
    found === undefined ? [] : [{ measure, ...found }]
  );
}

import { intervalText, textTable } from "../base/text_table.ts";
import type { MeasuredJudge } from "./measure_judge.ts";
import { type MeasureName, MEASURES } from "./measures.ts";
import type { Estimate } from "./statistics.ts";

/** One row of a report's CSV file. */
export interface JudgeCsvRow extends Estimate<number | null> {
  readonly judge: string;
  readonly measure: MeasureName;
}

/** All measures of all judges as rows; an undefined one has empty cells and its reason. */
export function judgeCsvRows(judges: readonly MeasuredJudge[]): JudgeCsvRow[] {
  return judges.flatMap(({ name, report }) =>
    names().map((measure) => {
      const { value, low, high, n, clusters, reason } = report.measures[measure];
      return { judge: name, measure, value, low, high, n, clusters, reason: reason ?? "" };
    })
  );
}

/** A value with its interval and what it rests on, such as `0.517 [0.460, 0.570] 300`. */
function cell(estimate: Estimate<number | null>): string {
  return estimate.value === null
    ? "n/a"
    : `${intervalText(estimate, { none: "[n/a]" })} ${estimate.n}`;
}

/**
 * The report of one judge and those beside it as a table for the terminal, followed by what is not
 * defined and why.
 */
export function reportText(judges: readonly MeasuredJudge[]): string {
  const head = ["measure", ...judges.map(({ name }) => name)];
  const rows = PRINTED.map((measure) => [
    measure,
    ...judges.map(({ report }) => cell(report.measures[measure])),
  ]);
  const curves = judges.flatMap(({ name, report }) => [
    "",
    `reliability of ${name}${report.reliability.length === 0 ? ": n/a, no pair has a label" : ""}`,
    ...report.reliability.map(({ from, to, n, confidence, accuracy, low, high }) =>
      `  ${from.toFixed(2)}-${to.toFixed(2)}  confidence ${confidence.toFixed(3)}  accuracy ` +
      cell({ value: accuracy, low, high, n, clusters: n })
    ),
  ]);
  return [
    "value [95 % interval] n",
    textTable([head, ...rows]),
    ...reasons(judges),
    ...curves,
  ].join("\n");
}

/** What the measures and their intervals are, a line each. */
export function glossary(): string {
  return textTable(Object.entries({
    ...MEASURES,
    "[low, high]":
      "95 % interval: a bootstrap's over prompts; Wilson's of a share where all resamples are alike; " +
      "of calibrationError an inverted test's, of calibrationFloor the range of samples",
  }));
}

function reasons(judges: readonly MeasuredJudge[]): string[] {
  const found = new Map<string, Set<string>>();
  for (const { report } of judges) {
    for (const measure of names()) {
      const { reason } = report.measures[measure];
      if (reason !== undefined) found.set(reason, (found.get(reason) ?? new Set()).add(measure));
    }
  }
  if (found.size === 0) return [];
  return ["", "n/a:", ...[...found].map(([why, which]) => `  ${[...which].join(", ")}: ${why}`)];
}

/** The order of the printed table: the share unanswered stands beside the accuracy that it qualifies. */
const PRINTED = [...new Set<MeasureName>(["accuracy", "unansweredRate", ...names()])];

function names(): MeasureName[] {
  return Object.keys(MEASURES) as MeasureName[];
}

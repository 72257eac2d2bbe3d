import type { ModelComparison } from "./compare.ts";
import type { Rate } from "./rate.ts";
import type { WinRate } from "./win_rate.ts";

/** A row of the CSV file that `deno task winrate --csv` writes; rates and errors in percent. */
export interface WinRateRow {
  readonly model: string;
  readonly n: number;
  readonly win_rate: number;
  readonly standard_error: number | null;
  readonly lc_win_rate: number | null;
  readonly lc_standard_error: number | null;
  /** Characters. */
  readonly avg_length: number | null;
}

/** The CSV row of a win rate; what could not be computed is null, an empty cell. */
export function csvRow(
  { model, n, rate, standardError, controlled, lengths }: WinRate,
): WinRateRow {
  return {
    model,
    n,
    win_rate: rate.value,
    standard_error: standardError,
    lc_win_rate: controlled?.rate ?? null,
    lc_standard_error: controlled?.standardError ?? null,
    avg_length: lengths.model,
  };
}

const LEGEND = `\
win rate: mean preference for the model against the baseline, %; SE: its standard error; LC: length-controlled
(AlpacaEval's minimal variant, whose own SE is 0 by construction: read the interval); length: mean characters,
the baseline's in brackets; longer wins: the rate a judge of length alone would give, and how often the
annotator agrees with it. [low, high]: 95 % bootstrap interval over instructions, Wilson's where all are alike,
none where nothing varies; n after it: comparisons it rests on, where they are fewer than the row's.`;

/** The table for the terminal with what its columns mean. */
export function winRateTable(rates: readonly WinRate[]): string {
  const header = ["model", "n", "ties", "win rate", "SE", "LC", "length", "longer wins", "agrees"];
  const rows = rates.map(({ controlled, lengths, longerJudge, ...row }) => [
    row.model,
    String(row.n),
    String(row.ties),
    interval(row.rate),
    row.standardError?.toFixed(2) ?? "-",
    controlled === null
      ? "-"
      : interval({ ...controlled.interval, value: controlled.rate, n: controlled.n }, row.n),
    `${lengths.model?.toFixed(0) ?? "-"} (${lengths.baseline?.toFixed(0) ?? "-"})`,
    longerJudge === null ? "-" : interval(longerJudge.rate, row.n),
    longerJudge === null ? "-" : interval(longerJudge.agreement, row.n),
  ]);
  return `${layOut([header, ...rows])}\n\n${LEGEND}`;
}

/** Differences to one model, a row each. */
export function comparisonTable(comparisons: readonly ModelComparison[]): string {
  const header = [
    "model",
    "n",
    `less ${comparisons[0].second}`,
    "SE",
    "better / equal / worse",
    "left out",
  ];
  const rows = comparisons.map(({ first, difference, standardError, leftOut, ...row }) => [
    first,
    String(difference.n),
    interval(difference),
    standardError?.toFixed(2) ?? "-",
    `${row.better} / ${row.equal} / ${row.worse}`,
    Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`).join(", "),
  ]);
  return layOut([header, ...rows]);
}

/** @param all Comparisons of the row: a number that rests on fewer says on how many. */
function interval({ value, low, high, n }: Rate, all = n): string {
  const ends = low === null || high === null ? "" : ` [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  return `${value.toFixed(2)}${ends}${n < all ? ` n ${n}` : ""}`;
}

/** Columns as wide as their widest cell. */
export function layOut(cells: readonly (readonly string[])[]): string {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd())
    .join("\n");
}

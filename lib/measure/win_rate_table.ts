import { intervalText, textTable } from "../base/text_table.ts";
import type { ModelComparison } from "./compare.ts";
import type { Estimate } from "./statistics.ts";
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
  return `${textTable([header, ...rows])}\n\n${LEGEND}`;
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
  return textTable([header, ...rows]);
}

/** @param all Comparisons of the row: a number that rests on fewer says on how many. */
function interval(rate: Estimate<number, number | null>, all = rate.n): string {
  return intervalText(rate, { digits: 2 }) + (rate.n < all ? ` n ${rate.n}` : "");
}

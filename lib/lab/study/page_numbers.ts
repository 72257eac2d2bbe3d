/** Numbers and tables as the page of claims writes them. @module */
import { mean } from "./measure.ts";

export const number = (value: number, digits = 3) => value.toFixed(digits);
export const signed = (value: number) => `${value < 0 ? "-" : "+"}${number(Math.abs(value))}`;

/** An interval's ends, or nothing where it has none. */
export const interval = (
  { low, high }: { low: number | null; high: number | null },
  text = signed,
) => low === null || high === null ? "" : `[${text(low)}, ${text(high)}]`;

export const percent = (value: number) => `${Math.round(100 * value)} %`;

/** The mean of bases' means of a number, however many runs each has. */
export function meanOfBases<Row extends { readonly base: string }>(
  rows: readonly Row[],
  value: (row: Row) => number,
): number {
  return mean(
    [...Map.groupBy(rows, ({ base }) => base).values()].map((some) => mean(some.map(value))),
  );
}

/** Runs behind some rows. */
export const runsOf = (rows: readonly { readonly base: string; readonly seed: number }[]) =>
  new Set(rows.map(({ base, seed }) => `${base}/${seed}`)).size;

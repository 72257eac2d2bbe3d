/** How the README's and the results' sentences write what the tables of claims have. */
import type { overSeeds } from "../lib/measure/statistics.ts";
import type { CsvRow } from "./csv_files.ts";

/** A page with its line breaks as blanks, and its tables' rules alike. */
export const prose = async (path: string) =>
  (await Deno.readTextFile(path)).replace(/\s+/g, " ").replace(/-{3,}/g, "---");

export const mean = (values: readonly number[]) =>
  values.reduce((a, b) => a + b, 0) / values.length;

export const signed = (value: unknown, digits = 2) =>
  (Number(value) < 0 ? "-" : "+") + Math.abs(Number(value)).toFixed(digits);

export const fixed = (value: unknown, digits = 2) => Number(value).toFixed(digits);

/** The bounds of an interval. */
export const bounds = ({ low, high }: { low: unknown; high: unknown }, digits = 2) =>
  `[${signed(low, digits)}, ${signed(high, digits)}]`;

/** A contrast's difference with its interval. */
export const by = (row: CsvRow) => `${signed(row.difference, 3)} ${bounds(row as never, 3)}`;

/** A mean with its interval. */
export const withInterval = (
  one: Pick<ReturnType<typeof overSeeds>, "value" | "low" | "high">,
  digits = 2,
) => `${signed(one.value, digits)} ${bounds(one, digits)}`;

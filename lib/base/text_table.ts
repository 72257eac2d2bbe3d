/** Text for a terminal: rows in columns, and a number with its interval. @module */

/**
 * Rows as lines of text: every column as wide as its widest cell, two blanks between columns.
 *
 * @example
 * ```ts
 * import { textTable } from "./text_table.ts";
 * textTable([["measure", "value"], ["accuracy", "0.9"]]); // "measure   value\naccuracy  0.9"
 * ```
 */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()
  ).join("\n");
}

/**
 * A value with its interval, such as `0.517 [0.460, 0.570]`; `n/a` where there is no value.
 *
 * @param options.digits Digits after the point. @default 3
 * @param options.none What stands for an interval where there is none. @default ""
 */
export function intervalText(
  { value, low, high }: {
    readonly value: number | null;
    readonly low: number | null;
    readonly high: number | null;
  },
  { digits = 3, none = "" }: { readonly digits?: number; readonly none?: string } = {},
): string {
  if (value === null) return "n/a";
  const text = (number: number) => number.toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
  const interval = low === null || high === null ? none : `[${text(low)}, ${text(high)}]`;
  return `${text(value)} ${interval}`.trimEnd();
}

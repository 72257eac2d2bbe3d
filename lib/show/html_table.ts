/** Records as an HTML table and as plain text, numbers rounded alike in both. */
import { UserError } from "../base/error.ts";

/** How a table is shown. */
export interface TableOptions {
  /** Fields to show, in order, with their headings if these differ. @default all, by first appearance */
  columns?: readonly string[] | Readonly<Record<string, string>>;
  /** Significant digits of numbers that are not whole. @default 3 */
  digits?: number;
  /** A line above the table. */
  caption?: string;
  /** Rows shown; the table says how many are left out. @default 30 */
  head?: number;
}

/**
 * The table in both forms.
 *
 * @throws {UserError} for a NaN, an infinity or a nested value, naming row and field
 */
export function table(
  rows: readonly object[],
  { columns, digits = 3, caption, head = 30 }: TableOptions = {},
): { html: string; plain: string } {
  const names = headings(rows, columns);
  const shown = rows.slice(0, head) as Record<string, unknown>[];
  const decimals = names.map(([field]) =>
    sharedDecimals(
      shown.map((row) => row[field]).filter((value) => typeof value === "number"),
      digits,
    )
  );
  const cells = shown.map((row, index) =>
    names.map(([field], column) => {
      const value = row[field];
      const number = { digits, decimals: decimals[column] };
      return { text: format(value, { field, index, ...number }), right: typeof value === "number" };
    })
  );
  const rest = rows.length - shown.length;
  const more = rest > 0 ? `${rest} more row${rest === 1 ? "" : "s"}` : "";
  return {
    html: toHtml(names, cells, { caption, more }),
    plain: toText(names, cells, { caption, more }),
  };
}

type Names = readonly (readonly [field: string, heading: string])[];
type Cells = readonly (readonly { text: string; right: boolean }[])[];
type Frame = { caption?: string; more: string };

function headings(rows: readonly object[], columns: TableOptions["columns"]): Names {
  if (columns && !Array.isArray(columns)) return Object.entries(columns);
  const fields = columns as readonly string[] | undefined ??
    [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return fields.map((field) => [field, field]);
}

function format(
  value: unknown,
  { field, index, digits, decimals }: {
    field: string;
    index: number;
    digits: number;
    decimals: number | null;
  },
): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) {
    return decimals === null ? formatNumber(value, digits) : value.toFixed(decimals);
  }
  const what = typeof value === "object" ? JSON.stringify(value) : String(value);
  throw new UserError(
    `row ${index + 1} of the table: "${field}" is ${what}`,
    "give a text, a finite number, a boolean, or null where there is no value",
  );
}

/** Whole numbers as they are, others with so many significant digits, never in a mix of notations. */
export function formatNumber(value: number, digits = 3): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 10 ** digits) return value.toFixed(0);
  return size < 1e-4 ? value.toExponential(digits - 1) : value.toPrecision(digits);
}

/**
 * Decimals that numbers shown together have in common, such as those of a column or of a value and its interval: of
 * the largest so many significant digits, below ten as many decimals. Whole numbers need none.
 *
 * @returns null where no number of decimals does them justice: a small one would be shown as 0, or 0.69 as 1
 *
 * @example
 * ```ts
 * import { sharedDecimals } from "./html_table.ts";
 * sharedDecimals([2, 2.4, -0.8667]); // 3: 2.000, 2.400, -0.867
 * sharedDecimals([76.9, 5]); // 1: 76.9, 5.0
 * sharedDecimals([0.03, 0.015]); // 3: 0.030, 0.015
 * sharedDecimals([0.9, 0.00001]); // null
 * ```
 */
export function sharedDecimals(values: readonly number[], digits = 3): number | null {
  if (values.every(Number.isInteger)) return 0;
  const largest = Math.max(...values.map(Math.abs));
  const whole = largest < 10 ? 0 : Math.floor(Math.log10(largest)) + 1;
  const decimals = Math.max(0, digits - whole);
  const least = decimals === 0 ? 2 : 0.5 * 10 ** -decimals; // of whole numbers 1 may be 0.5 as well as 1.5
  const lost = (value: number) =>
    value !== 0 && Math.abs(value) < least && !Number.isInteger(value);
  return values.some(lost) ? null : decimals;
}

/** Text that HTML takes literally. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function toHtml(names: Names, cells: Cells, { caption, more }: Frame): string {
  const cell = (tag: string, text: string, right: boolean) =>
    `<${tag} style="text-align:${right ? "right" : "left"}">${
      escapeHtml(text).replaceAll("\n", "<br>")
    }</${tag}>`;
  const right = names.map((_, i) =>
    cells.length > 0 && cells.every((row) => row[i].right || row[i].text === "")
  );
  return [
    "<table>",
    ...(caption ? [`<caption style="text-align:left">${escapeHtml(caption)}</caption>`] : []),
    `<thead><tr>${names.map(([, text], i) => cell("th", text, right[i])).join("")}</tr></thead>`,
    "<tbody>",
    ...cells.map((row) =>
      `<tr>${row.map(({ text }, i) => cell("td", text, right[i])).join("")}</tr>`
    ),
    "</tbody>",
    "</table>",
    ...(more ? [`<p>${more}</p>`] : []),
  ].join("\n");
}

function toText(names: Names, cells: Cells, { caption, more }: Frame): string {
  const line = (text: string) => text.replaceAll("\n", " / ");
  const widths = names.map(([, heading], i) =>
    Math.max(heading.length, ...cells.map((row) => line(row[i].text).length))
  );
  const pad = (text: string, i: number, right: boolean) =>
    right ? line(text).padStart(widths[i]) : line(text).padEnd(widths[i]);
  const right = names.map((_, i) =>
    cells.length > 0 && cells.every((row) => row[i].right || row[i].text === "")
  );
  return [
    ...(caption ? [caption] : []),
    names.map(([, heading], i) => pad(heading, i, right[i])).join("  ").trimEnd(),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...cells.map((row) => row.map(({ text }, i) => pad(text, i, right[i])).join("  ").trimEnd()),
    ...(more ? [`... ${more}`] : []),
  ].join("\n");
}

/** Words about a number and its interval: one way in all notebooks, true whatever the numbers are. */
import { formatNumber, sharedDecimals } from "./html_table.ts";
import { type NumberCell, numberOf } from "../base/csv.ts";

/** A value with its interval: an estimate, a measure of a report, a row of a table. */
export interface Interval {
  readonly value?: NumberCell;
  readonly low?: NumberCell;
  readonly high?: NumberCell;
}

/**
 * A value and its interval as text; the value alone where it has no interval.
 *
 * @example
 * ```ts
 * import { intervalText } from "./reading.ts";
 * intervalText({ value: 0.3149, low: 0.12, high: 0.5 }); // "0.315 [0.120, 0.500]"
 * ```
 */
export function intervalText({ value, low, high }: Interval, digits = 3): string {
  const [middle, least, most] = [value, low, high].map(numberOf);
  if (middle === null) return "(not known)";
  if (least === null || most === null) return formatNumber(middle, digits);
  const decimals = sharedDecimals([middle, least, most], digits);
  const [text, ...ends] = [middle, least, most].map((number) =>
    decimals === null ? formatNumber(number, digits) : number.toFixed(decimals)
  );
  return `${text} [${ends.join(", ")}]`;
}

/** What to say of each outcome, and the value that is asked about. */
export interface ReadingWords {
  readonly above: string;
  readonly below: string;
  /** Where the interval holds the value, or there is no interval. */
  readonly open?: string;
  /** What it is compared with. @default 0, as for a difference */
  readonly at?: number;
}

/**
 * Which of three things an interval shows: all of it above a value, all of it below, or neither.
 *
 * @example
 * ```ts
 * import { reading } from "./reading.ts";
 * reading({ low: -0.1, high: 0.3 }, { above: "better", below: "worse" }); // "no difference shown"
 * ```
 */
export function reading(
  { low, high }: Interval,
  { above, below, open = "no difference shown", at = 0 }: ReadingWords,
): string {
  const [least, most] = [numberOf(low), numberOf(high)];
  if (least !== null && least > at) return above;
  return most !== null && most < at ? below : open;
}

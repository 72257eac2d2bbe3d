/** Numbers and tables as the page of claims writes them. @module */

export const number = (value: number, digits = 3) => value.toFixed(digits);
export const signed = (value: number) => `${value < 0 ? "-" : "+"}${number(Math.abs(value))}`;

/** An interval's ends, or nothing where it has none. */
export const interval = (
  { low, high }: { low: number | null; high: number | null },
  text = signed,
) => low === null || high === null ? "" : `[${text(low)}, ${text(high)}]`;

/** What came out on each base. */
export const onEachBase = (
  { perBase }: { perBase: Readonly<Record<string, number>> },
  between: string,
) => Object.entries(perBase).map(([base, value]) => `${base}: ${signed(value)}`).join(between);

export const percent = (value: number) => `${Math.round(100 * value)} %`;

import { z } from "zod";

/** A value that fits a schema, or the reason why it does not, with what was found. */
export type Parsed<T> =
  | { readonly value: T }
  | { readonly reason: string; readonly detail?: string };

/** Python's names of numbers that JSON has none for, and strings, in which they are just letters. */
const NON_FINITE = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g;

/**
 * JSON text as a value; the reason is the same for all broken lines, so that it can be counted. Python's bare `NaN`
 * and `Infinity`, numbers that are missing or out of range, are null.
 */
export function parseJson(text: string): Parsed<unknown> {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    try {
      const nulls = text.replace(NON_FINITE, (found) => found.startsWith('"') ? found : "null");
      if (nulls !== text) return { value: JSON.parse(nulls) };
    } catch { /* The first fault is the one to name. */ }
    return {
      reason: "the line is not JSON",
      detail: `${(error as Error).message}: ${quote(text)}`,
    };
  }
}

/** Checks a value against a zod schema; the reason names the first field at fault. */
export function parseRecord<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const { path, message } = result.error.issues[0];
  if (path.length === 0) return { reason: message, detail: quote(value) };
  const found = path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
  if (found === undefined) return { reason: `"${path.join(".")}" is missing` };
  return { reason: `"${path.join(".")}": ${message}`, detail: quote(found) };
}

/** A value as it is shown in a message: JSON, at most 80 characters. */
export function quote(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : JSON.stringify(value) ?? "";
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

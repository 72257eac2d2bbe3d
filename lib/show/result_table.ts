import type { z } from "zod";
import { anyRow, parseRows } from "../base/csv.ts";
import { readIfThere } from "../base/files.ts";

/**
 * The rows of a CSV file of results, or null where it has not been made yet, so that a notebook can say which
 * command makes it.
 *
 * @param row What a row has to be. @default what reads as a number is one, the rest is text
 * @throws {UserError} for a damaged table, naming file and row
 */
export async function resultTable<Row = Record<string, string | number>>(
  path: string,
  row: z.ZodType<Row> = anyRow as unknown as z.ZodType<Row>,
): Promise<Row[] | null> {
  const text = await readIfThere(path);
  return text === null ? null : parseRows(text, { path, row });
}

import { anyRow, parseRows } from "./tables.ts";

/**
 * The rows of a CSV file of results, or null where it has not been made yet, so that a notebook can say which
 * command makes it.
 *
 * @throws {UserError} for a damaged table, naming file and row
 */
export async function resultTable(path: string): Promise<Record<string, string | number>[] | null> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  return parseRows(text, { path, row: anyRow });
}

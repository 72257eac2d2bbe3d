/** CSV files, read by another reader than the library's own. */
// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { ROOT } from "../lib/tools/setup/places.ts";

/** A row by column; what looks like a number is one, and an empty cell is null. */
export type CsvRow = Record<string, string | number>;

/** Rows of a CSV file, its path absolute or from the top of the checkout. */
export async function csv(path: string): Promise<CsvRow[]> {
  const text = await Deno.readTextFile(path.startsWith("/") ? path : `${ROOT}/${path}`);
  return Papa.parse<CsvRow>(text, { header: true, dynamicTyping: true, skipEmptyLines: true }).data;
}

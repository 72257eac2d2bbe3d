/** Tables and JSON in files: written whole or not at all, and read back with errors that name the place. */
import Papa from "papaparse";
import { onDisk, readIfThere, writeWhole } from "./disk.ts";
import { UserError } from "./error.ts";
import { macrotask } from "./turn.ts";

export {
  exists,
  lockFolder,
  lockIfFree,
  makeFolder,
  readIfThere,
  removeIfThere,
  sha256Of,
  sizeOf,
  writeWhole,
} from "./disk.ts";

/** Writes rows as CSV; the columns are those of all rows, in order of first appearance. */
export async function writeCsv(path: string, rows: readonly object[]): Promise<void> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  await writeWhole(path, Papa.unparse([...rows], { columns, newline: "\n" }) + "\n");
}

/** Writes values as JSON lines. */
export async function writeJsonl(path: string, values: readonly unknown[]): Promise<void> {
  await writeWhole(path, values.map((value) => JSON.stringify(value) + "\n").join(""));
}

/** Adds values to a file of JSON lines, as long work does after each step: Ctrl-C is heard there. */
export async function appendJsonl(path: string, values: readonly unknown[]): Promise<void> {
  const lines = values.map((value) => JSON.stringify(value) + "\n").join("");
  await onDisk(path, () => Deno.writeTextFile(path, lines, { append: true }));
  await macrotask();
}

/** Reads JSON lines; a missing file is an empty list, a torn last line (a killed run) is left out. */
export async function readJsonl<T>(path: string): Promise<T[]> {
  const text = await readIfThere(path);
  if (text === null) return [];
  const lines = text.split("\n");
  lines.pop(); // what follows the last newline: nothing, or a torn line
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as T;
    } catch {
      throw new UserError(
        `${path} line ${i + 1} is not JSON`,
        "remove the line, or the run folder",
      );
    }
  });
}

/** Writes a JSON file, indented, whole or not at all. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await writeWhole(path, JSON.stringify(value, null, 2) + "\n");
}

/** Reads a JSON file, or null if there is none. */
export async function readJsonFile<T>(path: string): Promise<T | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`${path} is not JSON: ${reason}`, "remove it, or the run folder", {
      cause,
    });
  }
}

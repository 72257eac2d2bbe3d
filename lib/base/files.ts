/** Files of a run folder: written whole or not at all, and read back with errors that name the place. */
import Papa from "papaparse";
import { UserError } from "./error.ts";

/** Makes a folder. @throws {UserError} naming it, if the disk refuses */
export async function makeFolder(path: string): Promise<void> {
  await onDisk(path, () => Deno.mkdir(path, { recursive: true }));
}

/** Replaces a file's content in one step: a reader sees the old or the new, never a part. */
export async function writeWhole(path: string, content: string): Promise<void> {
  await onDisk(path, async () => {
    await Deno.writeTextFile(`${path}.part`, content);
    await Deno.rename(`${path}.part`, path);
  });
}

/** Writes rows as CSV; the columns are those of all rows, in order of first appearance. */
export async function writeCsv(path: string, rows: readonly object[]): Promise<void> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  await writeWhole(path, Papa.unparse([...rows], { columns, newline: "\n" }) + "\n");
}

/** Writes values as JSON lines. */
export async function writeJsonl(path: string, values: readonly unknown[]): Promise<void> {
  await writeWhole(path, values.map((value) => JSON.stringify(value) + "\n").join(""));
}

/** Adds values to a file of JSON lines. */
export async function appendJsonl(path: string, values: readonly unknown[]): Promise<void> {
  const lines = values.map((value) => JSON.stringify(value) + "\n").join("");
  await onDisk(path, () => Deno.writeTextFile(path, lines, { append: true }));
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

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (cause instanceof NotFound || cause instanceof NotADirectory) return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`cannot read ${path}: ${reason}`, "make it a readable file, or remove it", {
      cause,
    });
  }
}

async function onDisk(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      `cannot write ${path}: ${reason}`,
      "check that the folder is writable and the disk has room, then run the same command again",
      { cause },
    );
  }
}

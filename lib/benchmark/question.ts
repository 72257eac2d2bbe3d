import type { z } from "zod";
import { UserError } from "../base/error.ts";
import { readLines } from "../preference/lines.ts";
import { parseJson, parseRecord } from "../preference/record.ts";

/** One question of a benchmark, of one turn or more. */
export interface BenchmarkQuestion {
  readonly id: number | string;
  readonly category: string;
  /** What the user says, turn by turn. */
  readonly turns: readonly string[];
  /** A known good answer to each turn; null where the benchmark has none or its judges are not shown one. */
  readonly reference: readonly string[] | null;
  /** The right answer to the last turn, where there is one that needs no judge to compare with, such as "42". */
  readonly answer?: string;
}

/**
 * The first `count` questions, taken in turn from each category in order of appearance, so that a few
 * questions touch as many categories as they can; in the order of the list.
 */
export function spread(
  questions: readonly BenchmarkQuestion[],
  count: number,
): BenchmarkQuestion[] {
  const groups = [...Map.groupBy(questions, ({ category }) => category).values()];
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  const taken = new Set(
    Array.from({ length: longest }, (_, i) => groups.flatMap((group) => group.slice(i, i + 1)))
      .flat().slice(0, count),
  );
  return questions.filter((question) => taken.has(question));
}

/**
 * The records of a file of JSON lines, checked; blank lines are passed over.
 *
 * @throws {UserError} Naming file, line and field.
 */
export async function* readRecords<T>(
  file: string,
  schema: z.ZodType<T>,
): AsyncGenerator<{ readonly line: number; readonly value: T }> {
  for await (const row of readLines(file)) {
    if ("reason" in row) throw broken(`${file} line ${row.line}`, row);
    if (row.value.trim() === "") continue;
    const json = parseJson(row.value);
    const parsed = "reason" in json ? json : parseRecord(schema, json.value);
    if ("reason" in parsed) throw broken(`${file} line ${row.line}`, parsed);
    yield { line: row.line, value: parsed.value };
  }
}

/**
 * A check that no id comes twice in a file.
 *
 * @throws {UserError} Thrown by what it gives, naming both lines.
 */
export function uniqueIds(file: string): (id: number | string, line: number) => void {
  const seen = new Map<string, number>();
  return (id, line) => {
    const before = seen.get(String(id));
    if (before !== undefined) {
      throw new UserError(
        `${file} line ${line}: question_id ${id} is that of line ${before}`,
        "give every question its own id",
      );
    }
    seen.set(String(id), line);
  };
}

/** A record that is not as it must be, with its place. */
export function broken(
  place: string,
  { reason, detail }: { reason: string; detail?: string },
): UserError {
  return new UserError(
    `${place}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
    "correct it, or fetch the file again",
  );
}

/** A file without a question. */
export function noQuestions(file: string): UserError {
  return new UserError(`${file} holds no question`, "give a file with at least one");
}

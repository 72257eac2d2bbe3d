import { dirname } from "node:path";
import { unwritable } from "./disk.ts";
import { UserError } from "./error.ts";

/** Answers by key, in memory and, with a path, as lines of a JSONL file that a later run resumes from. */
export interface KeptAnswers<Value> {
  /** Look-ups that found an entry, and that did not, since the file was opened. */
  readonly counts: { hits: number; misses: number };
  /** The stored answer, counted as a hit or a miss. */
  get(key: string): Value | undefined;
  /** Stores answers, and appends them to the file in one write. */
  add(entries: readonly (readonly [string, Value])[]): void;
}

/**
 * Opens kept answers.
 *
 * @param options.keeps Whether an answer is kept; one that is not is not taken from the file either. @default all are
 * @param options.write The fields of a line beside its key.
 * @param options.read An answer from the fields of a line; undefined where they are not one.
 * @param options.what What a line holds, for messages: "a stored judgment".
 * @throws {UserError} When a whole line of the file is not an entry, naming file and line, or the file is another's.
 */
export function keptAnswers<Value>(
  { path, keeps = () => true, ...form }: {
    readonly path?: string;
    readonly keeps?: (value: Value) => boolean;
    readonly write: (value: Value) => Record<string, unknown>;
    readonly read: (fields: Record<string, unknown>) => Value | undefined;
    readonly what: string;
  },
): KeptAnswers<Value> {
  const entries = path === undefined ? new Map<string, Value>() : load(path, form);
  for (const [key, value] of entries) if (!keeps(value)) entries.delete(key);
  const counts = { hits: 0, misses: 0 };
  return {
    counts,
    get(key) {
      const found = entries.get(key);
      counts[found === undefined ? "misses" : "hits"]++;
      return found;
    },
    add(answers) {
      const fresh = answers.filter(([key, value]) => !entries.has(key) && keeps(value));
      for (const [key, value] of fresh) entries.set(key, value);
      if (path === undefined || fresh.length === 0) return;
      const lines = fresh.map(([key, value]) =>
        JSON.stringify({ key, ...form.write(value) }) + "\n"
      );
      written(path, () => Deno.writeTextFileSync(path, lines.join(""), { append: true }));
    },
  };
}

type Form<Value> = Pick<Parameters<typeof keptAnswers<Value>>[0], "read" | "what">;

/** Reads the entries of a file, and cuts off what follows its last line end. */
function load<Value>(path: string, form: Form<Value>): Map<string, Value> {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UserError(
        `cannot read ${path}: ${reason}`,
        "name a file of stored answers, or a new one",
        {
          cause: error,
        },
      );
    }
    written(path, () => Deno.mkdirSync(dirname(path), { recursive: true }));
    return new Map();
  }
  const whole = bytes.lastIndexOf(0x0a) + 1; // bytes up to and with the last line end
  const lines = new TextDecoder().decode(bytes).split("\n");
  const torn = lines.pop()!;
  const entries = lines.map((line) => entryOf(line, form));
  const odd = entries.indexOf(null);
  if (odd >= 0) {
    if (entries.every((entry) => entry === null)) throw foreign(path, lines[0], form);
    throw new UserError(
      `${path} line ${odd + 1} is not ${form.what}: ${lines[odd].slice(0, 60)}`,
      "delete that line, or the whole file to ask everything anew",
    );
  }
  if (torn !== "") {
    // Only a file that holds an entry, or the beginning of one, is ours to cut.
    const begins = LINE_BEGIN.startsWith(torn.slice(0, LINE_BEGIN.length));
    if (lines.length === 0 && !begins) throw foreign(path, torn, form);
    written(path, () => Deno.truncateSync(path, whole));
  }
  return new Map(entries as [string, Value][]);
}

/** How every line begins, as {@linkcode keptAnswers} writes it. */
const LINE_BEGIN = '{"key":"';

/** The error of a file of which no line was stored here. */
function foreign(path: string, line: string, { what }: Pick<Form<never>, "what">): UserError {
  return new UserError(
    `${path} is no file of stored answers: its first line is not ${what}: ${line.slice(0, 60)}`,
    "move it away, or have answers stored elsewhere",
  );
}

/** Does work on a file. @throws {UserError} naming it, if the disk refuses or Deno does */
function written(path: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** The entry that a line holds; null where it holds none. */
function entryOf<Value>(line: string, { read }: Form<Value>): [string, Value] | null {
  try {
    const fields = JSON.parse(line);
    const value = typeof fields?.key === "string" ? read(fields) : undefined;
    return value === undefined ? null : [fields.key, value];
  } catch {
    return null;
  }
}

// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { UserError } from "../base/error.ts";
import { readItems } from "./alpaca.ts";
import { parseSerialised } from "./dialogue_text.ts";
import { ANSWER_NAMES, COMPARED_NAMES, PROMPT_NAMES, unchosenAnswers } from "./fields.ts";
import type { Found, FoundRow, RatingOptions, RecordPlace } from "./found.ts";
import { readLines, type Row } from "./lines.ts";
import { parseJson, quote } from "./record.ts";
import { recordsIn } from "./records.ts";

/** Numbers of Python's that JSON has no name for. */
const NON_FINITE_NAMES = ["NaN", "Infinity", "-Infinity"];

/** Longest CSV record held in memory while the end of a quoted field is looked for. */
const MAX_RECORD_CHARS = 4 * 1024 * 1024;

/**
 * Records of a JSONL file, one object per line, of the forms that `recordsIn` knows. Optional fields: `id`, `source`,
 * `strength` (0 to 1), `principle` it was labelled by, `use` (both, answers, judgments), `rationale_chosen` and
 * `rationale_rejected` (what the labeller wrote).
 *
 * @throws {UserError} The file is one JSON object that runs over several lines.
 */
export async function* readJsonl(path: string, ratings: RatingOptions): AsyncGenerator<FoundRow> {
  let first = true;
  for await (const row of readLines(path)) {
    if ("reason" in row) yield row;
    else if (row.value.trim() !== "") {
      if (first && /^\{(.*[{[,:])?$/.test(row.value.trim())) {
        throw new UserError(
          `${path} is one JSON object over several lines`,
          "give an array of records, or one object per line",
        );
      }
      // Lines of str(dict) begin like no JSON.
      const json = /^\s*\{\s*'/.test(row.value) ? parseSerialised(row.value) : parseJson(row.value);
      if (first && "value" in json) refuseWhole(path, json.value);
      first = false;
      yield {
        line: row.line,
        ...("reason" in json ? json : recordsIn(json.value, { ...ratings, path, line: row.line })),
      };
    }
  }
}

/** Refuses an object that holds all records: pandas' table by columns, or a list under a name. */
function refuseWhole(path: string, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const fields = Object.entries(value);
  const byColumns = "columns" in value && "data" in value ||
    fields.length > 1 &&
      fields.every(([, column]) =>
        typeof column === "object" && column !== null && !Array.isArray(column) &&
        Object.keys(column)[0] === "0"
      );
  if (byColumns) {
    throw new UserError(
      `${path} is a table by columns, as pandas' to_json writes it`,
      'write it with to_json(PATH, orient="records", lines=True)',
    );
  }
  const known = [...FILLED, ...LISTS].some((name) => name in value);
  const list = fields.find(([, field]) => Array.isArray(field) && typeof field[0] === "object");
  if (!known && list !== undefined) {
    throw new UserError(
      `${path} is one JSON object, with its records in "${list[0]}"`,
      "give that list alone as a JSON array, or one record per line",
    );
  }
}

/** Records of a JSON array, of the forms that `recordsIn` knows; `line` is the item, from 1. */
export async function* readArray(path: string, ratings: RatingOptions): AsyncGenerator<FoundRow> {
  for await (const { line, value } of readItems(path, { nonFinite: NON_FINITE_NAMES })) {
    yield { line, ...recordsIn(value, { ...ratings, path, line }) };
  }
}

/**
 * Records of a CSV file with a header that names a prompt and two answers (or one, to imitate), as `recordsIn` does,
 * and the optional fields of {@linkcode readJsonl}; other columns are ignored. A comma, a tab or a semicolon separates; a
 * quoted field may run over several lines. A list of turns may be written out as JSON or as Python's list.
 *
 * The row's line is the one where its record starts. Line ends inside a field are read as `\n`.
 *
 * @throws {UserError} A column is missing or there twice, or a quoted field is still open after
 * 4 MiB (the rest of the file would be one field).
 */
export async function* readCsv(path: string, ratings: RatingOptions): AsyncGenerator<FoundRow> {
  let header: { readonly columns: readonly string[]; readonly delimiter: string } | undefined;
  for await (const row of records(path, () => header?.delimiter)) {
    if ("reason" in row) yield row;
    else if (header === undefined) header = readHeader(row.value, path, ratings);
    else {
      const { line } = row;
      yield { line, ...csvRecord(row.value.fields, header.columns, { ...ratings, path, line }) };
    }
  }
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly delimiter: string;
}

/** Groups lines into records: papaparse decides whether a record is complete. */
async function* records(
  path: string,
  delimiter: () => string | undefined,
): AsyncGenerator<Row<CsvRecord>> {
  let open: { readonly line: number; text: string } | undefined;
  let declared: string | undefined;
  let last = 0;
  for await (const row of readLines(path)) {
    last = row.line;
    if (row.line === 1 && "value" in row) {
      // Excel's own line before the header.
      [, declared] = /^"?sep=(.)"?$/i.exec(row.value) ?? [];
      if (declared !== undefined) continue;
    }
    if ("reason" in row) {
      if (open !== undefined) yield* unclosed(open.line, row.line - 1);
      open = undefined;
      yield row;
      continue;
    }
    if (open === undefined && row.value.trim() === "") continue;
    if (open === undefined) open = { line: row.line, text: row.value };
    else {
      open.text += `\n${row.value}`;
      if (open.text.length > MAX_RECORD_CHARS) {
        throw new UserError(
          `${path} line ${open.line}: a quoted field is still open after 4 MiB`,
          "close the quote; a quote inside a field is written twice",
        );
      }
      if (!row.value.includes('"')) continue; // nothing here can close the field
    }
    const { data, errors, meta } = Papa.parse<string[]>(open.text, {
      delimiter: delimiter() ?? declared,
      delimitersToGuess: [",", "\t", ";"],
      newline: "\n",
    });
    // papaparse also says MissingQuotes after InvalidQuotes, but then more lines will not help.
    const malformed = errors.find((error) => error.code === "InvalidQuotes");
    if (malformed !== undefined) {
      yield* lost([open.line, row.line], "text follows a closing quote", quote(open.text));
    } else if (errors.some((error) => error.code === "MissingQuotes")) continue;
    else yield { line: open.line, value: { fields: data[0], delimiter: meta.delimiter } };
    open = undefined;
  }
  if (open !== undefined) yield* unclosed(open.line, last);
}

const unclosed = (from: number, to: number) => lost([from, to], "a quoted field is never closed");

/**
 * Every line that a broken record took in, since any may have been a record of its own; they are not read again, since
 * any may be a field's text.
 */
function* lost(
  [from, to]: readonly [number, number],
  reason: string,
  found?: string,
): Generator<Row<CsvRecord>> {
  const lines = from === to ? [] : [`lines ${from} to ${to} are lost`];
  const detail = [...lines, ...found === undefined ? [] : [found]].join(": ") || undefined;
  for (let line = from; line <= to; line++) yield { line, reason, detail };
}

function readHeader({ fields, delimiter }: CsvRecord, path: string, ratings: RatingOptions) {
  const columns = fields.map((name) => name.trim());
  const unchosen = Object.fromEntries(columns.map((name) => [name, ""]));
  const names = ratings.unlabelled && unchosenAnswers(unchosen) !== undefined
    ? []
    : COMPARED_NAMES.find((pair) => pair.some((name) => columns.includes(name))) ??
      (ANSWER_NAMES.some((name) => columns.includes(name)) ? [] : COMPARED_NAMES[0]);
  const prompts = PROMPT_NAMES.filter((name) => columns.includes(name));
  for (const name of [...(prompts.length > 0 ? prompts : ["prompt"]), ...names]) {
    const count = columns.filter((column) => column === name).length;
    // Whole dialogues bring their prompt.
    if (count === 1 || name === "prompt" && count === 0 && names.length > 0) continue;
    throw new UserError(
      `${path}: the header has ${count === 0 ? "no" : count} column${
        count === 2 ? "s" : ""
      } "${name}"; it has ${listed(columns)}`,
      "name the columns prompt, chosen, rejected in the first line",
    );
  }
  return { columns, delimiter };
}

/** Names of columns, at most as many as can be read at a glance. */
function listed(columns: readonly string[]): string {
  const shown = columns.slice(0, 12).map((column) => quote(column)).join(", ");
  return columns.length > 12 ? `${shown} and ${columns.length - 12} more` : shown;
}

/** Columns in which an empty field says something. */
const FILLED = new Set([...PROMPT_NAMES, ...ANSWER_NAMES, ...COMPARED_NAMES.flat()]);
/** Columns that hold lists beside those that may hold text; `input` does where it is the prompt itself. */
const LISTS = new Set(["completions", "history", "input"]);

function csvRecord(
  fields: readonly string[],
  columns: readonly string[],
  place: RecordPlace,
): Found {
  if (fields.length !== columns.length) {
    return {
      reason: "the number of fields is not that of the header",
      detail: `${fields.length} instead of ${columns.length}`,
    };
  }
  const isText = (name: string) =>
    name === "input" && PROMPT_NAMES.some((prompt) => columns.includes(prompt));
  const record: Record<string, unknown> = {};
  for (const [i, name] of columns.entries()) {
    const field = fields[i];
    if (field === "" && !FILLED.has(name)) continue;
    if (FILLED.has(name) && /^nan$/i.test(field)) {
      return { reason: `"${name}" is ${quote(field)}, as pandas writes a missing value` };
    }
    record[name] = field;
    if (LISTS.has(name) && !isText(name) && /^\s*[[{]/.test(field)) {
      const list = parseSerialised(field);
      if ("reason" in list) return { ...list, reason: `"${name}" ${list.reason}` };
      record[name] = list.value;
    }
  }
  const filled = Object.keys(record).filter((name) => FILLED.has(name));
  const lists = filled.map((name) => listOfTexts(String(record[name])));
  // One field may well hold a list for an answer; where all do, it is how the file was written.
  if (lists.every((list) => list !== undefined)) {
    filled.forEach((name, i) => record[name] = lists[i]);
  }
  if (record.strength !== undefined) {
    const number = Number(record.strength);
    if (!Number.isNaN(number)) record.strength = number;
  }
  return recordsIn(record, place);
}

/** The texts of a list written out, as `['a', 'b']`; undefined for other text. */
function listOfTexts(text: string): readonly string[] | undefined {
  if (!/^\s*\[\s*['"]/.test(text)) return undefined;
  const list = parseSerialised(text);
  return "value" in list && Array.isArray(list.value) &&
      list.value.every((item) => typeof item === "string")
    ? list.value
    : undefined;
}

// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { readLines, type Row, stem } from "./lines.ts";
import { type Pair, splitDialogues } from "./pair.ts";
import { type Parsed, parseJson, parseRecord, quote } from "./record.ts";

const Turns = z.array(
  z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() }),
);
const Prompt = z.union([z.string(), Turns], {
  error: "must be text or a list of {role, content} with role system, user or assistant",
});
const Response = z.union([
  z.string(),
  z.tuple([z.object({ role: z.literal("assistant"), content: z.string() })]),
], { error: "must be text or a list of one assistant turn" });
const Extra = {
  id: z.union([z.string(), z.number()]).nullish(),
  source: z.string().nullish(),
  strength: z.number().min(0).max(1).nullish(),
  principle: z.string().min(1).nullish(),
  rationale_chosen: z.string().min(1).nullish(),
  rationale_rejected: z.string().min(1).nullish(),
};
const Separate = z.object({ prompt: Prompt, chosen: Response, rejected: Response, ...Extra });
const Whole = z.object({ chosen: Turns, rejected: Turns, ...Extra }, {
  error: "the line is not an object",
});

/** Longest CSV record held in memory while the end of a quoted field is looked for. */
const MAX_RECORD_CHARS = 4 * 1024 * 1024;

/**
 * Pairs of a JSONL file, one object per line.
 *
 * `prompt` is text (one user turn) or a list of turns; `chosen` and `rejected` are text or, as in
 * TRL's conversational form, a list of one assistant turn. Without `prompt` the two are whole
 * dialogues as lists of turns (TRL's implicit prompt). Optional: `id`, `source`, `strength` (0 to 1),
 * `principle` it was labelled by, `rationale_chosen` and `rationale_rejected` (what the labeller wrote).
 *
 * Source: https://huggingface.co/docs/trl/dataset_formats#preference
 */
export async function* readJsonl(path: string): AsyncGenerator<Row<Pair>> {
  for await (const row of readLines(path)) {
    if ("reason" in row) yield row;
    else if (row.value.trim() !== "") {
      const json = parseJson(row.value);
      yield { line: row.line, ...("reason" in json ? json : toPair(json.value, path, row.line)) };
    }
  }
}

/**
 * Pairs of a CSV file with a header: columns `prompt`, `chosen`, `rejected` and, where wanted, `id`,
 * the optional ones of {@linkcode readJsonl}; others are ignored. A comma, a tab or a semicolon separates; a quoted field
 * may run over several lines. `prompt` is text or a JSON list of turns.
 *
 * The row's line is the one where its record starts. Line ends inside a field are read as `\n`.
 *
 * @throws {UserError} A column is missing or there twice, or a quoted field is still open after
 * 4 MiB (the rest of the file would be one field).
 */
export async function* readCsv(path: string): AsyncGenerator<Row<Pair>> {
  let header: { readonly columns: readonly string[]; readonly delimiter: string } | undefined;
  for await (const row of records(path, () => header?.delimiter)) {
    if ("reason" in row) yield row;
    else if (header === undefined) header = readHeader(row.value, path);
    else yield { line: row.line, ...csvPair(row.value.fields, header.columns, path, row.line) };
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
  for await (const row of readLines(path)) {
    if ("reason" in row) {
      if (open !== undefined) yield unclosed(open.line, row.line - 1);
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
      delimiter: delimiter(),
      delimitersToGuess: [",", "\t", ";"],
      newline: "\n",
    });
    // papaparse also says MissingQuotes after InvalidQuotes, but then more lines will not help.
    const malformed = errors.find((error) => error.code === "InvalidQuotes");
    if (malformed !== undefined) {
      yield {
        line: open.line,
        reason: "text follows a closing quote",
        detail: quote(open.text),
      };
    } else if (errors.some((error) => error.code === "MissingQuotes")) continue;
    else yield { line: open.line, value: { fields: data[0], delimiter: meta.delimiter } };
    open = undefined;
  }
  if (open !== undefined) yield unclosed(open.line, undefined);
}

function unclosed(line: number, to: number | undefined): Row<CsvRecord> {
  const end = to === undefined ? "the end of the file" : `line ${to}`;
  return { line, reason: "a quoted field is never closed", detail: `read up to ${end}` };
}

function readHeader({ fields, delimiter }: CsvRecord, path: string) {
  const columns = fields.map((name) => name.trim());
  for (const name of ["prompt", "chosen", "rejected"]) {
    const count = columns.filter((column) => column === name).length;
    if (count !== 1) {
      throw new UserError(
        `${path}: the header has ${count === 0 ? "no" : count} column${
          count === 2 ? "s" : ""
        } "${name}"; it has ${columns.map((column) => `"${column}"`).join(", ")}`,
        "name the columns prompt, chosen, rejected in the first line",
      );
    }
  }
  return { columns, delimiter };
}

function csvPair(
  fields: readonly string[],
  columns: readonly string[],
  path: string,
  line: number,
): Parsed<Pair> {
  if (fields.length !== columns.length) {
    return {
      reason: "the number of fields is not that of the header",
      detail: `${fields.length} instead of ${columns.length}`,
    };
  }
  const value: Record<string, unknown> = Object.fromEntries(
    columns.map((name, i) => [name, fields[i]]).filter(([name, field]) =>
      field !== "" || name === "prompt" || name === "chosen" || name === "rejected"
    ),
  );
  if (value.strength !== undefined) {
    const number = Number(value.strength);
    if (!Number.isNaN(number)) value.strength = number;
  }
  // A text may well start with "["; only what is plainly meant as turns is read as turns.
  if (/^\s*\[\s*\{\s*"(role|content)"/.test(String(value.prompt))) {
    const turns = parseJson(String(value.prompt));
    if ("reason" in turns) return { reason: '"prompt" is not a JSON list', detail: turns.detail };
    value.prompt = turns.value;
  }
  return toPair(value, path, line);
}

function toPair(value: unknown, path: string, line: number): Parsed<Pair> {
  const whole = typeof value === "object" && value !== null && !("prompt" in value) &&
    "chosen" in value && Array.isArray(value.chosen);
  const record = whole ? parseRecord(Whole, value) : parseRecord(Separate, value);
  if ("reason" in record) return record;
  const { id, source, strength, principle } = record.value;
  const { rationale_chosen: chosen, rationale_rejected: rejected } = record.value;
  const parts = "prompt" in record.value
    ? {
      prompt: typeof record.value.prompt === "string"
        ? [{ role: "user" as const, content: record.value.prompt }]
        : record.value.prompt,
      chosen: responseText(record.value.chosen),
      rejected: responseText(record.value.rejected),
    }
    : splitDialogues(record.value.chosen, record.value.rejected);
  if ("reason" in parts) return parts;
  return {
    value: {
      id: String(id ?? `${stem(path)}:${line}`),
      ...parts,
      source: source ?? stem(path),
      ...(strength == null ? {} : { strength }),
      ...(principle == null ? {} : { principle }),
      ...(chosen == null || rejected == null ? {} : { rationale: { chosen, rejected } }),
    },
  };
}

function responseText(response: z.infer<typeof Response>): string {
  return typeof response === "string" ? response : response[0].content;
}

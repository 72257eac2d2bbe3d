/** The tables that figures are drawn from: CSV rows checked against a schema, errors with file, row and column. */
// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { z } from "zod";
import { UserError } from "./error.ts";

const finite = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** Kinds of cells; CSV has only text, so numbers are read from it. */
export const cell = {
  /** A name: not empty. */
  text: z.string().min(1, "must not be empty"),
  /** Any words, none included. */
  words: z.string(),
  number: z.string().refine(finite, "must be a number").transform(Number),
  /** A number, or nothing where it was not measured. */
  blank: z.string().refine((s) => s.trim() === "" || finite(s), "must be a number or empty")
    .transform((s) => s.trim() === "" ? null : Number(s)),
};

/** A number as code has it or as a cell of a CSV file does; none where it is null or empty. */
export type NumberCell = number | string | null | undefined;

/** The number of a cell that has been checked or comes from code; null where it has none. */
export function numberOf(value: NumberCell): number | null {
  return value === null || value === undefined || value === "" ? null : Number(value);
}

/** A row of which nothing is known beforehand: what reads as a number is one. */
export const anyRow: z.ZodType<Record<string, string | number>> = z.record(
  z.string(),
  z.string().transform((s) => finite(s) ? Number(s) : s),
);

/** A CSV file a figure needs. */
export interface Table<Row = unknown> {
  /** From the root of the checkout. */
  readonly path: string;
  /** Of one row; columns it does not name are ignored. */
  readonly row: z.ZodType<Row>;
  /** Columns that tell rows apart: two rows with the same values in all of them are an error. */
  readonly key?: readonly string[];
}

/**
 * Reads the rows of a CSV text.
 *
 * @throws {UserError} naming file, row (from 1 below the header; cells may hold line breaks) and column
 */
export function parseRows<Row>(text: string, { path, row, key }: Table<Row>): Row[] {
  const { data, errors, meta } = Papa.parse<Record<string, string>>(text, {
    header: true,
    skipEmptyLines: true,
  });
  const wrong = (at: string, problem: string): never => {
    throw new UserError(`${path}${at}: ${problem}`, "repair the file, or make it again");
  };
  // Without quoting marks nor a second column, Papa cannot tell the delimiter of a one-column table.
  const torn = errors.find(({ type }) => type !== "Delimiter");
  if (torn) wrong(torn.row === undefined ? "" : ` data row ${torn.row + 1}`, torn.message);
  if (data.length === 0) wrong("", "there are no rows");
  const seen = new Map<string, number>();
  return data.map((cells, i) => {
    const parsed = row.safeParse(cells);
    if (!parsed.success) {
      const { path: [column], message } = parsed.error.issues[0];
      const name = String(column);
      wrong(
        ` data row ${i + 1}`,
        meta.fields?.includes(name)
          ? `"${name}" is "${cells[name]}", but it ${message}`
          : `there is no column "${name}", only ${meta.fields?.join(", ")}`,
      );
    }
    if (key) {
      const id = key.map((column) => cells[column]).join(", ");
      if (seen.has(id)) {
        wrong(` data row ${i + 1}`, `${key.join(", ")} = ${id} as in data row ${seen.get(id)}`);
      }
      seen.set(id, i + 1);
    }
    return parsed.data as Row;
  });
}

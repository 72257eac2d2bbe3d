import type { Table } from "../base/csv.ts";
import type { Figure } from "./style.ts";

/** A figure: its words, the tables it needs and how it is drawn from them. */
export interface FigureEntry {
  /** Of the file: `figures/NAME.svg`. */
  readonly name: string;
  readonly title: string;
  /** What is drawn and how to read it, not what came out: that changes with the data. */
  readonly caption: string;
  readonly inputs: Readonly<Record<string, Table>>;
  readonly draw: (rows: Readonly<Record<string, readonly unknown[]>>) => Figure;
}

/** Makes an entry whose `draw` gets, under each input's name, rows of that input's type. */
export function figureEntry<Rows extends Record<string, unknown>>(
  entry: Omit<FigureEntry, "inputs" | "draw"> & {
    readonly inputs: { readonly [Name in keyof Rows]: Table<Rows[Name]> };
    readonly draw: (rows: { readonly [Name in keyof Rows]: readonly Rows[Name][] }) => Figure;
  },
): FigureEntry {
  return entry as unknown as FigureEntry;
}

/**
 * Where saved outputs are from. `deno task notebooks:run --save` notes it in the notebook and the time in
 * `data/results/notebooks.csv`; `deno task notebooks:check` finds outputs of other code or of another base model.
 */
import { createHash } from "node:crypto";
import { writeCsv, writeWhole } from "../../base/files.ts";
import { resultTable } from "../../show/result_table.ts";
import { formatted } from "./deno_fmt.ts";
import { leftOutFaults } from "./expect.ts";
import { normalised, NOTE, type Notebook, serialised, whole } from "./format.ts";
import { ROOT } from "../setup/places.ts";

/** What a notebook's saved outputs were made with. */
export interface Saved {
  readonly scale: string;
  readonly seed: string;
  /** A hash of the code cells, white space apart. */
  readonly code: string;
  /** A hash of the base model's weights; null where there were none, or the notebook does not read them. */
  readonly base: string | null;
}

/** How long a notebook took when its outputs were saved. */
export interface TimeRow {
  readonly notebook: string;
  readonly scale: string;
  readonly seconds: number;
  readonly system: string;
}

/** The table of times. */
export const TIMES = `${ROOT}/data/results/notebooks.csv`;

const BASE = "data/world/base";
const short = (hash: string) => hash.slice(0, 16);

/** A hash of what the code cells say; moving text about within them does not change it. */
export function codeHash({ cells }: Notebook): string {
  const sources = cells.filter(({ cell_type }) => cell_type === "code")
    .map(({ source }) => whole(source).replaceAll(/\s+/g, ""));
  return short(createHash("sha256").update(JSON.stringify(sources)).digest("hex"));
}

/** A hash of the base model's weights, or null if it has not been made. */
export async function baseHash(root: string = ROOT): Promise<string | null> {
  try {
    const weights = await Deno.readFile(`${root}/${BASE}/model.safetensors`);
    return short(createHash("sha256").update(weights).digest("hex"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Whether a notebook says, anywhere, that it reads the base model. */
const readsBase = ({ cells }: Notebook) => cells.some(({ source }) => whole(source).includes(BASE));

/** "about 3 minutes", at least one. */
export function minutesText(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return `about ${minutes} ${minutes === 1 ? "minute" : "minutes"}`;
}

/** The notebook with the note of where its outputs are from, and with its time in its head. */
export function noted(
  notebook: Notebook,
  { scale, seed, base, seconds }: Omit<Saved, "code"> & { seconds: number },
): Notebook {
  const saved: Saved = {
    ...{ scale, seed, code: codeHash(notebook) },
    base: readsBase(notebook) ? base : null,
  };
  const [head, ...rest] = notebook.cells;
  const source = whole(head.source).replace(/about \d+ minutes?/, minutesText(seconds));
  return {
    ...notebook,
    cells: [{ ...head, source }, ...rest],
    metadata: { ...notebook.metadata, [NOTE]: saved },
  };
}

/** Writes an executed notebook with its outputs, and its time into the table, in order of names. */
export async function saveNotebook(
  path: string,
  notebook: Notebook,
  { times = TIMES, ...row }: Omit<Saved, "code"> & TimeRow & { times?: string },
): Promise<void> {
  // The note has a hash of the code as it will stand in the file, that is formatted.
  const clean = JSON.parse(await formatted(serialised(normalised(notebook)))) as Notebook;
  await writeWhole(path, await formatted(serialised(normalised(noted(clean, row)))));
  const { notebook: name, scale, seconds, system } = row;
  const others = (await resultTable(times) ?? []).filter((other) => other.notebook !== name);
  const rows = [...others, { notebook: name, scale, seconds, system }]
    .sort((a, b) => String(a.notebook) < String(b.notebook) ? -1 : 1);
  await writeCsv(times, rows);
}

/**
 * What is wrong with the outputs that a notebook holds, however fit they look.
 *
 * @param options.base Hash of the base model as it is now; null where there is none, which says nothing.
 * @param options.seconds How long the notebook took, where that is known.
 */
export function staleFaults(
  notebook: Notebook,
  { base, seconds }: { base: string | null; seconds?: number },
): string[] {
  if (!notebook.cells.some(({ outputs = [] }) => outputs.length > 0)) return [];
  const leftOut = leftOutFaults(notebook).map(({ cell, problem }) => `cell ${cell} ${problem}`);
  const saved = notebook.metadata[NOTE] as Saved | undefined;
  if (!saved) return [...leftOut, "has outputs without a note of where they are from"];
  const head = whole(notebook.cells[0].source);
  return [
    ...leftOut,
    ...(saved.code === codeHash(notebook) ? [] : ["has outputs of other code than its cells hold"]),
    ...(base !== null && readsBase(notebook) && saved.base !== base
      ? [`has outputs of another base model than the one in ${BASE}`]
      : []),
    ...(seconds !== undefined && !head.includes(minutesText(seconds))
      ? [`should say in its head that it takes ${minutesText(seconds)}`]
      : []),
  ];
}

/** All figures from their tables into a folder, drawn anew only where something changed. */
import { relative } from "node:path";
import { parseRows } from "../base/csv.ts";
import { readIfThere, writeWhole } from "../base/files.ts";
import type { FigureEntry } from "./figure_entry.ts";
import { type Exhibit, gallery } from "./gallery.ts";
import { plotlySource, renderImages } from "./render.ts";
import type { Figure } from "./style.ts";

/** Where figures come from and go to. */
export interface DrawOptions {
  readonly figures: readonly FigureEntry[];
  /**
   * Folder that the paths of tables start from.
   * @default "."
   */
  readonly root?: string;
  /** Folder of the pictures. */
  readonly out: string;
  /** Gets a line for each thing done or left out. */
  readonly log: (line: string) => void;
  /** Draws SVG files; {@linkcode renderImages} outside tests. */
  readonly render?: (figures: readonly Figure[]) => Promise<Uint8Array<ArrayBuffer>[]>;
}

/**
 * Writes `NAME.svg` for every figure whose tables are there, and the gallery `index.html`. A picture ends
 * in a comment with the hash of what it was drawn from (its specification, plotly.js and the renderer);
 * one that has the right hash is left as it is.
 *
 * @throws {UserError} for a table with a fault, naming file, row and column; or without Chromium
 */
export async function drawFigures(options: DrawOptions): Promise<void> {
  const { figures, root = ".", out, log, render = (list) => renderImages(list, "svg") } = options;
  const exhibits: Exhibit[] = [];
  for (const entry of figures) {
    const rows = await tables(entry, root);
    const links = Object.values(entry.inputs).map(({ path }) => ({
      path,
      href: relative(out, `${root}/${path}`),
    }));
    if (typeof rows === "string") log(`${entry.name}: left out, there is no ${rows}`);
    else exhibits.push({ ...entry, tables: links, figure: entry.draw(rows) });
  }
  const plotly = await plotlySource();
  const tools = await hash(
    plotly + await Deno.readTextFile(new URL("./render.ts", import.meta.url)),
  );

  const wanted = await Promise.all(exhibits.map(async ({ name, figure }) => {
    const mark = `<!-- drawn from ${await hash(tools + JSON.stringify(figure))} -->\n`;
    return { name, figure, mark, old: await current(`${out}/${name}.svg`, mark) };
  }));
  const stale = wanted.filter(({ old }) => !old);
  const drawn = await render(stale.map(({ figure }) => figure));
  for (const [i, { name, mark }] of stale.entries()) {
    await writeWhole(`${out}/${name}.svg`, new TextDecoder().decode(drawn[i]) + mark);
  }
  for (const { name, old } of wanted) log(`${out}/${name}.svg${old ? ", unchanged" : ""}`);

  const code = await Deno.readTextFile(new URL("./gallery.ts", import.meta.url));
  const mark = `<!-- drawn from ${await hash(tools + code + JSON.stringify(exhibits))} -->\n`;
  const old = await current(`${out}/index.html`, mark);
  if (!old) await writeWhole(`${out}/index.html`, await gallery(exhibits, plotly) + mark);
  log(`${out}/index.html${old ? ", unchanged" : ""}`);

  const ours = new Set(["index.html", ...exhibits.map(({ name }) => `${name}.svg`)]);
  for await (const { name } of Deno.readDir(out)) {
    if (ours.has(name) || name.endsWith(".html") || await drawnByHand(`${out}/${name}`)) continue;
    log(`${out}/${name} was not made from the tables there are now`);
  }
}

/** The rows of every table of a figure, or the path of the first that does not exist. */
async function tables(
  entry: FigureEntry,
  root: string,
): Promise<Record<string, unknown[]> | string> {
  const rows: Record<string, unknown[]> = {};
  for (const [name, table] of Object.entries(entry.inputs)) {
    const text = await readIfThere(`${root}/${table.path}`);
    if (text === null) return table.path;
    rows[name] = parseRows(text, table);
  }
  return rows;
}

/** A picture without the comment that those drawn from tables end in, such as that of the method. */
const drawnByHand = async (path: string): Promise<boolean> =>
  path.endsWith(".svg") && !(await readIfThere(path))?.includes("<!-- drawn from ");

const current = async (path: string, mark: string): Promise<boolean> =>
  (await readIfThere(path))?.endsWith(mark) ?? false;

async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 32);
}

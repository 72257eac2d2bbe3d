/**
 * A notebook as one TypeScript module, so that tools which do not read notebooks can check it: `deno check`
 * and `deno lint`. Lines of the module are traced back to cells.
 */
import { dirname, relative, resolve } from "node:path";
import { type Notebook, whole } from "./format.ts";

/** A line of a notebook; cells and lines count from 1, cells of all kinds. */
export interface Place {
  readonly cell: number;
  readonly line: number;
}

/** The module, and where each of its lines comes from. */
export interface NotebookModule {
  readonly text: string;
  /** The place of a line of the module (from 1); null for a line that is not in the notebook. */
  place(line: number): Place | null;
}

/** Relative paths in `import ... from "..."`, `import "..."` and `import("...")`. */
const IMPORTS = /\b(from\s*|import\s*\(?\s*)(["'])(\.{1,2}\/[^"'\n]*)\2/g;

/**
 * The code cells one after the other. A name declared in two cells is an error here, though a kernel allows it:
 * a reader who runs cells out of order would get the wrong one.
 *
 * @param from Path of the notebook, from which its imports are relative.
 * @param to Path that the module will have.
 */
export function toModule(
  notebook: Notebook,
  { from, to }: { from: string; to: string },
): NotebookModule {
  const lines: string[] = [];
  const places: (Place | null)[] = [];
  const here = dirname(resolve(to));
  const there = dirname(resolve(from));
  const moved = (path: string) => {
    const target = relative(here, resolve(there, path));
    return target.startsWith(".") ? target : `./${target}`;
  };
  notebook.cells.forEach((cell, index) => {
    if (cell.cell_type !== "code" || whole(cell.source).trim() === "") return;
    const source = whole(cell.source).replaceAll(
      IMPORTS,
      (_, keyword, quote, path) => `${keyword}${quote}${moved(path)}${quote}`,
    );
    lines.push(`// cell ${index + 1}`);
    places.push(null);
    source.split("\n").forEach((line, i) => {
      lines.push(line);
      places.push({ cell: index + 1, line: i + 1 });
    });
  });
  // Without an import or export the file would be a script, in which `await` is an error.
  return {
    text: [...lines, "export {};", ""].join("\n"),
    place: (line) => places[line - 1] ?? null,
  };
}

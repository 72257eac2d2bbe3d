/**
 * Notebook files (nbformat 4.5, https://nbformat.readthedocs.io/en/latest/format_description.html): reading,
 * and a form of saved outputs in which a second run differs from the first only where results do.
 */
import { createHash } from "node:crypto";
import { UserError } from "../../base/error.ts";
import { KERNEL } from "../setup/places.ts";
import { kernelspec } from "./jupyter.ts";

/** Text, in one piece or in lines that keep their ends. */
export type Text = string | string[];

/** One output of a cell. */
export interface Output {
  output_type: "stream" | "display_data" | "execute_result" | "error";
  name?: string;
  text?: Text;
  data?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  execution_count?: number | null;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

/** One cell. */
export interface Cell {
  id?: string;
  cell_type: "code" | "markdown" | "raw";
  metadata: { tags?: string[] } & Record<string, unknown>;
  source: Text;
  outputs?: Output[];
  execution_count?: number | null;
}

/** A notebook. */
export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

/** Text in one piece. */
export const whole = (text: Text | undefined): string =>
  Array.isArray(text) ? text.join("") : text ?? "";

/** Reads a notebook. @throws {UserError} naming the file, if it is not one */
export async function readNotebook(path: string): Promise<Notebook> {
  let notebook: Notebook;
  try {
    notebook = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`${path} cannot be read: ${reason}`, "restore it from git", { cause });
  }
  if (!Array.isArray(notebook?.cells) || notebook.nbformat !== 4) {
    throw new UserError(`${path} is not a notebook of format 4`, "save it again in JupyterLab");
  }
  return notebook;
}

/** The name of our notes, in the metadata of a notebook and of an output. */
export const NOTE = "self-judge";

const METADATA = (() => {
  const { display_name, language } = kernelspec("");
  return {
    kernelspec: { display_name, language, name: KERNEL },
    language_info: { file_extension: ".ts", mimetype: "text/x.typescript", name: "typescript" },
  };
})();

/**
 * The notebook without what changes from run to run: counters, timestamps, versions, times in progress
 * lines, the way a stream was cut into pieces. Cells without an id get one that follows from their place.
 */
export function normalised(notebook: Notebook): Notebook {
  return {
    cells: notebook.cells.map((cell, index) => {
      const tags = cell.metadata.tags ?? [];
      const common = {
        id: cell.id ?? cellId(cell, index),
        cell_type: cell.cell_type,
        metadata: tags.length > 0 ? { tags } : {},
        source: lines(whole(cell.source)),
      };
      if (cell.cell_type !== "code") return common;
      return { ...common, execution_count: null, outputs: outputs(cell.outputs ?? []) };
    }),
    metadata: {
      ...METADATA,
      ...notebook.metadata[NOTE] ? { [NOTE]: notebook.metadata[NOTE] } : {},
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** Names of fields sorted, one space deep: what Jupyter itself writes. */
export function serialised(notebook: Notebook): string {
  const sorted = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(sorted)
      : typeof value === "object" && value !== null
      ? Object.fromEntries(
        Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, sorted(v)]),
      )
      : value;
  return JSON.stringify(sorted(notebook), null, 1) + "\n";
}

/** True for the output of `progress()`. */
export function isProgress({ metadata }: Output): boolean {
  return (metadata?.[NOTE] as { progress?: boolean } | undefined)?.progress === true;
}

function cellId({ source }: Cell, index: number): string {
  return createHash("sha256").update(`${index} ${whole(source)}`).digest("hex").slice(0, 8);
}

function lines(text: string): string[] {
  return text === "" ? [] : text.match(/[^\n]*\n|[^\n]+$/g)!;
}

function outputs(list: readonly Output[]): Output[] {
  const result: Output[] = [];
  for (const output of list) {
    const last = result.at(-1);
    if (output.output_type === "stream") {
      if (last?.output_type === "stream" && last.name === output.name) {
        last.text = lines(whole(last.text) + whole(output.text));
      } else {
        result.push({ output_type: "stream", name: output.name, text: lines(whole(output.text)) });
      }
      continue;
    }
    const data = Object.fromEntries(
      Object.entries(output.data ?? {}).map((
        [type, content],
      ) => [type, contents(type, content, output)]),
    );
    const metadata = output.metadata ?? {};
    if (output.output_type === "error") result.push({ ...output });
    else if (output.output_type === "display_data") {
      result.push({ output_type: "display_data", data, metadata });
    } else result.push({ output_type: "execute_result", execution_count: null, data, metadata });
  }
  return result;
}

/** A time as `duration` writes it, between bars. */
const TIMES = / \| (?:[\d.]+ s|\d+ min \d+ s|\d+ h \d+ min)(?= \||$|<)/gm;

function contents(type: string, content: unknown, output: Output): unknown {
  const isText = typeof content === "string" ||
    Array.isArray(content) && content.every((line) => typeof line === "string");
  if (!isText || type.endsWith("json")) return content;
  if (type === "image/png") return whole(content as Text).trim();
  const text = whole(content as Text);
  return lines(isProgress(output) ? text.replaceAll(TIMES, "") : text);
}

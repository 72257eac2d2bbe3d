/** What the outputs of an executed notebook must hold. */
import { NOT_IN_REACH } from "../../show/in_reach.ts";
import { type Cell, isProgress, type Notebook, type Output, whole } from "./format.ts";

/** What a figure lacks on a machine without a browser. */
export const NO_STILL = "the still picture of a figure (is Chromium installed?)";

type Missing = (outputs: readonly Output[]) => string | null;

const output: Missing = (outputs) =>
  outputs.some((output) => !isProgress(output) && !isEmpty(output)) ? null : "an output";

const figure: Missing = (outputs) => {
  const figures = outputs.filter(isFigure);
  if (figures.length === 0) return "a figure";
  return figures.every(({ data }) => whole(data?.["image/png"] as string).length > 0)
    ? null
    : NO_STILL;
};

/** Tags a cell may have, and what is missing from outputs that a tag asks for. */
export const TAGS: Readonly<Record<string, Missing>> = {
  /** Has an output besides progress. */
  output,
  /** Has a figure, interactive and still. */
  figure,
  /** Has a figure, or says why there is none, as where data is out of reach. */
  "figure-or-text": (outputs) => outputs.some(isFigure) ? figure(outputs) : output(outputs),
  /** Has a table with at least one row. */
  table: (outputs) =>
    outputs.some(({ data }) => /<tbody>\s*<tr>/.test(whole(data?.["text/html"] as string)))
      ? null
      : "a table with rows",
  /** For readers and tools; ask for nothing. */
  exercise: () => null,
  solution: () => null,
};

/** What is wrong with a cell, by its number as a reader counts: from 1, all kinds of cells. */
export interface CellFault {
  readonly cell: number;
  readonly problem: string;
}

/** Errors among the outputs, outputs that should be there and are not, and tags that do not exist. */
export function cellFaults(notebook: Notebook): CellFault[] {
  return notebook.cells.flatMap((cell, index) =>
    problems(cell).map((problem) => ({ cell: index + 1, problem }))
  );
}

/**
 * Cells that say that their data or model could not be had. A reader may go on without it; saved, such outputs would
 * take the place of whole ones.
 */
export function leftOutFaults(notebook: Notebook): CellFault[] {
  return notebook.cells.flatMap(({ outputs = [] }, index) => {
    const texts = outputs.flatMap(({ text, data }) => [
      whole(text),
      whole(data?.["text/plain"] as string),
    ]);
    const line = texts.join("\n").split("\n").find((text) => text.includes(NOT_IN_REACH));
    return line === undefined ? [] : [{ cell: index + 1, problem: `left something out: ${line}` }];
  });
}

function problems({ outputs = [], metadata }: Cell): string[] {
  const error = outputs.find(({ output_type }) => output_type === "error");
  if (error) return [`ended with ${error.ename}: ${error.evalue}`];
  return (metadata.tags ?? []).flatMap((tag) => {
    const expect = TAGS[tag];
    if (!expect) return [`has the tag "${tag}", which is none of ${Object.keys(TAGS).join(", ")}`];
    const missing = expect(outputs);
    return missing === null ? [] : [`is tagged "${tag}" but lacks ${missing}`];
  });
}

const isFigure = ({ data }: Output) => Boolean(data?.["application/vnd.plotly.v1+json"]);

function isEmpty({ output_type, text, data }: Output): boolean {
  if (output_type === "stream") return whole(text).trim() === "";
  return Object.keys(data ?? {}).length === 0;
}

/** The end of a cell's outputs as text, for a message. */
export function outputText({ outputs = [] }: Cell): string {
  const text = outputs.map(({ text, data, traceback, ename, evalue }) =>
    traceback?.join("\n") || (ename && `${ename}: ${evalue}`) || whole(text) ||
    whole(data?.["text/plain"] as string)
  ).join("\n").trimEnd();
  return text.length > 2000 ? `... ${text.slice(-2000)}` : text;
}

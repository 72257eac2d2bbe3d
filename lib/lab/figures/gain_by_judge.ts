/** Why bases differ: the gain of SELF-JUDGE on each base against how right its judge is there. @module */
import { linearRegression } from "simple-statistics";
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { type Figure, INK, TEXT, type Trace } from "../../show/style.ts";

/** A row of `gain-by-judge.csv`: a base. */
export const gainRow = z.object({
  base: cell.words,
  right_data: cell.number,
  right_first: cell.number,
  gain: cell.number,
  tested: cell.text,
});
export type GainRow = z.output<typeof gainRow>;

const isTested = ({ tested }: GainRow) => tested === "true";

/**
 * A dot a base, named; open those that the relation was found on, filled those that it is tested on. The line is through
 * the open ones.
 */
export function gainByJudge(rows: readonly GainRow[]): Figure {
  const gains = rows.map(({ gain }) => gain);
  const [least, most] = [Math.min(0, ...gains), Math.max(...gains)];
  const range = [least - 0.12 * (most - least), most + 0.15 * (most - least)];
  const panel = (title: string, x: (row: GainRow) => number, words: string): Panel => {
    const named = (name: string, some: readonly GainRow[], open: boolean): Trace => ({
      type: "scatter",
      mode: "markers+text",
      name,
      x: some.map(x),
      y: some.map(({ gain }) => gain),
      text: some.map(({ base }) => base),
      textposition: "top center",
      textfont: { size: TEXT.label, color: INK.grey },
      marker: open
        ? { color: "white", size: 10, line: { color: INK.blue, width: 2 } }
        : { color: INK.orange, size: 10 },
    });
    const found = rows.filter((row) => !isTested(row));
    const { m, b } = linearRegression(found.map((row) => [x(row), row.gain]));
    const ends = [Math.min(...rows.map(x)), Math.max(...rows.map(x))];
    const line: Trace = {
      type: "scatter",
      mode: "lines",
      name: "line through the bases that it was found on",
      x: ends,
      y: ends.map((at) => m * at + b),
      line: { color: INK.blue, width: 1.5, dash: "dot" },
    };
    const margin = 0.08 * (ends[1] - ends[0]);
    return {
      title,
      traces: [
        line,
        named("found on", found, true),
        named("tested on", rows.filter(isTested), false),
      ],
      x: { title: words, range: [ends[0] - margin, ends[1] + margin] },
      y: { range },
      references: [{ axis: "y", at: 0 }],
    };
  };
  const judged = "share of pairs that the judge ranks right";
  return panels([
    panel("Gain against accuracy on the policy's first pairs", (row) => row.right_first, judged),
    panel("The same against the data set's clear pairs", (row) => row.right_data, judged),
  ], { columns: 2, width: 1100, height: 300 });
}

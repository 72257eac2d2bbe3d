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
  role: z.enum(["found", "tested", "beside"]),
});
export type GainRow = z.output<typeof gainRow>;

/** How a base is marked by what it is to the relation. */
const MARKS = {
  found: { color: "white", size: 10, line: { color: INK.blue, width: 2 } },
  tested: { color: INK.orange, size: 10 },
  beside: { color: INK.grey, size: 10, symbol: "x-thin", line: { color: INK.grey, width: 2 } },
};

/**
 * A dot a base, named; open those that the relation was found on, filled those that it is tested on, a cross those that
 * were played for another question. The line is through the open ones.
 */
export function gainByJudge(rows: readonly GainRow[]): Figure {
  const gains = rows.map(({ gain }) => gain);
  const [least, most] = [Math.min(0, ...gains), Math.max(...gains)];
  const range = [least - 0.12 * (most - least), most + 0.15 * (most - least)];
  const panel = (
    title: string,
    x: (row: GainRow) => number,
    shown: readonly GainRow[] = rows,
  ): Panel => {
    const of = (role: GainRow["role"]) => shown.filter((row) => row.role === role);
    const named = (name: string, role: GainRow["role"]): Trace => ({
      type: "scatter",
      mode: "markers+text",
      name,
      x: of(role).map(x),
      y: of(role).map(({ gain }) => gain),
      text: of(role).map(({ base }) => base),
      textposition: "top center",
      textfont: { size: TEXT.label, color: INK.grey },
      marker: MARKS[role],
    });
    const { m, b } = linearRegression(of("found").map((row) => [x(row), row.gain]));
    const ends = [Math.min(...shown.map(x)), Math.max(...shown.map(x))];
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
        named("bases whose lessons taught less", "beside"),
        named("found on", "found"),
        named("tested on", "tested"),
      ],
      x: {
        title: "share of pairs that the judge ranks right",
        range: [ends[0] - margin, ends[1] + margin],
      },
      y: { range },
      references: [{ axis: "y", at: 0 }],
    };
  };
  return panels([
    panel("Gain against accuracy on the policy's first pairs", (row) => row.right_first),
    // Bases whose lessons taught less are so far to the left here that the others would be one dot.
    panel(
      "The same against the data set's clear pairs",
      (row) => row.right_data,
      rows.filter(({ role }) => role !== "beside"),
    ),
  ], { columns: 2, width: 1100, height: 300 });
}

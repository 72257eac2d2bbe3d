/** Figures of judge reports: pure functions from the rows of their CSV files to a Plotly specification. */
import { z } from "zod";
import { measureDots } from "./measure_dots.ts";
import { type Dot, intervals, line, rowAxis } from "./marks.ts";
import { apart, type Panel, panels, textWidth } from "./panels.ts";
import { type Figure, INK, inkFor, type Look, looks, TEXT, type Trace } from "./style.ts";
import { cell } from "../base/csv.ts";

/** A row of a judge report; null where a measure is not defined. */
export const judgeFigureRow = z.object({
  judge: cell.text,
  measure: cell.text,
  value: cell.blank,
  low: cell.blank,
  high: cell.blank,
  n: cell.number,
});
/** {@linkcode judgeFigureRow} as it is read. */
export type JudgeFigureRow = z.output<typeof judgeFigureRow>;

/** A row of a reliability curve. */
export const reliabilityFigureRow = z.object({
  judge: cell.text,
  from: cell.number,
  to: cell.number,
  n: cell.number,
  confidence: cell.number,
  accuracy: cell.number,
  low: cell.blank,
  high: cell.blank,
});
/** {@linkcode reliabilityFigureRow} as it is read. */
export type ReliabilityFigureRow = z.output<typeof reliabilityFigureRow>;

/**
 * Measures of bias, as the figure words them, with the value that a fair judge would have; none where that depends on
 * which answers are the better ones.
 */
const BIASES: readonly { measure: string; label: string; fair?: number }[] = [
  { measure: "firstPositionRate", label: "names the first position", fair: 0.5 },
  { measure: "longerRate", label: "names the longer answer" },
  { measure: "ownRate", label: "names its own answer" },
  { measure: "flipRate", label: "flips when positions swap", fair: 0 },
  { measure: "tieRate", label: "ties", fair: 0 },
  { measure: "intransitiveTriples", label: "cycles among three answers", fair: 0 },
];

/** A dot per judge for each bias, with its interval; dashed where a fair judge would be. */
export function biasFigure(rows: readonly JudgeFigureRow[]): Figure {
  const judges = judgesOf(rows);
  const known = (judge: string, measure: string) => find(rows, judge, measure);
  const shown = BIASES.filter(({ measure }) =>
    judges.some((judge) => known(judge, measure) !== null)
  );
  const dots = shown.flatMap(({ measure, label }) =>
    judges.flatMap((name) => {
      const found = known(name, measure);
      return found === null ? [] : [{ measure: label, name, ...found }];
    })
  );
  const figure = measureDots(dots, { title: "Share of verdicts; dashed: a fair judge" });
  (figure.layout.shapes as unknown[]).push(
    ...shown.flatMap(({ fair }, row) =>
      fair === undefined ? [] : [{
        ...{ type: "line", xref: "x", yref: "y", layer: "between" },
        ...{ x0: fair, x1: fair, y0: row - 0.42, y1: row + 0.42 },
        line: { color: INK.grey, width: 1.5, dash: "dash" },
      }]
    ),
  );
  const missing = shown.map(({ measure }) =>
    judges.filter((judge) => known(judge, measure) === null).map(labelOf(judges)).join(", ")
  );
  (figure.layout.annotations as unknown[]).push(
    ...missing.flatMap((names, row) =>
      names === "" ? [] : [{
        ...{ text: `n/a: ${names}`, showarrow: false, xref: "x", yref: "y" },
        ...{ x: free(dots.filter(({ measure }) => measure === shown[row].label)), y: row },
        ...{ xanchor: "center", yanchor: "middle" },
        font: { size: TEXT.tick - 2, color: INK.grey },
      }]
    ),
  );
  return figure;
}

/** The middle of the widest stretch between 0 and 1 that the dots of a row and their intervals leave. */
function free(dots: readonly Found[]): number {
  const taken = dots.map(({ value, low, high }) => [
    Math.min(low ?? value, value),
    Math.max(high ?? value, value),
  ]).sort(([a], [b]) => a - b);
  let [end, from, widest] = [0, 0, 0];
  for (const [low, high] of [...taken, [1, 1]]) {
    if (low - end > widest) [from, widest] = [end, low - end];
    end = Math.max(end, high);
  }
  return from + widest / 2;
}

/** Each judge's agreement with the labels beside its calibration error and the least to be expected. */
export function comparisonFigure(rows: readonly JudgeFigureRow[]): Figure {
  const judges = judgesOf(rows);
  const names = judges.map(labelOf(judges));
  const dots = (measure: string, color: string, shift = 0) =>
    intervals(
      judges.flatMap((judge, i): Dot[] => {
        const found = find(rows, judge, measure);
        const row = i + shift;
        return found === null ? [] : [{ row, label: names[i], color, ...bounds(found) }];
      }),
      measure,
    );
  const errors = rows.filter(({ measure }) => /^calibration/.test(measure));
  const most = Math.max(
    0.1,
    ...errors.map(({ value, high }) => high ?? value ?? 0),
  );
  const panel = (measure: string, { title, traces, x, references = [] }: Panel): Panel => ({
    ...{ title, traces, references, x },
    y: { ...rowAxis(names), showgrid: false },
    notes: judges.flatMap((judge, row) =>
      find(rows, judge, measure) !== null ? [] : [{
        ...{ text: "n/a", x: 0, y: row, xanchor: "left", yanchor: "middle" },
        font: { size: TEXT.tick - 2, color: INK.grey },
      }]
    ),
  });
  return panels([
    panel("accuracy", {
      title: "Share of labels it agrees with",
      traces: [dots("accuracy", INK.blue)],
      x: { range: [-0.03, 1.03] },
      references: [{ axis: "x", at: 0.5, text: "coin" }],
    }),
    panel("calibrationError", {
      title: "Calibration error (grey: noise alone)",
      traces: [
        dots("calibrationFloor", INK.grey, 0.13),
        dots("calibrationError", INK.orange, -0.13),
      ],
      x: { range: [-0.03 * most, 1.03 * most] },
    }),
  ], {
    columns: 2,
    width: 960,
    height: Math.max(110, 44 * judges.length),
    left: 20 + Math.max(...names.map(textWidth)),
    right: 24,
  });
}

/**
 * Share right against confidence, intervals as bands, with the pairs behind each point; dashed: a judge that is as
 * sure as it is right. A line has a gap where a bin is empty.
 */
export function reliabilityFigure(rows: readonly ReliabilityFigureRow[]): Figure {
  const style = [...looks(judgesOf(rows))];
  const own = (judge: string) => rows.filter((row) => row.judge === judge);
  const x = { range: [0.49, 1.01], title: "confidence in the answer named" };
  const ideal: Trace = {
    ...{ type: "scatter", mode: "lines", name: "as sure as it is right", hoverinfo: "skip" },
    ...{ x: [0.5, 1], y: [0.5, 1], line: { color: INK.grey, width: 1.5, dash: "dash" } },
  };
  const most = Math.max(...rows.map(({ n }) => n));
  const ends = style.map(([judge, { label, color }]) => {
    const { confidence, accuracy } = own(judge).at(-1)!;
    return { text: label, color, x: confidence, y: accuracy };
  });
  // A curve that ends early has its name there, not in the column on the right.
  const early = ends.filter(({ x }) => x < 0.85);
  const heights = apart(early.map(({ y }) => Math.max(0.05, y)), 0.075);
  const figure = panels([{
    title: "Share right, 95 % intervals; dashed: as sure as it is right",
    traces: [ideal, ...style.flatMap(([judge, look]) => curve(own(judge), look))],
    x,
    y: { range: [0, 1.02] },
    labels: ends.filter(({ x }) => x >= 0.85),
    notes: early.map(({ text, color, x }, i) => ({
      ...{ text, x, y: heights[i], xanchor: "left", yanchor: "middle", xshift: 8 },
      font: { size: TEXT.label, color: inkFor(color) },
    })),
  }, {
    title: "Pairs behind each point",
    traces: style.map(([judge, { label, color }]) => ({
      ...{ type: "bar", name: `${label}, pairs`, marker: { color } },
      x: own(judge).map(({ from, to }) => (from + to) / 2),
      y: own(judge).map(({ n }) => n),
    })),
    x,
    y: { range: [0, 1.08 * most] },
  }], { width: 760, height: 280 });
  return { ...figure, layout: { ...figure.layout, barmode: "group", bargap: 0.1 } };
}

/** A line for each run of neighbouring bins; a bin that stands alone has its interval as a bar. */
function curve(rows: readonly ReliabilityFigureRow[], look: Look): Trace[] {
  const runs: ReliabilityFigureRow[][] = [];
  for (const row of rows) {
    const last = runs.at(-1);
    if (last && row.from - last.at(-1)!.to < 1e-9) last.push(row);
    else runs.push([row]);
  }
  return runs.flatMap((run) => {
    const points = run.map(({ confidence, accuracy, low, high }) => ({
      x: confidence,
      y: accuracy,
      low,
      high,
    }));
    const traces = line(points, look);
    if (points.length > 1) return traces;
    const [{ y, low, high }] = points;
    const bar = { type: "data", symmetric: false, color: look.color, thickness: 1.5 };
    // Wilson's interval need not reach the value itself.
    const [array, arrayminus] = [[Math.max(0, (high ?? y) - y)], [Math.max(0, y - (low ?? y))]];
    return traces.map((trace) => ({ ...trace, error_y: { ...bar, array, arrayminus } }));
  });
}

interface Found {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

function judgesOf(rows: readonly { readonly judge: string }[]): string[] {
  return [...new Set(rows.map(({ judge }) => judge))];
}

const labelOf = (judges: readonly string[]) => {
  const style = looks(judges);
  return (judge: string): string => style.get(judge)!.label;
};

/** Ends that are known, on their sides of the value: Wilson's interval need not reach it. */
function bounds({ value, low, high }: Found) {
  return {
    value,
    low: low === null ? undefined : Math.min(low, value),
    high: high === null ? undefined : Math.max(high, value),
  };
}

function find(rows: readonly JudgeFigureRow[], judge: string, measure: string): Found | null {
  const row = rows.find((row) => row.judge === judge && row.measure === measure);
  if (row === undefined || row.value === null) return null;
  const { value, low, high } = row;
  return { value, low, high };
}

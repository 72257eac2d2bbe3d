import { z } from "zod";
import { cell } from "../base/csv.ts";
import { type Panel, panels } from "./panels.ts";
import { type Figure, INK, TEXT, type Trace } from "./style.ts";

/** A row of `data/results/step-time.csv`: milliseconds of a step by part. */
export const stepTimeRow = z.object({
  work: cell.text,
  step: cell.text,
  javascript_ms: cell.number,
  kernels_ms: cell.number,
  to_device_ms: cell.number,
  to_host_ms: cell.number,
  total_ms: cell.number,
});
/** {@linkcode stepTimeRow} as it is read. */
export type StepTimeRow = z.output<typeof stepTimeRow>;

/** Parts from the left, with words and colours that neighbours do not share. */
const PARTS = [
  { of: "kernels_ms", text: "kernels", color: INK.blue },
  { of: "javascript_ms", text: "JavaScript", color: INK.amber },
  { of: "to_device_ms", text: "to TensorFlow", color: INK.sky },
  { of: "to_host_ms", text: "back", color: INK.grey },
] as const;

/** Where the time of a step goes, op by op and compiled: a panel for each kind of work, in its own milliseconds. */
export function stepTimeFigure(rows: readonly StepTimeRow[]): Figure {
  const works = [...new Set(rows.map(({ work }) => work))];
  const list = works.map((work, i): Panel => {
    const own = rows.filter((row) => row.work === work);
    const most = Math.max(...own.map(({ total_ms }) => total_ms));
    return {
      title: `${work}, milliseconds`,
      traces: PARTS.map(({ of, text, color }): Trace => ({
        ...{ type: "bar", orientation: "h", name: text, marker: { color }, showlegend: i === 0 },
        y: own.map(({ step }) => step),
        x: own.map((row) => row[of]),
      })),
      x: { range: [0, 1.16 * most] },
      y: { range: [1.6, -0.6], showgrid: false, type: "category" },
      notes: own.map(({ step, total_ms }) => ({
        ...{ text: total_ms.toFixed(total_ms < 100 ? 1 : 0), x: total_ms, y: step, xshift: 6 },
        ...{ xanchor: "left", yanchor: "middle", showarrow: false },
        font: { size: TEXT.label, color: INK.text },
      })),
    };
  });
  const figure = panels(list, { width: 860, height: 110, left: 90, right: 20 });
  const key = PARTS.map(({ text, color }) => `<span style="color:${color}">\u25a0</span> ${text}`);
  const { layout } = figure;
  (layout.annotations as unknown[]).push({
    ...{ text: key.join("   "), xref: "paper", yref: "paper", x: 1, y: 1, yshift: -16 },
    ...{ xanchor: "right", yanchor: "middle", showarrow: false },
    font: { size: TEXT.label, color: INK.text },
  });
  return { ...figure, layout: { ...layout, barmode: "stack", bargap: 0.35, showlegend: false } };
}

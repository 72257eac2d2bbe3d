import { type Dot, intervals, rowAxis } from "./marks.ts";
import { panels, textWidth } from "./panels.ts";
import { type Figure, inkFor, looks, TEXT } from "./style.ts";

/** A measure of something called `name`, with its interval. */
export interface MeasureRow {
  readonly measure: string;
  readonly name: string;
  readonly value: number;
  readonly low?: number | null;
  readonly high?: number | null;
}

/**
 * A dot for each name on every row of measures, such as a model before and after training.
 *
 * @param options.title What is measured, with its unit.
 * @param options.reference Where a dashed line stands, and what it means.
 */
export function measureDots(
  rows: readonly MeasureRow[],
  { title, range = [-0.03, 1.03], reference }: {
    title: string;
    range?: readonly [number, number];
    reference?: { at: number; text: string };
  },
): Figure {
  const style = looks(rows.map(({ name }) => name));
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  const names = [...style];
  // Rows high enough for their dots, which are 10 pixels wide, not to touch.
  const height = Math.max(52, 20 * names.length);
  const gap = Math.max(0.5 / names.length, 12 / height);
  const left = Math.max(...measures.map(textWidth)) + 20;
  const traces = names.map(([name, look], i) =>
    intervals(
      rows.filter((row) => row.name === name).map(({ measure, value, low, high }): Dot => ({
        row: measures.indexOf(measure) + (i - (names.length - 1) / 2) * gap,
        label: `${look.label}, ${measure}`,
        value,
        low,
        high,
        color: look.color,
      })),
      look.label,
    )
  );
  const figure = panels([{
    title,
    traces,
    x: { range },
    y: { ...rowAxis(measures), showgrid: false },
    references: reference ? [{ axis: "x", ...reference }] : [],
  }], { width: left + 560, height: Math.max(130, height * measures.length), left, right: 24 });
  const { layout } = figure;
  const key = names.map(([, { label, color }]) =>
    `<span style="color:${inkFor(color)}">\u25cf ${label}</span>`
  ).join("   ");
  // Beside the title if there is room, else below the axis.
  const keyWidth = textWidth(names.map(([, { label }]) => `- ${label}`).join("   "));
  const [wide, high] = [layout.width as number, layout.height as number];
  const beside = textWidth(title) * 1.3 + keyWidth + 50 < wide;
  (layout.annotations as unknown[]).push({
    text: key,
    xref: "paper",
    yref: "paper",
    x: 1 - 24 / wide,
    y: beside ? 1 - 16 / high : 14 / high,
    xanchor: "right",
    yanchor: "middle",
    showarrow: false,
    font: { size: TEXT.label },
  });
  return figure;
}

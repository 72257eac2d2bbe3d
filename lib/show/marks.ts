/** The marks that figures are made of: lines with their band, dots with their interval, references. */
import type { Panel } from "./panels.ts";
import { faint, INK, type Look, type Trace } from "./style.ts";

/** A point of a line, with the interval of its value where there is one. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number | null;
  readonly high?: number | null;
}

/** A value with its interval at a row of a dot plot; rows are numbers, named by the axis. */
export interface Dot {
  readonly row: number;
  readonly label: string;
  readonly value: number;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly color: string;
}

/**
 * A line; its interval, where neighbouring points have one, is a band below it. Points are drawn in order of x.
 */
export function line(
  points: readonly Point[],
  look: Look,
  { width = 2.5, markers = points.length <= 12 }: { width?: number; markers?: boolean } = {},
): Trace[] {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const bands = bandsOf(sorted).map((bounded): Trace => ({
    type: "scatter",
    mode: "lines",
    name: `${look.label}, interval`,
    x: [...bounded, ...bounded.toReversed()].map((p) => p.x),
    y: [...bounded.map((p) => p.high), ...bounded.toReversed().map((p) => p.low)],
    fill: "toself",
    fillcolor: faint(look.color),
    line: { width: 0, color: look.color },
    hoverinfo: "skip",
  }));
  return [...bands, {
    type: "scatter",
    mode: markers ? "lines+markers" : "lines",
    name: look.label,
    x: sorted.map((p) => p.x),
    y: sorted.map((p) => p.y),
    line: { color: look.color, width, dash: look.dash },
    marker: { color: look.color, size: 6 },
  }];
}

/** Neighbours that have intervals, two or more: a band across a point that has none would give it one. */
function bandsOf(sorted: readonly Point[]): Point[][] {
  const bands: Point[][] = [[]];
  for (const point of sorted) {
    if (typeof point.low === "number" && typeof point.high === "number") bands.at(-1)!.push(point);
    else bands.push([]);
  }
  return bands.filter((band) => band.length >= 2);
}

/** Single points, as of each seed. */
export function dots(
  x: readonly (number | string)[],
  y: readonly (number | string)[],
  { name, color, size = 7, opacity = 1, open = false }: {
    name: string;
    color: string;
    size?: number;
    opacity?: number;
    open?: boolean;
  },
): Trace {
  return {
    type: "scatter",
    mode: "markers",
    name,
    x,
    y,
    marker: open
      ? { color: "white", size, line: { color, width: 2 } }
      : { color, size, opacity, line: { width: 0 } },
  };
}

/** Lines with their names beside their ends. */
export function namedLines(
  courses: readonly { look: Look; points: readonly Point[] }[],
  options: Parameters<typeof line>[2] = {},
): Pick<Panel, "traces" | "labels"> {
  return {
    traces: courses.flatMap(({ look, points }) => line(points, look, options)),
    labels: courses.filter(({ points }) => points.length > 0).map(({ look, points }) => ({
      y: points.reduce((end, point) => point.x > end.x ? point : end).y,
      text: look.label,
      color: look.color,
    })),
  };
}

/** Values with their intervals along the x axis: the rows of a dot plot. */
export function intervals(rows: readonly Dot[], name: string): Trace {
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: rows.map((r) => r.value),
    y: rows.map((r) => r.row),
    text: rows.map((r) => r.label),
    hovertemplate: "%{text}: %{x:.3f}<extra></extra>",
    marker: { color: rows.map((r) => r.color), size: 10 },
    error_x: {
      type: "data",
      symmetric: false,
      array: rows.map((r) => (r.high ?? r.value) - r.value),
      arrayminus: rows.map((r) => r.value - (r.low ?? r.value)),
      color: INK.text,
      thickness: 1.5,
      width: 4,
    },
  };
}

/** The y axis of a dot plot: row i, counted from the top, is named by `names[i]`. */
export function rowAxis(names: readonly string[]): Record<string, unknown> {
  return {
    tickvals: names.map((_, i) => i),
    ticktext: names,
    range: [names.length - 0.4, -0.6],
    ticks: "",
  };
}

/** Mean over five values around each, so that noise of single batches does not hide the course. */
export function smoothed(y: readonly number[]): number[] {
  return y.map((_, i) => {
    const near = y.slice(Math.max(0, i - 2), i + 3);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

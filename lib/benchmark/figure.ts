/** The figure of a benchmark: a pure function from the rows of its CSV file to a Plotly specification. */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import {
  faint,
  type Figure,
  HOUSE_LAYOUT,
  INK,
  inkFor,
  type Look,
  looks,
  TEXT,
  type Trace,
} from "../show/style.ts";
import { cell } from "../base/csv.ts";

/** A row of `results.csv` of `deno task benchmark`; null where a number is not known. */
export const benchmarkFigureRow = z.object({
  benchmark: cell.text,
  judge: cell.text,
  model: cell.text,
  against: cell.words,
  category: cell.text,
  turn: cell.text,
  measure: cell.text,
  value: cell.blank,
  low: cell.blank,
  high: cell.blank,
  n: cell.number,
});
/** {@linkcode benchmarkFigureRow} as it is read. */
export type BenchmarkFigureRow = z.output<typeof benchmarkFigureRow>;

/** What the radar shows of each measure. */
const MEASURES: Readonly<
  Record<string, { words: string; range: [number, number]; even?: number }>
> = {
  grade: { words: "mean grade, 1 to 10", range: [0, 10] },
  winRate: { words: "win rate; dashed: even", range: [0, 1], even: 0.5 },
  preference: { words: "mean preference; dashed: even", range: [0, 1], even: 0.5 },
};

/** How a line looks, before its name in its colour: on a radar no line has an end to be named at. */
const SIGNS: Readonly<Record<Look["dash"], string>> = {
  solid: "\u2501\u2501",
  dash: "\u2501 \u2501",
  dot: "\u00b7\u00b7\u00b7\u00b7",
  dashdot: "\u2501 \u00b7",
};

/** Bands of more models than this hide each other. */
const MOST_BANDS = 3;

/**
 * A radar with an axis a category and a line a model, its 95 % interval as a band where three models
 * or fewer are shown; a category without a value breaks the line.
 *
 * @throws {UserError} When the rows have no such measure, or fewer than three categories: two axes make no area.
 *
 * @example
 * ```ts
 * import { benchmarkFigure } from "./figure.ts";
 * const row = { benchmark: "vicuna", judge: "j", model: "m", against: "", turn: "all", measure: "grade" };
 * const rows = ["writing", "math", "coding"].map((category, i) => (
 *   { ...row, category, value: 4 + i, low: 3, high: 8, n: 10 }));
 * benchmarkFigure(rows, "grade").layout.width; // pixels
 * ```
 */
export function benchmarkFigure(
  rows: readonly BenchmarkFigureRow[],
  measure: "grade" | "winRate" | "preference",
): Figure {
  const shown = rows.filter((row) =>
    row.measure === measure && row.turn === "all" && row.category !== "all"
  );
  const categories = [...new Set(shown.map(({ category }) => category))];
  if (categories.length < 3) {
    throw new UserError(
      `the results have ${categories.length} categories with the measure "${measure}"`,
      "a radar needs three at least: ask more questions, or read the table",
    );
  }
  const { words, range, even } = MEASURES[measure];
  const rivals = new Set(shown.map(({ against }) => against));
  const [rival] = rivals.size === 1 ? rivals : [""];
  const lines = [...Map.groupBy(shown, (row) => rival === "" ? name(row) : row.model)];
  const style = looks(lines.map(([line]) => line));
  const labels = categories.map((category) => `${category}<br>n ${counts(shown, category)}`);
  const traces = lines.flatMap(([line, own]): Trace[] => {
    const look = style.get(line)!;
    const at = (field: "value" | "low" | "high") =>
      closed(
        categories.map((category) => own.find((row) => row.category === category)?.[field] ?? null),
      );
    const band = lines.length <= MOST_BANDS &&
      closed(categories).every((_, i) => at("low")[i] !== null && at("high")[i] !== null);
    return [
      ...(band ? bandOf(closed(labels), at("low"), at("high"), look) : []),
      {
        type: "scatterpolar",
        mode: "lines+markers",
        name: look.label,
        theta: closed(labels),
        r: at("value"),
        line: { color: look.color, width: 2.5, dash: look.dash },
        marker: { color: look.color, size: 7 },
        connectgaps: false,
        hovertemplate: "%{theta}: %{r:.3f}<extra>%{fullData.name}</extra>",
      },
    ];
  });
  const [{ benchmark, judge }] = shown;
  return {
    data: [...traces, ...(even === undefined ? [] : [evenLine(closed(labels), even)])],
    layout: {
      ...HOUSE_LAYOUT,
      width: 760,
      height: 720,
      margin: { l: 90, r: 90, t: 140, b: 80 + 22 * lines.length },
      title: {
        text: `${escaped(benchmark)}: ${words}<br><sub>${
          rival === "" ? "" : `against ${escaped(rival)}, `
        }judged by ${escaped(judge)}</sub>`,
        font: { size: TEXT.title },
        x: 0.5,
        y: 0.96,
        yanchor: "top",
      },
      annotations: [{
        text: [...style.values()].map((look) =>
          `<span style="color:${inkFor(look.color)}">${SIGNS[look.dash]} ${
            escaped(look.label)
          }</span>`
        ).join("<br>"),
        ...{ xref: "paper", yref: "paper", x: 0.5, y: -0.1, xanchor: "center", yanchor: "top" },
        ...{ showarrow: false, align: "left", font: { size: TEXT.label } },
      }],
      polar: {
        bgcolor: "white",
        angularaxis: {
          direction: "clockwise",
          rotation: 90,
          gridcolor: INK.pale,
          linecolor: INK.grey,
          tickfont: { size: TEXT.tick },
        },
        radialaxis: {
          range,
          // Between two axes, where no point lies; the ticks' words turn with it and are turned back.
          angle: 90 - 180 / categories.length,
          tickangle: 90 - 180 / categories.length,
          gridcolor: INK.pale,
          linecolor: INK.grey,
          tickfont: { size: 12, color: inkFor(INK.grey) },
        },
      },
    },
  };
}

const name = ({ model, against }: BenchmarkFigureRow) =>
  against === "" ? model : `${model} against ${against}`;

/** The line comes back to where it began. */
const closed = <T>(values: readonly T[]): T[] => [...values, values[0]];

/** Names come from users: Plotly takes some HTML in texts. */
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function counts(rows: readonly BenchmarkFigureRow[], category: string): string {
  const n = rows.filter((row) => row.category === category).map((row) => row.n);
  const [least, most] = [Math.min(...n), Math.max(...n)];
  return least === most ? String(least) : `${least} to ${most}`;
}

function bandOf(
  theta: readonly string[],
  low: readonly (number | null)[],
  high: readonly (number | null)[],
  { color }: Look,
): Trace[] {
  const edge = {
    type: "scatterpolar",
    mode: "lines",
    theta,
    line: { width: 0, color },
    showlegend: false,
  };
  return [
    { ...edge, r: low, hoverinfo: "skip" },
    { ...edge, r: high, hoverinfo: "skip", fill: "tonext", fillcolor: faint(color) },
  ];
}

function evenLine(theta: readonly string[], even: number): Trace {
  return {
    type: "scatterpolar",
    mode: "lines",
    theta,
    r: theta.map(() => even),
    line: { color: INK.text, width: 1.2, dash: "dash" },
    hoverinfo: "skip",
    showlegend: false,
  };
}

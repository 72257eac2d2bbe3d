/** Figures of judge reports: pure functions from the rows of their CSV files to a Plotly specification. */
import { AXIS, type Figure, HOUSE_LAYOUT, INK, TEXT } from "./style.ts";

/** A row of a judge report; null or an empty cell where a measure is not defined. */
export interface JudgeFigureRow {
  readonly judge: string;
  readonly measure: string;
  readonly value: number | string | null;
  readonly low: number | string | null;
  readonly high: number | string | null;
  readonly n: number | string;
}

/** A row of a reliability curve. */
export interface ReliabilityFigureRow {
  readonly judge: string;
  readonly from: number;
  readonly to: number;
  readonly n: number;
  readonly confidence: number;
  readonly accuracy: number;
  readonly low: number | string | null;
  readonly high: number | string | null;
}

/** Colours in the order of the judges; the last of several, the null judge, is grey. */
const COLOURS = [INK.blue, INK.orange, INK.green, INK.purple, INK.amber, INK.sky];

/** Most judges whose counts are written above their bars; more would lie on each other. */
const COUNTED = 2;

/** Measures of bias, as the figure words them, with the value that a fair judge would have. */
const BIASES: readonly { measure: string; label: string; fair: number }[] = [
  { measure: "firstSeatRate", label: "names the<br>first seat", fair: 0.5 },
  { measure: "longerRate", label: "names the<br>longer answer", fair: 0.5 },
  { measure: "ownRate", label: "names its<br>own answer", fair: 0.5 },
  { measure: "flipRate", label: "flips when<br>seats swap", fair: 0 },
  { measure: "tieRate", label: "ties", fair: 0 },
  { measure: "intransitiveTriples", label: "cycles among<br>three answers", fair: 0 },
];

/** Bars of each bias, a colour a judge, with intervals and a dashed line where a fair judge would be. */
export function biasFigure(rows: readonly JudgeFigureRow[]): Figure {
  const judges = judgesOf(rows);
  const shown = BIASES.filter(({ measure }) =>
    judges.some((judge) => find(rows, judge, measure) !== null)
  );
  const labels = shown.map(({ label }) => label);
  const bars = judges.map((judge, j): Record<string, unknown> => {
    const found = shown.map(({ measure }) => find(rows, judge, measure));
    return {
      type: "bar",
      name: judge,
      x: labels,
      y: found.map((row) => row?.value ?? null),
      error_y: errors(found, INK.text),
      marker: { color: colour(j, judges.length) },
    };
  });
  const group = 0.8; // share of a place that its bars fill
  const missing = judges.flatMap((judge, j) =>
    shown.flatMap(({ measure }, place) =>
      find(rows, judge, measure) !== null ? [] : [{
        text: "n/a",
        showarrow: false,
        textangle: -90,
        x: place + ((j + 0.5) / judges.length - 0.5) * group,
        y: 0.04,
        font: { size: TEXT.tick - 2, color: INK.grey },
      }]
    )
  );
  return {
    data: bars,
    layout: {
      ...HOUSE_LAYOUT,
      width: 140 + 150 * shown.length,
      height: 460,
      barmode: "group",
      bargap: 1 - group,
      ...legend("Biases of judges, 95 % intervals; dashed: a fair judge"),
      xaxis: { ...AXIS, showgrid: false, ticks: "" },
      yaxis: { ...AXIS, range: [0, 1.02], title: axisTitle("share") },
      shapes: shown.flatMap(({ fair }, place) =>
        fair === 0 ? [] : [{
          type: "line",
          x0: place - 0.45,
          x1: place + 0.45,
          y0: fair,
          y1: fair,
          line: { color: INK.text, width: 1, dash: "dash" },
        }]
      ),
      annotations: missing,
    },
  };
}

/** Each judge's agreement with the labels beside its calibration error and the least to be expected. */
export function comparisonFigure(rows: readonly JudgeFigureRow[]): Figure {
  const judges = judgesOf(rows);
  const dots = (measure: string, axis: string, color: string) => {
    const found = judges.map((judge) => find(rows, judge, measure));
    return {
      type: "scatter",
      mode: "markers",
      name: measure,
      x: found.map((row) => row?.value ?? null),
      y: judges,
      error_x: errors(found, color),
      marker: { color, size: 9 },
      cliponaxis: false,
      xaxis: `x${axis}`,
      yaxis: "y",
    };
  };
  const panels = [
    { axis: "", measure: "accuracy", title: "agrees with the labels", range: [-0.02, 1.02], at: 0 },
    {
      axis: "2",
      measure: "calibrationError",
      title: "calibration error (grey: noise alone)",
      range: [-0.02, null],
      at: 0.56,
    },
  ];
  const layout: Record<string, unknown> = {
    ...HOUSE_LAYOUT,
    width: 900,
    height: 150 + 44 * judges.length,
    margin: { ...HOUSE_LAYOUT.margin, t: 60, l: 30 + 8 * Math.max(...judges.map((j) => j.length)) },
    yaxis: { ...AXIS, autorange: "reversed", type: "category" },
    annotations: [
      ...panels.map(({ title, at }) => ({
        text: title,
        showarrow: false,
        xref: "paper",
        yref: "paper",
        x: at,
        y: 1.02,
        yanchor: "bottom",
        xanchor: "left",
        font: { size: TEXT.axis, color: INK.text },
      })),
      ...panels.flatMap(({ axis, measure }) =>
        judges.filter((judge) => find(rows, judge, measure) === null).map((judge) => ({
          text: "n/a",
          showarrow: false,
          xref: `x${axis}`,
          yref: "y",
          x: 0,
          y: judge,
          xanchor: "left",
          font: { size: TEXT.tick - 2, color: INK.grey },
        }))
      ),
    ],
    shapes: [{
      type: "line",
      xref: "x",
      yref: "paper",
      x0: 0.5,
      x1: 0.5,
      y0: 0,
      y1: 1,
      line: { color: INK.grey, width: 1, dash: "dash" },
    }],
  };
  for (const { axis, at, range } of panels) {
    layout[`xaxis${axis}`] = {
      ...AXIS,
      domain: [at, at + 0.44],
      range,
      anchor: "y",
    };
  }
  return {
    data: [
      dots("accuracy", "", INK.blue),
      dots("calibrationFloor", "2", INK.grey),
      dots("calibrationError", "2", INK.orange),
    ],
    layout,
  };
}

/** Accuracy against confidence with the pairs behind each point; the dashed line is perfect calibration. */
export function reliabilityFigure(rows: readonly ReliabilityFigureRow[]): Figure {
  const judges = judgesOf(rows);
  const data = judges.flatMap((judge, j): Record<string, unknown>[] => {
    const own = rows.filter((row) => row.judge === judge);
    const drawn = withGaps(own);
    const color = colour(j, judges.length);
    return [{
      type: "scatter",
      mode: "lines+markers",
      name: judge,
      x: drawn.map((row) => row?.confidence ?? null),
      y: drawn.map((row) => row?.accuracy ?? null),
      error_y: errors(
        drawn.map((row) => row && { value: row.accuracy, low: num(row.low), high: num(row.high) }),
        color,
      ),
      line: { color, width: 2 },
      marker: { color, size: 7 },
      cliponaxis: false,
    }, {
      type: "bar",
      name: judge,
      showlegend: false,
      x: own.map(({ from, to }) => (from + to) / 2),
      y: own.map(({ n }) => n),
      ...(judges.length <= COUNTED && {
        text: own.map(({ n }) => `${n}`),
        textposition: "outside",
        textfont: { size: TEXT.tick - 2, color },
        constraintext: "none",
      }),
      cliponaxis: false,
      marker: { color },
      yaxis: "y2",
    }];
  });
  return {
    data,
    layout: {
      ...HOUSE_LAYOUT,
      width: 760,
      height: 640,
      barmode: "group",
      bargap: 0.1,
      ...legend("Reliability of judges, 95 % intervals; dashed: as sure as it is right"),
      xaxis: {
        ...AXIS,
        range: [0.49, 1.01],
        anchor: "y2",
        title: axisTitle("confidence in the answer named"),
      },
      yaxis: {
        ...AXIS,
        range: [0, 1.02],
        domain: [0.36, 1],
        title: axisTitle("share right"),
      },
      yaxis2: {
        ...AXIS,
        domain: [0, 0.26],
        title: axisTitle("pairs"),
        rangemode: "tozero",
      },
      shapes: [{
        type: "line",
        x0: 0.5,
        x1: 1,
        y0: 0.5,
        y1: 1,
        line: { color: INK.grey, width: 1, dash: "dash" },
      }],
    },
  };
}

interface Found {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

function judgesOf(rows: readonly { readonly judge: string }[]): string[] {
  return [...new Set(rows.map(({ judge }) => judge))];
}

function find(rows: readonly JudgeFigureRow[], judge: string, measure: string): Found | null {
  const row = rows.find((row) => row.judge === judge && row.measure === measure);
  const value = row === undefined ? null : num(row.value);
  return value === null ? null : { value, low: num(row!.low), high: num(row!.high) };
}

/** A number of a CSV cell, which is empty where there is none. */
function num(value: number | string | null): number | null {
  return value === null || value === "" ? null : Number(value);
}

function errors(found: readonly (Found | null)[], color: string): Record<string, unknown> {
  const end = (of: (row: Found) => number) => found.map((row) => row === null ? 0 : of(row));
  return {
    type: "data",
    symmetric: false,
    // Wilson's interval and a corrected one need not reach the value itself.
    array: end(({ value, high }) => Math.max(0, (high ?? value) - value)),
    arrayminus: end(({ value, low }) => Math.max(0, value - (low ?? value))),
    color,
    thickness: 1,
  };
}

/** Rows with null between bins that are not neighbours, so that no line is drawn over empty ones. */
function withGaps(rows: readonly ReliabilityFigureRow[]): (ReliabilityFigureRow | null)[] {
  return rows.flatMap((row, i) => i > 0 && row.from - rows[i - 1].to > 1e-9 ? [null, row] : [row]);
}

function axisTitle(text: string): Record<string, unknown> {
  return { text, font: { size: TEXT.axis }, standoff: 10 };
}

function colour(index: number, count: number): string {
  return count > 1 && index === count - 1 ? INK.grey : COLOURS[index % COLOURS.length];
}

function legend(title: string): Record<string, unknown> {
  return {
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: TEXT.label } },
    title: { text: title, x: 0, xref: "paper", xanchor: "left", font: { size: TEXT.title } },
    margin: { ...HOUSE_LAYOUT.margin, t: 90 },
  };
}

/** The figure of one run: pure functions from the rows of its CSV files to a Plotly specification. */
import { HOUSE_LAYOUT, INK } from "./style.ts";

/** A row of a CSV file, numbers parsed. */
export type Row = Record<string, string | number>;

/** Tables of one run, as the stages write them. */
export interface RunTables {
  /** judge-before/report.csv and judge-after/report.csv */
  judgeBefore: readonly Row[];
  judgeAfter: readonly Row[];
  /** jsft/metrics.csv */
  jsft: readonly Row[];
  /** self-judge/metrics.csv */
  selfJudge: readonly Row[];
  /** reject/win_rates.csv */
  reject: readonly Row[];
}

/** What Plotly draws. */
export interface Figure {
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
}

/** Four panels: JSFT losses, the judge before and after, the loop's margin, self-rejection. */
export function runFigure(tables: RunTables): Figure {
  const panels = [
    { title: "JSFT: loss per target token", x: "step", data: jsftPanel(tables.jsft) },
    { title: "Judge on held-out pairs", x: "", data: judgePanel(tables) },
    { title: "Self-training: implicit reward", x: "step", data: loopPanel(tables.selfJudge) },
    {
      title: "Self-rejection: win rate by the run's own judge",
      x: "answers in the tournament",
      data: rejectPanel(tables.reject),
    },
  ];
  const layout: Record<string, unknown> = {
    ...HOUSE_LAYOUT,
    grid: { rows: 2, columns: 2, pattern: "independent", xgap: 0.2, ygap: 0.36 },
    width: 1040,
    margin: { ...HOUSE_LAYOUT.margin, r: 90 },
    height: 720,
    annotations: panels.map(({ title }, i) => ({
      text: title,
      showarrow: false,
      xref: "paper",
      yref: "paper",
      x: i % 2 === 0 ? 0 : 0.555,
      y: i < 2 ? 1.06 : 0.45,
      xanchor: "left",
      font: { size: 15, color: INK.text },
    })),
  };
  panels.forEach(({ x }, i) => {
    const axis = i === 0 ? "" : `${i + 1}`;
    layout[`xaxis${axis}`] = {
      ...HOUSE_LAYOUT.xaxis,
      title: { text: x, standoff: 6, font: { size: 12 } },
    };
    layout[`yaxis${axis}`] = { ...HOUSE_LAYOUT.yaxis };
  });
  Object.assign(layout.yaxis2 as object, { range: [0, 1] });
  Object.assign(layout.yaxis4 as object, { range: [0, 1.02] });
  Object.assign(layout.xaxis4 as object, { type: "category" });
  const data = panels.flatMap(({ data }, i) =>
    data.map((trace) => ({ ...trace, xaxis: `x${i + 1}`, yaxis: `y${i + 1}` }))
  );
  return { data, layout };
}

function jsftPanel(rows: readonly Row[]): Record<string, unknown>[] {
  const line = (name: string, sum: string, targets: string, color: string) => {
    const some = rows.filter((row) => Number(row[targets]) > 0);
    const y = some.map((row) => -Number(row[sum]) / Number(row[targets]));
    return labelled(some.map((row) => row.step), smoothed(y), { name, color });
  };
  const first = Number(rows[0]?.step ?? 0);
  const last = Number(rows.at(-1)?.step ?? 1);
  return [
    line("answers", "answerLogProb", "answerTargets", INK.blue),
    line("judgments", "judgmentLogProb", "judgmentTargets", INK.orange),
    dashed([first, last], [Math.LN2, Math.LN2], "guessing, ln 2"),
  ];
}

function judgePanel({ judgeBefore, judgeAfter }: RunTables): Record<string, unknown>[] {
  const names: Record<string, string> = {
    accuracy: "accuracy",
    longerWinsAccuracy: "longer wins",
    flipRate: "flips on swap",
    firstSeatRate: "first seat",
  };
  const bars = (rows: readonly Row[], name: string, color: string) => {
    const some = Object.keys(names).map((measure) => rows.find((r) => r.measure === measure));
    const value = (field: string) => some.map((r) => Number(r?.[field] ?? 0));
    return {
      type: "bar",
      name,
      x: Object.values(names),
      y: value("value"),
      error_y: {
        type: "data",
        symmetric: false,
        array: some.map((r) => Number(r?.high ?? 0) - Number(r?.value ?? 0)),
        arrayminus: some.map((r) => Number(r?.value ?? 0) - Number(r?.low ?? 0)),
        color: INK.text,
        thickness: 1,
      },
      text: some.map((_, i) => i === 0 ? name : ""),
      textposition: "inside",
      insidetextanchor: "start",
      insidetextfont: { color: "white" },
      textangle: -90,
      marker: { color },
    };
  };
  return [
    bars(judgeBefore, "before JSFT", INK.grey),
    bars(judgeAfter, "after JSFT", INK.blue),
    dashed(Object.values(names), Object.values(names).map(() => 0.5), ""),
  ];
}

function loopPanel(rows: readonly Row[]): Record<string, unknown>[] {
  const some = rows.filter((row) => Number(row.pairs) > 0);
  const x = some.map((row) => row.step);
  const line = (field: string, name: string, color: string) =>
    labelled(x, smoothed(some.map((row) => Number(row[field]))), { name, color });
  return [
    line("rewardChosen", "chosen", INK.blue),
    line("rewardRejected", "rejected", INK.orange),
    line("rewardMargin", "margin", INK.green),
  ];
}

function rejectPanel(rows: readonly Row[]): Record<string, unknown>[] {
  return [["jsft", INK.orange], ["self-judge", INK.blue]].map(([policy, color]) => {
    const some = rows.filter((row) => row.policy === policy);
    return {
      ...labelled(some.map((r) => `${r.candidates}`), some.map((r) => Number(r.winRate)), {
        name: policy,
        color,
      }),
      error_y: {
        type: "data",
        symmetric: false,
        array: some.map((r) => Number(r.high) - Number(r.winRate)),
        arrayminus: some.map((r) => Number(r.winRate) - Number(r.low)),
        color,
        thickness: 1,
      },
    };
  });
}

/** A line named at its last point, so that no legend is needed. */
function labelled(
  x: readonly unknown[],
  y: readonly number[],
  { name, color }: { name: string; color: string },
): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "lines+markers+text",
    name,
    x,
    y,
    line: { color, width: 2 },
    marker: { color, size: 4 },
    text: y.map((_, i) => i === y.length - 1 ? name : ""),
    textposition: "middle right",
    textfont: { color },
    cliponaxis: false,
  };
}

function dashed(
  x: readonly unknown[],
  y: readonly number[],
  name: string,
): Record<string, unknown> {
  return {
    type: "scatter",
    mode: "lines+text",
    x,
    y,
    line: { color: INK.grey, width: 1, dash: "dash" },
    text: y.map((_, i) => i === 0 ? name : ""),
    textposition: "bottom right",
    textfont: { color: INK.grey },
  };
}

/** Mean over five steps around each, so that noise of single batches does not hide the course. */
function smoothed(y: readonly number[]): number[] {
  return y.map((_, i) => {
    const near = y.slice(Math.max(0, i - 2), i + 3);
    return near.reduce((a, b) => a + b, 0) / near.length;
  });
}

/** The figure of one run: pure functions from the rows of its CSV files to a Plotly specification. */
import { type Dot, intervals, namedLines, rowAxis, smoothed } from "./marks.ts";
import { type Panel, panels } from "./panels.ts";
import { type Figure, INK, type Look, looks } from "./style.ts";

export type { Figure } from "./style.ts";

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
  /** tournament/win_rates.csv */
  tournament: readonly Row[];
}

/** Four panels: JSFT losses, the judge before and after, the loop's margin, self-rejection. */
export function runFigure(tables: RunTables): Figure {
  return panels([
    jsftPanel(tables.jsft),
    judgePanel(tables),
    loopPanel(tables.selfJudge),
    tournamentPanel(tables.tournament),
  ], { columns: 2, width: 1040, height: 280 });
}

function jsftPanel(rows: readonly Row[]): Panel {
  const course = (sum: string, targets: string, look: Look) => {
    const some = rows.filter((row) => Number(row[targets]) > 0);
    const y = smoothed(some.map((row) => -Number(row[sum]) / Number(row[targets])));
    return { look, points: some.map((row, i) => ({ x: Number(row.step), y: y[i] })) };
  };
  return {
    ...namedLines([
      course("answerLogProb", "answerTargets", solid("answers", INK.blue)),
      course("judgmentLogProb", "judgmentTargets", solid("judgments", INK.orange)),
    ]),
    title: "JSFT: loss, nats per target token",
    x: { title: "step (means over five steps)" },
    references: [{ axis: "y", at: Math.LN2, text: "guessing, ln 2" }],
  };
}

function judgePanel({ judgeBefore, judgeAfter }: RunTables): Panel {
  const names: Record<string, string> = {
    accuracy: "accuracy",
    longerWinsAccuracy: "longer-wins rule",
    flipRate: "flips on swap",
    firstPositionRate: "first position",
  };
  const measures = Object.keys(names);
  const side = (rows: readonly Row[], name: string, color: string, shift: number) =>
    intervals(
      measures.flatMap((measure, row): Dot[] => {
        const found = rows.find((r) => r.measure === measure);
        return found === undefined ? [] : [{
          row: row + shift,
          label: names[measure],
          value: Number(found.value),
          low: Number(found.low),
          high: Number(found.high),
          color,
        }];
      }),
      name,
    );
  const first = (rows: readonly Row[]) =>
    Number(rows.find((r) => r.measure === measures[0])?.value ?? 0.5);
  return {
    title: "Judge on held-out pairs",
    left: 150,
    traces: [
      side(judgeBefore, "before JSFT", INK.grey, -0.16),
      side(judgeAfter, "after JSFT", INK.blue, 0.16),
    ],
    x: { title: "share of pairs", range: [-0.03, 1.03] },
    y: { ...rowAxis(Object.values(names)), showgrid: false },
    references: [{ axis: "x", at: 0.5 }],
    notes: [
      { text: "before JSFT", x: first(judgeBefore), y: -0.16, font: { size: 13, color: INK.grey } },
      { text: "after JSFT", x: first(judgeAfter), y: 0.16, font: { size: 13, color: INK.blue } },
    ].map((note, i) => ({ ...note, yshift: i === 0 ? 15 : -15 })),
  };
}

function loopPanel(rows: readonly Row[]): Panel {
  const some = rows.filter((row) => Number(row.pairs) > 0);
  const course = (field: string, look: Look) => {
    const y = smoothed(some.map((row) => Number(row[field])));
    return { look, points: some.map((row, i) => ({ x: Number(row.step), y: y[i] })) };
  };
  return {
    ...namedLines([
      course("rewardChosen", solid("chosen", INK.blue)),
      course("rewardRejected", solid("rejected", INK.orange)),
      course("rewardMargin", solid("margin", INK.green)),
    ]),
    title: "Self-training: implicit reward, nats",
    x: { title: "step (means over five steps)" },
  };
}

function tournamentPanel(rows: readonly Row[]): Panel {
  const style = looks(rows.map((row) => `${row.policy}`));
  const counts = [...new Set(rows.map((row) => Number(row.candidates)))].sort((a, b) => a - b);
  return {
    ...namedLines([...style].map(([policy, look]) => ({
      look,
      points: rows.filter((row) => row.policy === policy).map((row) => ({
        x: Math.log2(Number(row.candidates)),
        y: Number(row.winRate),
        ...(typeof row.low === "number" && { low: row.low, high: Number(row.high) }),
      })),
    }))),
    title: "Self-rejection: win rate by own judge",
    x: {
      title: "N, answers in the tournament (log scale)",
      tickvals: counts.map(Math.log2),
      ticktext: counts.map(String),
    },
    y: { range: [-0.02, 1.05] },
  };
}

const solid = (label: string, color: string): Look => ({ label, color, dash: "solid" });

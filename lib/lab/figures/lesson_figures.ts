/** Figures of the notebooks on training and on judging. */
import { dots, line, namedLines, smoothed } from "../../show/marks.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { type Figure, INK, type Look, looks } from "../../show/style.ts";
import type { GapRow } from "../study/by_gap.ts";
import type { LossParts } from "../study/trained.ts";

/** Both losses over the steps, single steps pale; the judgments' beside that of a coin. */
export function lossCurves(rows: readonly LossParts[]): Figure {
  const panel = (part: "answers" | "judgments", look: Look): Panel => {
    const y = smoothed(rows.map((row) => row[part]));
    return {
      title: part === "answers" ? "Answers: nats per token" : "Judgments: nats for A or B",
      traces: [
        dots(rows.map(({ step }) => step), rows.map((row) => row[part]), {
          name: `${look.label}, each step`,
          color: look.color,
          size: 4,
          opacity: 0.3,
        }),
        ...line(rows.map(({ step }, i) => ({ x: step, y: y[i] })), look, { markers: false }),
      ],
      x: { title: "step (line: mean over five)" },
      ...shown(rows.map((row) => row[part])),
      references: part === "answers" ? [] : [{ axis: "y", at: Math.LN2, text: "coin, ln 2" }],
    };
  };
  return panels([
    panel("answers", { label: "answers", color: INK.blue, dash: "solid" }),
    panel("judgments", { label: "judgments", color: INK.orange, dash: "solid" }),
  ], { columns: 2, width: 960, height: 280 });
}

/** Cuts a tall start off, which would press the rest flat, and says so. */
function shown(y: readonly number[]): Pick<Panel, "y" | "notes"> {
  const settled = y.slice(Math.floor(y.length / 4));
  const [low, high] = [Math.min(...settled), Math.max(...settled)];
  const top = high + Math.max(0.5, high - low);
  if (Math.max(...y) <= top) return {};
  const text = `starts at ${y[0].toPrecision(2)}`;
  return {
    y: { range: [Math.min(...y) - 0.05, top] },
    notes: [{ text, x: y.length * 0.07, y: top, xanchor: "left", yanchor: "top" }],
  };
}

/** Accuracy by the distance of the two rewards, beside that of one noisy label. */
export function gapCurve(
  rows: readonly ({ readonly judge: string } & Omit<GapRow, "from" | "to" | "n">)[],
): Figure {
  const style = looks(rows.map(({ judge }) => judge));
  const courses = [...style].map(([judge, look]) => ({
    look,
    points: rows.filter((row) => row.judge === judge)
      .map(({ gap, accuracy, low, high }) => ({ x: gap, y: accuracy, low, high })),
  }));
  const seen = new Map(rows.map(({ gap, label }) => [gap, label]));
  const label = {
    look: { label: "one noisy label", color: INK.text, dash: "dot" } as Look,
    points: [...seen].map(([x, y]) => ({ x, y })),
  };
  return panels([{
    title: "Share of pairs in which the better answer wins",
    ...namedLines([...courses, label]),
    x: { title: "distance of the two true rewards (mean of a bin)" },
    y: { range: [0.2, 1.02] },
    references: [{ axis: "y", at: 0.5, text: "guessing" }],
  }], { width: 760, height: 340 });
}

/** A pair judged in both positions. */
export interface PositionPoint {
  readonly judge: string;
  /** Share of the verdict's probability on the first answer when it sits in position A, and when in position B. */
  readonly inA: number;
  readonly inB: number;
}

/**
 * Every pair by what the judge gives its first answer in either position, a panel per judge. A judge that does not look
 * at positions has its points on the diagonal; in two of the quarters the verdict flips.
 */
export function positionScatter(points: readonly PositionPoint[]): Figure {
  const style = looks(points.map(({ judge }) => judge));
  const list = [...style].map(([judge, look]): Panel => {
    const own = points.filter((point) => point.judge === judge);
    return {
      title: look.label,
      traces: [
        {
          type: "scatter",
          mode: "lines",
          name: "no position bias",
          x: [0, 1],
          y: [0, 1],
          line: { color: INK.grey, width: 1.5, dash: "dash" },
          hoverinfo: "skip",
        },
        dots(own.map(({ inA }) => inA), own.map(({ inB }) => inB), {
          name: look.label,
          color: look.color,
          size: 6,
          opacity: 0.45,
        }),
      ],
      x: { title: "P(first answer) in position A", range: [-0.03, 1.03] },
      y: {
        title: "P(first answer) in position B",
        range: [-0.03, 1.03],
      },
      references: [{ axis: "x", at: 0.5 }, { axis: "y", at: 0.5 }],
      notes: [
        { text: "flip: names A", x: 0.98, y: 0.02, xanchor: "right" },
        { text: "flip: names B", x: 0.02, y: 0.98, xanchor: "left" },
      ].map((note) => ({ ...note, bgcolor: "rgba(0,0,0,0)" })), // dots stay in sight
    };
  });
  return panels(list, { columns: list.length, width: 430 * list.length, height: 330, left: 76 });
}

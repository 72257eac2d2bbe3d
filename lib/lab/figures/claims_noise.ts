/** How good the labels, and with them the judge, must be: label noise and pair count. */
import { z } from "zod";
import { course } from "./claims_interval.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { dots, line } from "../../show/marks.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { type Figure, INK, inkFor, type Look, shades, TEXT } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";

/** A row of `label-noise.csv`: one whole run. Noise is the temperature that labels were drawn at. */
export const noisyRun = z.object({
  noise: cell.number,
  pairs: cell.number,
  seed: cell.number,
  accuracy: cell.number,
  reward: cell.number,
});
export type NoisyRun = z.output<typeof noisyRun>;

/**
 * The judge's accuracy and the final reward against label noise; a line per pair count, darker for more. Noise
 * falls to the right, where the lines fan out and can be named.
 */
export function labelNoise(rows: readonly NoisyRun[]): Figure {
  const sizes = byPairs(rows);
  const most = Math.max(...rows.map((row) => row.noise));
  const room = 0.03 * (most || 1);
  const panel = (title: string, value: (row: NoisyRun) => number): Panel => {
    const lines = sizes.map(({ look, some }) => ({
      look,
      points: course(some, (row) => row.noise, value),
    }));
    return {
      title,
      traces: lines.flatMap(({ look, points }) => line(points, look)),
      x: { title: "noise of the labels (Bradley-Terry temperature)", range: [most + room, -room] },
      labels: lines.map(({ look, points }) => ({
        y: points[0].y,
        text: look.label,
        color: look.color,
      })),
    };
  };
  return panels([
    panel("Judge's accuracy, clear pairs", (row) => row.accuracy),
    panel("True reward after self-training", (row) => row.reward),
  ], { columns: 2, width: 1040, height: 300 });
}

/** Final reward against the accuracy of the judge that led there: small dots are runs, large ones means. */
export function judgeNeeded(rows: readonly NoisyRun[]): Figure {
  const sizes = byPairs(rows);
  const means = sizes.map(({ look, some }) => ({
    look,
    points: [...Map.groupBy(some, (row) => row.noise)].map(([noise, runs]) => ({
      noise,
      x: overSeeds(runs.map((row) => row.accuracy)).value,
      y: overSeeds(runs.map((row) => row.reward)).value,
    })).sort((a, b) => a.noise - b.noise),
  }));
  return panels([{
    title: "True reward after self-training",
    traces: [
      ...sizes.map(({ look, some }) =>
        dots(some.map((row) => row.accuracy), some.map((row) => row.reward), {
          name: `${look.label}, runs`,
          color: look.color,
          opacity: 0.35,
          size: 6,
        })
      ),
      ...means.map(({ look, points }) => ({
        type: "scatter",
        mode: "lines+markers",
        name: look.label,
        x: points.map((p) => p.x),
        y: points.map((p) => p.y),
        text: points.map((p) => `noise ${p.noise}`),
        line: { color: look.color, width: 2 },
        marker: { color: look.color, size: 10, line: { color: "white", width: 1 } },
      })),
    ],
    x: { title: "judge's accuracy on clear held-out pairs" },
    references: [{ axis: "x", at: 0.5, text: "guessing" }],
    // Left of the leftmost point no line runs.
    notes: means.map(({ look, points }) => {
      const worst = points.reduce((worst, p) => p.x < worst.x ? p : worst);
      return {
        x: worst.x,
        y: worst.y,
        text: look.label,
        xanchor: "right",
        xshift: -10,
        font: { size: TEXT.label, color: inkFor(look.color) },
      };
    }),
  }], { width: 800, height: 380 });
}

function byPairs(rows: readonly NoisyRun[]): { look: Look; some: NoisyRun[] }[] {
  const groups = [...Map.groupBy(rows, (row) => row.pairs)].sort(([a], [b]) => a - b);
  const colors = groups.length === 1 ? [INK.blue] : shades(groups.length);
  return groups.map(([pairs, some], i) => ({
    look: { label: `${pairs.toLocaleString("en-US")} pairs`, color: colors[i], dash: "solid" },
    some,
  }));
}

/** SELF-JUDGE in rounds: what old pairs cost, base by base and run by run. */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { Rng } from "../../base/random.ts";
import { namedLines, type Point } from "../../show/marks.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { faint, type Figure, INK, type Look, type Trace } from "../../show/style.ts";
import { overRuns } from "../study/over_runs.ts";
import { course } from "./claims_interval.ts";

/** A row of `staleness.csv`: one measurement of one run in rounds of `k` steps. */
export const staleStep = z.object({
  base: cell.words,
  seed: cell.number,
  k: cell.number,
  step: cell.number,
  reward: cell.number,
});
export type StaleStep = z.output<typeof staleStep>;

/** Step by step is SELF-JUDGE as in every figure; the older the pairs, the warmer. */
const LOOKS: readonly Pick<Look, "color" | "dash">[] = [
  { color: INK.blue, dash: "solid" },
  { color: INK.amber, dash: "dash" },
  { color: INK.orange, dash: "dot" },
];

/**
 * A panel a base: true reward over optimiser steps, thin lines runs, bold ones their mean. Below, the difference to step
 * by step, paired by run: the mean of bases' means with its hierarchical interval, and the margin of the protocol.
 *
 * @param options.margin Loss of reward that counts as none.
 */
export function staleness(rows: readonly StaleStep[], { margin }: { margin: number }): Figure {
  const levels = [...new Set(rows.map(({ k }) => k))].sort((a, b) => a - b);
  const looks = new Map(levels.map((k, i): [number, Look] => [k, {
    ...LOOKS[i % LOOKS.length],
    label: k === 1 ? "step by step" : `rounds of ${k}`,
  }]));
  const last = Math.max(...rows.map(({ step }) => step));
  const across: [number, number] = [-3, last + 3];
  const rewards = rows.map(({ reward }) => reward);
  const [low, high] = [Math.min(...rewards), Math.max(...rewards)];
  const range = [low - 0.07 * (high - low), high + 0.07 * (high - low)];
  const bases = [...Map.groupBy(rows, ({ base }) => base)].map(([base, some]): Panel => {
    const lines = levels.flatMap((k) => {
      const own = some.filter((row) => row.k === k);
      const points = course(own, ({ step }) => step, ({ reward }) => reward);
      return own.length === 0
        ? []
        : [{ own, look: looks.get(k)!, points: points.map(({ x, y }) => ({ x, y })) }];
    });
    const { traces, labels } = namedLines(lines, { markers: false });
    return {
      title: `Base ${base}: true reward`,
      traces: [...lines.flatMap(({ own, look }) => thin(own, look)), ...traces],
      labels,
      x: { title: "optimiser step", range: across },
      y: { range },
    };
  });
  const gaps = levels.filter((k) => k > 1).map((k) => ({
    look: looks.get(k)!,
    points: differences(rows, k),
  }));
  return panels([...bases, {
    title: "Difference to step by step, all bases",
    ...namedLines(gaps, { markers: false }),
    x: { title: "optimiser step", range: across },
    references: [{ axis: "y", at: 0 }, { axis: "y", at: -margin, text: `margin, \u2212${margin}` }],
  }], { columns: 2, width: 1000, height: 240 });
}

function thin(rows: readonly StaleStep[], { label, color, dash }: Look): Trace[] {
  return [...Map.groupBy(rows, ({ seed }) => seed)].map(([seed, run]) => {
    const sorted = run.toSorted((a, b) => a.step - b.step);
    return {
      type: "scatter",
      mode: "lines",
      name: `${label}, seed ${seed}`,
      x: sorted.map(({ step }) => step),
      y: sorted.map(({ reward }) => reward),
      line: { color: faint(color, 0.45), width: 1, dash },
    };
  });
}

/** Reward in rounds less that step by step at each step, of the runs that have both. */
function differences(rows: readonly StaleStep[], k: number): Point[] {
  const key = ({ base, seed, step }: StaleStep) => `${base}/${seed}/${step}`;
  const bases = new Set(rows.map(({ base }) => base)).size;
  const alone = new Map(rows.filter((row) => row.k === 1).map((row) => [key(row), row.reward]));
  const paired = rows.flatMap((row) => {
    const before = alone.get(key(row));
    return row.k === k && before !== undefined ? [{ ...row, gap: row.reward - before }] : [];
  });
  return [...Map.groupBy(paired, ({ step }) => step)].map(([step, some]) => {
    const groups = [...Map.groupBy(some, ({ base }) => base).values()];
    const { value, low, high } = overRuns(
      groups.map((group) => group.map(({ gap }) => gap)),
      { bases, rng: Rng.named(0, `staleness/${k}/${step}`) },
    );
    return { x: step, y: value, ...low !== null && high !== null && { low, high } };
  }).sort((a, b) => a.x - b.x);
}

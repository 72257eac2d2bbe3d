/** True reward of the methods: its course over the steps, and where each ends. */
import { z } from "zod";
import { course } from "./claims_interval.ts";
import { intervalText } from "../../base/text_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { type Dot, dots, intervals, namedLines, rowAxis } from "../../show/marks.ts";
import { type Panel, panels, textWidth } from "../../show/panels.ts";
import { faint, type Figure, INK, inkFor, looks, TEXT } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";

/** A row of `reward-over-steps.csv`: one evaluation of one run. */
export const rewardStep = z.object({
  method: cell.text,
  seed: cell.number,
  step: cell.number,
  reward: cell.number,
  kl: cell.blank,
  length: cell.blank,
  judge_win_rate: cell.blank,
});
export type RewardStep = z.output<typeof rewardStep>;

/** True reward over steps, a line per method with its interval over seeds; open dots mark the start. */
export function rewardOverSteps(rows: readonly RewardStep[]): Figure {
  const style = looks(rows.map((row) => row.method));
  const lines = [...Map.groupBy(rows, (row) => row.method)].map(([method, some]) => ({
    look: style.get(method)!,
    points: course(some, (row) => row.step, (row) => row.reward),
  }));
  const starts = lines.map(({ points }) => points[0].y);
  const together = Math.max(...starts) - Math.min(...starts) < 1e-9;
  const { traces, labels } = namedLines(lines, { markers: false });
  return panels([{
    title: "True reward of sampled answers",
    traces: [
      ...traces,
      ...lines.map(({ look, points }) =>
        dots([points[0].x], [points[0].y], {
          name: `${look.label}, start`,
          color: together ? INK.text : look.color,
          open: true,
          size: 9,
        })
      ),
    ],
    x: { title: "training step" },
    labels,
    references: together
      ? [{ axis: "y", at: starts[0], text: `start, ${starts[0].toFixed(2)}` }]
      : [],
  }], { width: 900, height: 420 });
}

/** A row of `reward-by-method.csv`: where one run ended. */
export const methodReward = z.object({
  method: cell.text,
  seed: cell.number,
  reward: cell.number,
  reward_top_p: cell.blank.optional(),
});
export type MethodReward = z.output<typeof methodReward>;

/**
 * Methods whose mean is also drawn as a line for the others to be read against, and what the line is called. DPO led
 * by the true reward is no ceiling: another method may do more with the same pairs, and RAFT does.
 */
const REFERENCES = new Map([["sft", "SFT"], ["oracle-dpo", "DPO by truth"]]);

/**
 * Where each method ends: a dot per seed, the mean with its interval, best on top; where it was measured, beside it
 * the same at top-p, as answers are sampled in training.
 */
export function rewardByMethod(rows: readonly MethodReward[]): Figure {
  const style = looks(rows.map((row) => row.method));
  const methods = [...Map.groupBy(rows, (row) => row.method)];
  const meansOf = (value: (row: MethodReward) => number) =>
    methods.map(([method, some]) => ({
      method,
      look: style.get(method)!,
      seeds: some.map(value),
      ...overSeeds(some.map(value)),
    }));
  const ends = meansOf((row) => row.reward).sort((a, b) => b.value - a.value);
  const rowOf = (method: string) => ends.findIndex((mean) => mean.method === method);
  const names = ends.map(({ look }) => look.label);
  const cut = rows.every((row) => typeof row.reward_top_p === "number")
    ? meansOf((row) => row.reward_top_p!)
    : null;
  const panel = (title: string, means: typeof ends, ticks: string[]): Panel => ({
    title,
    traces: [
      ...means.filter(({ n }) => n > 1).map(({ method, look, seeds }) =>
        dots(seeds, seeds.map(() => rowOf(method) + 0.22), {
          name: `${look.label}, seeds`,
          color: faint(look.color, 0.55),
        })
      ),
      intervals(
        means.map(({ method, look, value, low, high }): Dot => ({
          row: rowOf(method),
          label: look.label,
          value,
          low,
          high,
          color: look.color,
        })),
        "mean over seeds",
      ),
    ],
    x: { title: "true reward: mean, 95 % interval over seeds" },
    y: { ...rowAxis(ticks), showgrid: false },
    labels: means.map(({ method, value, low, high, look }) => ({
      y: rowOf(method),
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: inkFor(look.color),
    })),
    references: means.filter(({ method }) => REFERENCES.has(method))
      .map(({ method, value }) => ({ axis: "x", at: value, text: REFERENCES.get(method)! })),
  });
  return panels([
    panel("True reward at the end of training", ends, names),
    ...cut ? [panel("The same policies, sampled at top-p", cut, names.map(() => ""))] : [],
  ], {
    columns: cut ? 2 : 1,
    sameX: true,
    width: cut ? 1200 : 900,
    height: Math.max(160, 46 * ends.length),
    first: Math.max(...names.map(textWidth)),
    left: TEXT.tick,
  });
}

/** True reward of the methods over their steps. */
import { z } from "zod";
import { course } from "./claims_interval.ts";
import { dots, namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, INK, looks } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";

/** A row of `reward-over-steps.csv`: one evaluation of one run. */
export const rewardStep = z.object({
  method: cell.text,
  base: cell.words.optional(),
  seed: cell.number,
  step: cell.number,
  reward: cell.number,
  kl: cell.blank,
  length: cell.blank,
  judge_win_rate: cell.blank,
});
export type RewardStep = z.output<typeof rewardStep>;

/** Measurements of training. @param claims Folder of the claims' tables. */
export const stepsIn = (claims: string) => ({
  path: `${claims}/reward-over-steps.csv`,
  row: rewardStep,
  key: ["method", "base", "seed", "step"],
});

/** With more lines than this bands hide one another: SELF-JUDGE alone keeps its own. */
const BANDS = 4;

/** True reward over steps, a line per method with its interval over seeds; open dots mark the start. */
export function rewardOverSteps(rows: readonly RewardStep[]): Figure {
  const style = looks(rows.map((row) => row.method));
  const lines = [...Map.groupBy(rows, (row) => row.method)].map(([method, some]) => ({
    ...{ method, look: style.get(method)! },
    points: course(some, (row) => row.step, (row) => row.reward),
  }));
  const starts = lines.map(({ points }) => points[0].y);
  const together = Math.max(...starts) - Math.min(...starts) < 1e-9;
  const plain = ({ method }: { method: string }) => lines.length > BANDS && method !== "self-judge";
  const { traces, labels } = namedLines(
    lines.map((one) => ({
      ...one,
      points: plain(one) ? one.points.map(({ x, y }) => ({ x, y })) : one.points,
    })),
    { markers: false },
  );
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

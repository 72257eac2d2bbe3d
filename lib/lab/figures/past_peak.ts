/** SELF-JUDGE driven past its peak beside the same runs at the chosen rate: what rises and what does not. */
import { besideBeyond } from "../study/driven.ts";
import { namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";

const MEASURES = {
  reward: "True reward",
  judge_win_rate: "Judge's win rate over the start's answers",
  kl: "KL from the start, nats",
  length: "Tokens of an answer",
} as const;

/** A panel a measure, a line each for the chosen rate and the higher one: means over the seeds that were driven. */
export function pastPeak(steps: readonly RewardStep[]): Figure {
  const rows = besideBeyond(steps.map((row) => ({ ...row, base: row.base ?? "1" })), "driven");
  const style = looks(rows.map(({ method }) => method));
  const methods = [...Map.groupBy(rows, ({ method }) => method)];
  return panels(
    Object.entries(MEASURES).map(([measure, title]) => {
      const lines = methods.map(([method, some]) => ({
        look: style.get(method)!,
        points: course(some, ({ step }) => step, (row) => row[measure as keyof typeof MEASURES]),
      }));
      return { title, ...namedLines(lines, { markers: false }), x: { title: "training step" } };
    }),
    { columns: 2, width: 1000, height: 220 },
  );
}

/** SELF-JUDGE with hard and with soft labels for many steps: what lasts. */
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";
import { isBeyond } from "../study/driven.ts";
import { line, namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";

const MEASURES = {
  reward: "True reward",
  judge_win_rate: "Judge's win rate over the start's answers",
  kl: "KL from the start, nats",
} as const;

/** A panel a measure: means over bases, and thin the bases. */
export function forLonger(steps: readonly RewardStep[]): Figure {
  const rows = steps.filter(({ method }) => isBeyond(method, ["longer"]));
  const style = looks(rows.map(({ method }) => method));
  const methods = [...Map.groupBy(rows, ({ method }) => method)];
  return panels(
    Object.entries(MEASURES).map(([measure, title]) => {
      const points = (some: readonly RewardStep[]) =>
        course(some, ({ step }) => step, (row) => row[measure as keyof typeof MEASURES])
          .map(({ x, y }) => ({ x, y }));
      const means = methods.map(([method, some]) => ({
        look: style.get(method)!,
        points: points(some),
      }));
      const bases = methods.flatMap(([method, some]) =>
        [...Map.groupBy(some, ({ base }) => base).values()].flatMap((own) =>
          line(points(own), { ...style.get(method)!, dash: "solid" }, {
            width: 0.7,
            markers: false,
          })
        )
      );
      const { traces, labels } = namedLines(means, { markers: false, width: 3 });
      return { title, traces: [...bases, ...traces], labels, x: { title: "training step" } };
    }),
    { columns: 3, width: 1200, height: 300 },
  );
}

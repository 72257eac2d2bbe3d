/** Rows for which nothing was tuned: where each ends, and how far it has got. @module */
import { panels, textWidth } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import { untunedEnds } from "../study/driven.ts";
import type { RewardStep } from "./claims_reward.ts";
import { endPanel } from "./ends.ts";

/** Runs with which an interval says something. */
const SEVERAL = 3;

/** A row a method at its last step, SELF-JUDGE's first: true reward, and beside it the distance from where all begin. */
export function untunedFigure(steps: readonly RewardStep[]): Figure {
  const all = untunedEnds(steps.map((row) => ({ ...row, base: row.base ?? "1" })));
  const groups = Map.groupBy(all, ({ method }) => method);
  const begin = (groups.get("jsft") ?? []).map(({ reward }) => reward);
  groups.delete("jsft");
  const style = looks([...groups.keys()]);
  const rowsOf = (value: (row: RewardStep) => number) =>
    [...groups].map(([method, some]) => ({ ...style.get(method)!, values: some.map(value) }));
  const rewards = rowsOf(({ reward }) => reward);
  const common = { runs: "seeds", fewest: SEVERAL };
  return panels([
    endPanel(rewards, { ...common, begin, title: "True reward", x: "true reward (at most 2)" }),
    endPanel(rowsOf(({ kl }) => kl ?? 0), {
      ...{ ...common, names: false, title: "How far it has got", x: "KL from the start, nats" },
    }),
  ], {
    columns: 2,
    width: 1200,
    height: Math.max(160, 44 * rewards.length),
    first: Math.max(0, ...rewards.map(({ label }) => textWidth(label))),
    left: 24,
  });
}

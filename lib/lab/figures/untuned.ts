/** Rows for which nothing was tuned: where each ends, how far it has got, and how often with none of three habits. @module */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { panels, textWidth } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import type { UNPAID } from "../sentences/lists.ts";
import { untunedEnds } from "../study/driven.ts";
import type { RewardStep } from "./claims_reward.ts";
import { endPanel } from "./ends.ts";

/** Answers of the highest reward and none of the habits that were named, as `habits.csv` has them. */
const MEANT: keyof typeof UNPAID = "all, and none of these";

/** A row of `habits.csv`. */
const habit = z.object({
  ...{ base: cell.words, seed: cell.number, method: cell.text, at: cell.text },
  ...{ habit: cell.text, value: cell.number },
});
type Habit = z.output<typeof habit>;

/** How often answers have each habit. @param claims Folder of the claims' tables. */
export const habitsIn = (claims: string) => ({
  path: `${claims}/habits.csv`,
  row: habit,
  key: ["method", "base", "seed", "at", "habit"],
});

/**
 * A row a method at its last step, SELF-JUDGE's first: true reward, beside it the share of answers that have all of it and
 * none of the habits that cost nothing, and the distance from where all begin.
 */
export function untunedFigure(steps: readonly RewardStep[], habits: readonly Habit[]): Figure {
  const all = untunedEnds(steps.map((row) => ({ ...row, base: row.base ?? "1" })));
  const groups = Map.groupBy(all, ({ method }) => method);
  const starts = groups.get("jsft") ?? [];
  groups.delete("jsft");
  const style = looks([...groups.keys()]);
  const rowsOf = (value: (row: RewardStep) => number) =>
    [...groups].map(([method, some]) => ({ ...style.get(method)!, values: some.map(value) }));
  const rewards = rowsOf(({ reward }) => reward);
  const meant = ({ base, seed, method }: RewardStep, at: "start" | "last") =>
    habits.find((row) =>
      row.base === base && row.seed === seed && row.method === method && row.at === at &&
      row.habit === MEANT
    )!.value;
  const begin = starts.map((row) => meant({ ...row, method: "self-judge" }, "start"));
  // Student's t of three runs goes past the highest reward and below no distance; what is tested is differences, run by run.
  const common = { runs: "seeds", interval: false };
  return panels([
    endPanel(rewards, {
      ...{ ...common, begin: starts.map(({ reward }) => reward) },
      ...{ title: "True reward", x: "true reward (at most 2)" },
    }),
    endPanel(rowsOf((row) => meant(row, "last")), {
      ...{ ...common, names: false, begin },
      ...{ title: "All of it, by none of three habits", x: "share of answers" },
    }),
    endPanel(rowsOf(({ kl }) => kl ?? 0), {
      ...{ ...common, names: false, title: "How far it has got", x: "KL from the start, nats" },
    }),
  ], {
    columns: 3,
    width: 1400,
    height: Math.max(160, 44 * rewards.length),
    first: Math.max(0, ...rewards.map(({ label }) => textWidth(label))),
    left: 24,
  });
}

/** Who samples, who ranks, which loss: methods that differ in one part, and what each part is worth. */
import { Rng } from "../../base/random.ts";
import { intervalText } from "../../base/text_table.ts";
import { dots, intervals, rowAxis } from "../../show/marks.ts";
import { panels, textWidth } from "../../show/panels.ts";
import { faint, type Figure, inkFor, looks } from "../../show/style.ts";
import { overRuns } from "../study/over_runs.ts";
import type { LeagueEnd, LeagueStart } from "./league_figure.ts";

/**
 * SELF-JUDGE first, then methods that change one part of it. In words here and not from the table of methods, which
 * brings the engine with it; a test holds them equal.
 */
export const PARTS = {
  "self-judge": ["policy", "JSFT judge", "DPO"],
  "off-policy-dpo": ["JSFT model", "JSFT judge", "DPO"],
  "relabelled-dpo": ["data set", "JSFT judge", "DPO"],
  "offline-dpo": ["data set", "its labels", "DPO"],
  "reward-model-dpo": ["policy", "reward model", "DPO"],
  "dpo-coin": ["policy", "a coin", "DPO"],
  "raft-2": ["policy", "JSFT judge", "SFT on the better"],
} as const;

/** A row a method: its parts in words, the mean true reward with its interval, a small dot a run. The line is JSFT. */
export function whoDoesWhat(
  ends: readonly LeagueEnd[],
  starts: readonly LeagueStart[],
): Figure {
  const style = looks(Object.keys(PARTS));
  const rows = Object.entries(PARTS).flatMap(([method, parts]) => {
    const own = ends.filter((end) => end.method === method && end.chosen_by === "truth");
    if (own.length === 0) return [];
    const bases = [...Map.groupBy(own, ({ base }) => base).values()];
    return [{
      look: style.get(method)!,
      parts: parts.join(" · "),
      runs: own.map(({ reward }) => reward),
      ...overRuns(bases.map((some) => some.map(({ reward }) => reward)), {
        bases: new Set(ends.map(({ base }) => base)).size,
        rng: Rng.named(0, `league/${method}`),
      }),
    }];
  });
  const names = rows.map(({ look, parts }) => `<b>${look.label}</b>  ${parts}`);
  const jsft = starts.filter(({ policy }) => policy === "jsft").map(({ reward }) => reward);
  return panels([{
    title: "Who samples · who ranks · which loss",
    traces: [
      ...rows.map(({ look, runs }, row) =>
        dots(runs, runs.map(() => row + 0.25), {
          ...{ name: `${look.label}, runs`, color: faint(look.color, 0.5), size: 5 },
        })
      ),
      intervals(
        rows.map(({ look: { label, color }, value, low, high }, row) => ({
          ...{ row, label, color, value, low, high },
        })),
        "mean over runs",
      ),
    ],
    x: { title: "true reward: mean, 95 % interval" },
    y: { ...rowAxis(names), showgrid: false },
    labels: rows.map(({ look, value, low, high }, row) => ({
      y: row,
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: inkFor(look.color),
    })),
    references: jsft.length === 0 ? [] : [{
      axis: "x",
      at: jsft.reduce((sum, reward) => sum + reward, 0) / jsft.length,
      text: looks(["jsft"]).get("jsft")!.label,
    }],
  }], {
    width: 1100,
    height: 44 * rows.length,
    left: Math.max(0, ...rows.map(({ look, parts }) => textWidth(`${look.label}  ${parts}`))) + 24,
  });
}

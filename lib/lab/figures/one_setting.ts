/** Hard and soft labels at one setting, and what tells them apart. @module */
import { intervalText } from "../../base/text_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { dots, intervals, rowAxis } from "../../show/marks.ts";
import { panels, textWidth } from "../../show/panels.ts";
import { faint, type Figure, INK } from "../../show/style.ts";
import { ONE_SETTING, oneSetting } from "../study/driven.ts";
import type { RewardStep } from "./claims_reward.ts";

const WORDS: Readonly<Record<keyof typeof ONE_SETTING, string>> = {
  hard: "hard labels",
  consistent: "hard, where both orders agree",
  leftOut: "hard, judge told what is left out",
  polite: "hard, judge told what is polite",
  twice: "hard, judge told what is named twice",
  freshData: "hard, judge with 200 labels of the data",
  freshOwn: "hard, judge with 200 labels of its policy's answers",
  mean: "every pair the step's mean soft label",
  soft: "soft labels",
};

/** Rows whose labels are soft; the others' are hard. */
const SOFT: readonly string[] = ["mean", "soft"];

/**
 * A row a way to label that has every run of hard labels: a dot a base at the last step, and their mean with Student's t
 * interval. The line is where all begin.
 */
export function oneSettingFigure(steps: readonly RewardStep[]): Figure {
  const all = oneSetting(steps.map((row) => ({ ...row, base: row.base ?? "1" })));
  const last = Math.max(0, ...all.map(({ step }) => step));
  const at = (step: number, name: string) =>
    all.filter((row) => row.step === step && row.method === name).map(({ reward }) => reward);
  const played = Object.entries(ONE_SETTING).map(([key, name]) => ({ key, bases: at(last, name) }))
    .filter(({ bases }) => bases.length > 0);
  const rows = played.map(({ key, bases }, row) => ({
    ...{ row, label: WORDS[key as keyof typeof ONE_SETTING], bases },
    ...{ color: SOFT.includes(key) ? INK.purple : INK.blue, ...overSeeds(bases) },
  }));
  const begin = at(0, ONE_SETTING.hard);
  return panels([{
    title: `True reward after ${last} steps, a dot a base`,
    traces: [
      ...rows.map(({ row, label, color, bases }) =>
        dots(bases, bases.map(() => row - 0.22), {
          ...{ name: `${label}, bases`, color: faint(color, 0.6), size: 8 },
        })
      ),
      intervals(rows, "mean over bases"),
    ],
    x: { title: "true reward: mean over bases, 95 % interval" },
    y: { ...rowAxis(rows.map(({ label }) => label)), showgrid: false },
    labels: rows.map(({ row, value, low, high }) => ({
      y: row,
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: INK.text,
    })),
    references: begin.length === 0
      ? []
      : [{ axis: "x", at: overSeeds(begin).value, text: "where all begin" }],
  }], {
    width: 1000,
    height: 56 * rows.length,
    left: Math.max(0, ...rows.map(({ label }) => textWidth(label))) + 24,
  });
}

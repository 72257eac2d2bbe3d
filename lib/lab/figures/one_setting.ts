/** Hard and soft labels at one setting, and what tells them apart. @module */
import { panels, textWidth } from "../../show/panels.ts";
import { type Figure, INK } from "../../show/style.ts";
import { ONE_SETTING, oneSetting } from "../study/driven.ts";
import type { RewardStep } from "./claims_reward.ts";
import { endPanel } from "./ends.ts";

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
  const rows = played.map(({ key, bases }) => ({
    label: WORDS[key as keyof typeof ONE_SETTING],
    color: SOFT.includes(key) ? INK.purple : INK.blue,
    values: bases,
  }));
  return panels([
    endPanel(rows, {
      title: `True reward after ${last} steps, a dot a base`,
      x: "true reward: mean over bases, 95 % interval",
      runs: "bases",
      begin: at(0, ONE_SETTING.hard),
    }),
  ], {
    width: 1000,
    height: 56 * rows.length,
    left: Math.max(0, ...rows.map(({ label }) => textWidth(label))) + 24,
  });
}

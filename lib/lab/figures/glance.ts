/** The study at a glance: the truth beside what the judge thinks of it, base by base, and one order on the way. */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";
import { wrapped } from "./words.ts";
import { dots, line } from "../../show/marks.ts";
import { inside, type Panel, panels } from "../../show/panels.ts";
import { faint, type Figure, INK, type Look, TEXT, type Trace } from "../../show/style.ts";

/** A row of `samples.csv`: one prompt and its answers before training, at the chosen step and at the last one. */
export const sampleCourse = z.object({
  base: cell.words,
  prompt: cell.words,
  before: cell.words,
  after: cell.words,
  last: cell.words,
  reward_before: cell.number,
  reward_after: cell.number,
  reward_last: cell.number,
  step_after: cell.number,
  step_last: cell.number,
});
export type SampleCourse = z.output<typeof sampleCourse>;

const TRUTH: Look = { label: "true reward / highest", color: INK.blue, dash: "solid" };
const JUDGE: Look = { label: "judge's win rate", color: INK.orange, dash: "dash" };

const [WIDTH, COLUMNS, LEFT] = [1240, 3, 44];
/** Of both shares. */
const RANGE: [number, number] = [0.3, 1];

/**
 * A panel a base: true reward as a share of the highest and the judge's win rate over steps, thin lines runs, bold ones
 * means, the mean's peak marked. Below each the first held-out order whose answers at step 0, at the
 * step that validation chose and at the last one all differ.
 *
 * @param options.highest The highest reward of the world.
 */
export function glance(
  rows: readonly RewardStep[],
  samples: readonly SampleCourse[],
  { highest }: { highest: number },
): Figure {
  const bases = [...Map.groupBy(rows, ({ base = "" }) => base)].slice(0, COLUMNS);
  const steps = rows.map(({ step }) => step);
  const across: [number, number] = [Math.min(...steps) - 3, Math.max(...steps) + 3];
  const share = ({ reward }: RewardStep) => reward / highest;
  const win = ({ judge_win_rate }: RewardStep) => judge_win_rate;
  const courses = bases.map(([base, some]) => ({
    ...{ base, some },
    truth: course(some, ({ step }) => step, share),
    judge: course(some, ({ step }) => step, win),
  }));
  // Lines are named where they end farthest apart.
  const gaps = courses.map(({ truth, judge }) => judge.at(-1)!.y - truth.at(-1)!.y);
  const widest = gaps.indexOf(Math.max(...gaps));
  const curves = courses.map(({ base, some, truth, judge }, i): Panel => {
    const peak = truth.reduce((best, point) => point.y > best.y ? point : best);
    const end = truth.at(-1)!;
    const ending = peak.x === end.x
      ? "rises to the end"
      : end.y > truth[0].y
      ? "peaks and falls"
      : "ends below its start";
    const bare = (points: typeof truth) => points.map(({ x, y }) => ({ x, y }));
    return {
      title: `Base ${base}: the truth ${ending}`,
      traces: [
        ...thin(some, share, TRUTH),
        ...thin(some, win, JUDGE),
        ...line(bare(truth), TRUTH, { markers: false }),
        ...line(bare(judge), JUDGE, { markers: false }),
        dots([peak.x], [peak.y], { name: "peak", color: INK.text, open: true, size: 10 }),
      ],
      x: { title: "step of self-training", range: across },
      y: { range: RANGE },
      notes: [
        {
          ...{ x: peak.x, y: peak.y, yshift: -18, ...inside(peak.x, across) },
          text: `peak ${(highest * peak.y).toFixed(2)} of ${highest}`,
        },
        ...i === widest
          ? [[judge, JUDGE] as const, [truth, TRUTH] as const].map(([points, look]) => ({
            ...{ x: across[1], y: points.at(-1)!.y, xanchor: "right" },
            ...{ yshift: look === JUDGE ? -18 : 0, xshift: look === JUDGE ? 0 : -56 },
            ...{ text: look.label, font: { size: TEXT.label, color: look.color } },
          }))
          : [],
        ...story(samples.filter((one) => one.base === base), { x: across[0], y: RANGE[0] }),
      ],
    };
  });
  return panels(curves, {
    ...{ columns: COLUMNS, width: WIDTH, height: 235, left: LEFT, right: 14, foot: 220 },
  });
}

function thin(
  rows: readonly RewardStep[],
  value: (row: RewardStep) => number | null,
  look: Look,
): Trace[] {
  return [...Map.groupBy(rows, ({ seed }) => seed)].map(([seed, run]) => {
    const sorted = run.toSorted((a, b) => a.step - b.step);
    return {
      type: "scatter",
      mode: "lines",
      name: `${look.label}, seed ${seed}`,
      x: sorted.map(({ step }) => step),
      y: sorted.map(value),
      line: { color: faint(look.color, 0.45), width: 1, dash: look.dash },
    };
  });
}

/** The first order whose answers at the steps shown all differ, in words. */
function story(
  samples: readonly SampleCourse[],
  at: { x: number; y: number },
): Record<string, unknown>[] {
  const shown = ({ before, after, last, step_after, step_last, ...reward }: SampleCourse) => [
    { step: 0, text: before, reward: reward.reward_before },
    { step: step_after, text: after, reward: reward.reward_after },
    ...step_last > step_after ? [{ step: step_last, text: last, reward: reward.reward_last }] : [],
  ];
  const one = samples.find((sample) => {
    const answers = shown(sample);
    return new Set(answers.map(({ text }) => text)).size === answers.length;
  });
  if (!one) return [];
  const width = WIDTH / COLUMNS - LEFT;
  const words = (text: string, bold = false) =>
    wrapped(text, width).map((line) => bold ? `<b>${line}</b>` : line).join("<br>");
  const told = [
    words(`Order: ${one.prompt}`),
    ...shown(one).map(({ step, text, reward }) =>
      `${words(`step ${step}, reward ${reward.toFixed(2)}`, true)}<br>${words(text)}`
    ),
  ];
  return [{
    ...at,
    ...{ xanchor: "left", yanchor: "top", align: "left", xshift: -36, yshift: -64 },
    text: told.join("<br>"),
    font: { size: TEXT.tick, color: INK.text },
  }];
}

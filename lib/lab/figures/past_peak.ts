/** Rows beyond what was tried, measure by measure: SELF-JUDGE past its peak, hard and soft labels for longer. */
import { besideBeyond, hardAndSoft, isBeyond } from "../study/driven.ts";
import { line, namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";

const MEASURES = {
  reward: "True reward",
  judge_win_rate: "Judge's win rate",
  kl: "KL from the start, nats",
  length: "Tokens of an answer",
} as const;

type Measure = keyof typeof MEASURES;

const MAIN: readonly Measure[] = ["reward", "judge_win_rate", "kl", "length"];

/** A table of one base has no column of it. */
const withBase = (steps: readonly RewardStep[]) =>
  steps.map((row) => ({ ...row, base: row.base ?? "1" }));

/** A panel a measure, a line each for the chosen rate and the higher one: means over the seeds that were driven. */
export function pastPeak(steps: readonly RewardStep[]): Figure {
  return overSteps(besideBeyond(withBase(steps), "driven"), { measures: MAIN });
}

/** The same of hard labels and, at their setting, of soft ones. */
export const softUntuned = (steps: readonly RewardStep[]): Figure =>
  overSteps(hardAndSoft(withBase(steps)), { measures: MAIN, thin: true });

/** A panel a measure, a line each for hard and soft labels: thick the means over the bases that have both, thin the bases. */
export function forLonger(steps: readonly RewardStep[]): Figure {
  const longer = steps.filter(({ method }) => isBeyond(method, ["longer"]));
  const methods = new Set(longer.map(({ method }) => method));
  const whole = [...Map.groupBy(longer, ({ base }) => base).values()]
    .filter((own) => [...methods].every((name) => own.some(({ method }) => method === name)));
  return overSteps(whole.flat(), { measures: ["reward", "judge_win_rate", "kl"], thin: true });
}

function overSteps(
  rows: readonly RewardStep[],
  { measures, thin = false }: {
    measures: readonly Measure[];
    /** Whether runs are drawn, too, in place of the means' intervals. */
    thin?: boolean;
  },
): Figure {
  const style = looks(rows.map(({ method }) => method));
  const methods = [...Map.groupBy(rows, ({ method }) => method)];
  return panels(
    measures.map((measure) => {
      const points = (some: readonly RewardStep[]) =>
        course(some, ({ step }) => step, (row) => row[measure]);
      const means = methods.map(([method, some]) => ({
        look: style.get(method)!,
        points: thin ? points(some).map(({ x, y }) => ({ x, y })) : points(some),
      }));
      const runs = !thin
        ? []
        : methods.flatMap(([method, some]) =>
          [...Map.groupBy(some, ({ base, seed }) => `${base}/${seed}`).values()].flatMap((own) =>
            line(points(own), style.get(method)!, { width: 0.7, markers: false })
          )
        );
      const { traces, labels } = namedLines(means, { markers: false });
      return {
        title: MEASURES[measure],
        traces: [...runs, ...traces],
        labels,
        x: { title: "training step" },
      };
    }),
    measures.length === 3
      ? { columns: 3, width: 1200, height: 300 }
      : { columns: 2, width: 1000, height: 220 },
  );
}

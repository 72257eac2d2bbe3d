/** Over-optimisation: what training does to the true reward while its judge is ever more pleased. */
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";
import { dots, line, type Point } from "../../show/marks.ts";
import { inside, type Panel, panels } from "../../show/panels.ts";
import { type Figure, INK, looks, type Trace } from "../../show/style.ts";

/** One measurement of one run, see {@linkcode rewardStep}. */
export type JudgeStep = RewardStep;

const MEASURES = ["reward", "judge_win_rate", "kl", "length"] as const;
type Measure = typeof MEASURES[number];

const TITLES: Record<Measure, string> = {
  reward: "true reward",
  judge_win_rate: "judge's win rate",
  kl: "KL, nats",
  length: "length, tokens",
};

/** True reward, the judge's win rate, KL and length over steps; a column of panels a method. */
export function overoptimisationOverSteps(rows: readonly JudgeStep[]): Figure {
  const style = looks(rows.map((row) => row.method));
  const methods = [...Map.groupBy(rows, (row) => row.method)];
  const list = MEASURES
    .filter((measure) => rows.some((row) => row[measure] !== null))
    .flatMap((measure) => {
      const courses = methods.map(([, some]) => overSteps(some, measure));
      const drawn = courses.map((points, i) =>
        line(points, style.get(methods[i][0])!, { markers: false })
      );
      const range = common(drawn.flat());
      const across = common(drawn.flat(), "x");
      return methods.map(([method], i): Panel => {
        const peak = measure === "reward" ? highest(courses[i]) : null;
        return {
          title: `${style.get(method)!.label}: ${TITLES[measure]}`,
          traces: [
            ...drawn[i],
            ...(peak
              ? [dots([peak.x], [peak.y], {
                name: `${method}, peak`,
                color: INK.text,
                open: true,
                size: 9,
              })]
              : []),
          ],
          x: { title: "training step", range: across },
          y: { range },
          notes: peak
            ? [{
              x: peak.x,
              y: peak.y,
              text: `peak ${peak.y.toFixed(2)}, step ${peak.x}`,
              yshift: 16,
              ...inside(peak.x, across),
            }]
            : [],
        };
      });
    });
  return panels(list, {
    columns: methods.length,
    width: Math.max(2, methods.length) * 345,
    height: 200,
    right: 22,
  });
}

const overSteps = (rows: readonly JudgeStep[], measure: Measure): Point[] =>
  course(rows, (row) => row.step, (row) => row[measure]);

const highest = (points: readonly Point[]): Point =>
  points.reduce((best, point) => point.y > best.y ? point : best);

/** One range for all panels of a row, with room above for the words at the peak. */
function common(traces: readonly Trace[], axis: "x" | "y" = "y"): [number, number] {
  const all = traces.flatMap((trace) => trace[axis] as number[]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || 1;
  return axis === "x" ? [low - 0.04 * span, high + 0.04 * span] : [
    low - 0.07 * span,
    high + 0.18 * span,
  ];
}

/** Over-optimisation: what training does to the true reward while its judge is ever more pleased. */
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { dots, line, type Point } from "../../show/marks.ts";
import { inside, type Panel, panels } from "../../show/panels.ts";
import { faint, type Figure, INK, type Look, looks, type Trace } from "../../show/style.ts";

/** One measurement of one run, see {@linkcode rewardStep}. */
export type JudgeStep = RewardStep;

type Measure = "reward" | "judge_win_rate" | "kl" | "length";

const TITLES: Record<Measure, string> = {
  reward: "true reward",
  judge_win_rate: "judge's win rate",
  kl: "KL, nats",
  length: "length, tokens",
};

/** True reward, the judge's win rate, KL and length over steps; a column of panels a method. */
export function overoptimisationOverSteps(rows: readonly JudgeStep[]): Figure {
  return multiples(rows, {
    measures: ["reward", "judge_win_rate", "kl", "length"],
    x: "training step",
    draw: (some, measure, look) => line(overSteps(some, measure), look, { markers: false }),
    place: (_, step) => step,
  });
}

/**
 * True reward and the judge's win rate against the distance travelled, the KL from the start: thin lines
 * are seeds, the bold line joins the means of both at equal steps.
 */
export function overoptimisationByKl(rows: readonly JudgeStep[]): Figure {
  return multiples(rows.filter((row) => row.kl !== null), {
    measures: ["reward", "judge_win_rate"],
    x: "KL from the start, nats",
    draw: (some, measure, look) => [
      ...[...Map.groupBy(some, (row) => `${row.base}/${row.seed}`).values()].map((run) =>
        thin(run, measure, look)
      ),
      bold(some, measure, look),
    ],
    place: (some, step) =>
      overSeeds(some.filter((row) => row.step === step).map((row) => row.kl!)).value,
  });
}

interface Multiples {
  readonly measures: readonly Measure[];
  /** Title of the x axis. */
  readonly x: string;
  readonly draw: (rows: readonly JudgeStep[], measure: Measure, look: Look) => Trace[];
  /** Where on the x axis a step is. */
  readonly place: (rows: readonly JudgeStep[], step: number) => number;
}

function multiples(rows: readonly JudgeStep[], { measures, x, draw, place }: Multiples): Figure {
  const style = looks(rows.map((row) => row.method));
  const judges = [...Map.groupBy(rows, (row) => row.method)];
  const list = measures
    .filter((measure) => rows.some((row) => row[measure] !== null))
    .flatMap((measure) => {
      const drawn = judges.map(([judge, some]) => draw(some, measure, style.get(judge)!));
      const range = common(drawn.flat());
      const across = common(drawn.flat(), "x");
      return judges.map(([judge, some], i): Panel => {
        const peak = measure === "reward" ? highest(overSteps(some, measure)) : null;
        return {
          title: `${style.get(judge)!.label}: ${TITLES[measure]}`,
          traces: [
            ...drawn[i],
            ...(peak
              ? [dots([place(some, peak.x)], [peak.y], {
                name: `${judge}, peak`,
                color: INK.text,
                open: true,
                size: 9,
              })]
              : []),
          ],
          x: { title: x, range: across },
          y: { range },
          notes: peak
            ? [{
              x: place(some, peak.x),
              y: peak.y,
              text: `peak ${peak.y.toFixed(2)}, step ${peak.x}`,
              yshift: 16,
              ...inside(place(some, peak.x), across),
            }]
            : [],
        };
      });
    });
  return panels(list, {
    columns: judges.length,
    width: Math.max(2, judges.length) * 345,
    height: 200,
    right: 22,
  });
}

const overSteps = (rows: readonly JudgeStep[], measure: Measure): Point[] =>
  course(rows, (row) => row.step, (row) => row[measure]);

const highest = (points: readonly Point[]): Point =>
  points.reduce((best, point) => point.y > best.y ? point : best);

function thin(run: readonly JudgeStep[], measure: Measure, look: Look): Trace {
  const steps = run.filter((row) => row[measure] !== null).toSorted((a, b) => a.step - b.step);
  return path(steps.map((row) => ({ x: row.kl!, y: row[measure]!, step: row.step })), {
    name: `${look.label}, ${run[0].base === undefined ? "" : `base ${run[0].base}, `}seed ${
      run[0].seed
    }`,
    color: faint(look.color, 0.45),
    width: 1,
  });
}

function bold(rows: readonly JudgeStep[], measure: Measure, look: Look): Trace {
  const kl = new Map(overSteps(rows, "kl").map(({ x, y }) => [x, y]));
  const points = overSteps(rows, measure).filter(({ x }) => kl.has(x))
    .map(({ x, y }) => ({ x: kl.get(x)!, y, step: x }));
  return path(points, { name: look.label, color: look.color, width: 2.5 });
}

/** A line in the order of its steps, which need not be the order of x. */
function path(
  points: readonly { x: number; y: number; step: number }[],
  { name, color, width }: { name: string; color: string; width: number },
): Trace {
  return {
    type: "scatter",
    mode: "lines",
    name,
    x: points.map((p) => p.x),
    y: points.map((p) => p.y),
    text: points.map((p) => `step ${p.step}`),
    line: { color, width },
  };
}

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

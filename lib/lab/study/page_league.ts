/** The league on the page of claims: where methods end, at which settings, and at equal steps and distance. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import {
  type LeagueRow,
  rewardAtKl,
  type RowCosts,
  type Standing,
  standings,
} from "./league_rows.ts";
import { hasBeta, type StudyMethod, studyMethod } from "./methods.ts";
import { meanOfBases } from "./measure.ts";
import { type OfRun, runOf, runsOf } from "./over_runs.ts";
import type { TableRow } from "./page_judges.ts";
import { interval, number } from "./page_numbers.ts";
import { bestBy, type RewardPoint } from "./policy_meter.ts";
import { isControl } from "./rows.ts";
import type { Tried } from "./tuning.ts";

/** A measurement of a method in a run. */
export type CoursePoint = RewardPoint & {
  readonly method: string;
  readonly base: string;
  readonly seed: number;
};

/**
 * Where methods end; a row with fewer runs than another has no rank.
 *
 * @param bases How many the league has.
 */
export function leagueTable(rows: readonly LeagueRow[], bases: number): string {
  const byJudge = new Map(standings(rows, "judge").map((one) => [one.method, one]));
  const cost = ({ means }: Standing, name: string) => `${Math.round(means[name] ?? 0)}`;
  return table(
    [
      ...["rank", "method", "runs", "true reward", "chosen by the JSFT judge (runs)"],
      ...["JSFT judge's win rate", "whole distribution", "KL", "entropy", "tokens", "step"],
      ...["samples", "prompts to the ranker", "gold labels", "sequences learned", "minutes"],
    ],
    standings(rows, "truth", { bases }).map((one) => {
      const judge = byJudge.get(one.method);
      const { means, rank } = one;
      return [
        rank ? `${rank.place} [${rank.low}, ${rank.high}]` : "",
        `${one.method}${isControl(one.method) ? " (control)" : ""}`,
        `${one.runs}`,
        `${number(one.reward)} ${interval(one, number)}`.trim(),
        judge ? `${number(judge.reward)} (${judge.runs})` : "",
        number(means.judge_win_rate, 2),
        ...[means.reward_whole, means.kl, means.entropy].map((value) => number(value, 2)),
        number(means.length, 1),
        number(means.step, 0),
        ...["samples", "judgePrompts"].map((name) => cost(one, name)),
        studyMethod(one.method as StudyMethod).ranker === "truth"
          ? "every pair"
          : cost(one, "gold"),
        cost(one, "learned"),
        number(means.seconds / 60, 1),
      ];
    }),
  );
}

/** What rows of some bases alone are read beside, in the same runs. */
const BESIDE = ["self-judge", "raft-2"];

/**
 * Where methods end that were played on some bases alone, each beside others and the JSFT model of its own runs.
 *
 * @param options.some Their rows; `every` those of the other methods; `starts` of the models that methods start from.
 */
export function someBasesTable(
  { some, every, starts }: {
    some: readonly LeagueRow[];
    every: readonly LeagueRow[];
    starts: readonly TableRow[];
  },
): string {
  const byJudge = new Map(standings(some, "judge").map((one) => [one.method, one]));
  const truth = ({ chosen_by }: LeagueRow) => chosen_by === "truth";
  return table(
    [
      ...["method", "runs (base/seed)", "true reward", "chosen by the JSFT judge"],
      ...[...BESIDE, "jsft"].map((name) => `${name} in these runs`),
      ...["JSFT judge's win rate", "whole distribution", "KL", "tokens", "step"],
      ...["samples", "prompts to the ranker", "minutes"],
    ],
    standings(some, "truth").toSorted((a, b) => b.reward - a.reward).map((one) => {
      const { method, means, reward } = one;
      const runs = new Set(some.filter((row) => row.method === method).map(runOf));
      const there = <R extends OfRun & { readonly reward?: unknown }>(rows: readonly R[]) => {
        const own = rows.filter((row) => runs.has(runOf(row)));
        return own.length < runs.size
          ? ""
          : number(meanOfBases(own, ({ reward }) => Number(reward)));
      };
      return [
        ...[method, [...runs].join(", "), number(reward)],
        byJudge.has(method) ? number(byJudge.get(method)!.reward) : "",
        ...BESIDE.map((name) => there(every.filter((row) => row.method === name && truth(row)))),
        there(starts),
        ...[means.judge_win_rate, means.reward_whole, means.kl].map((value) => number(value, 2)),
        ...[number(means.length, 1), number(means.step, 0)],
        ...["samples", "judgePrompts"].map((name) => `${Math.round(means[name] ?? 0)}`),
        number(means.seconds / 60, 1),
      ];
    }),
  );
}

/** Distances that methods are compared at, in nats. */
const DISTANCES = [0.5, 1, 2, 4];

const coursesOf = (points: readonly CoursePoint[]) => [
  ...Map.groupBy(points.filter(({ method }) => !method.includes("@")), ({ method }) => method),
];

/** True reward at equal KL: of the runs that get so far, with how many do. */
export function equalKlTable(points: readonly CoursePoint[]): string {
  const lines = coursesOf(points).map(([method, some]) => {
    const runs = [...Map.groupBy(some, runOf).values()];
    return [
      method,
      ...DISTANCES.map((kl) => {
        const found = runs.flatMap((points) => {
          const reward = rewardAtKl(points, kl);
          return reward === null ? [] : [{ base: points[0].base, reward }];
        });
        return found.length === 0
          ? ""
          : `${number(meanOfBases(found, ({ reward }) => reward), 2)} (${found.length})`;
      }),
    ];
  });
  return table(["method", ...DISTANCES.map((kl) => `${kl} nats`)], lines);
}

/** True reward after equal steps, whatever step was chosen. */
export function equalStepsTable(points: readonly CoursePoint[]): string {
  const courses = coursesOf(points);
  const steps = [...new Set(courses.flatMap(([, some]) => some.map(({ step }) => step)))]
    .sort((a, b) => a - b);
  return table(
    ["method", "runs", ...steps.map((step) => `step ${step}`)],
    courses.map(([method, some]) => [
      method,
      `${runsOf(some)}`,
      ...steps.map((at) => {
        const there = some.filter(({ step }) => step === at);
        return there.length === 0 ? "" : number(meanOfBases(there, ({ reward }) => reward), 2);
      }),
    ]),
  );
}

/** Measurement by measurement, means over runs. @param points As `besideBeyond` gives them. */
export function courseTable(points: readonly CoursePoint[]): string {
  const groups = [...Map.groupBy(points, ({ method, step }) => JSON.stringify([method, step]))];
  return table(
    ["row", "step", "runs", "true reward", "JSFT judge's win rate", "KL", "tokens"],
    groups.map(([key, some]) => {
      const [method, step] = JSON.parse(key) as [string, number];
      const average = (value: (point: CoursePoint) => number) => meanOfBases(some, value);
      return [
        ...[method, `${step}`, `${runsOf(some)}`, number(average(({ reward }) => reward), 2)],
        ...[({ judge_win_rate }: CoursePoint) => judge_win_rate, ({ kl }: CoursePoint) => kl]
          .map((value) => number(average(value), 2)),
        number(average(({ length }) => length), 1),
      ];
    }),
  );
}

/**
 * Two rows measurement by measurement, and what the first has where it is as far from the start as the second ends.
 *
 * @param points As `hardAndSoft` gives them.
 */
export function softTable(points: readonly CoursePoint[]): string {
  const runs = [...Map.groupBy(points, runOf).values()].map((own) => {
    const [[, hard], [, soft]] = [...Map.groupBy(own, ({ method }) => method)];
    const { base, reward, kl } = soft.at(-1)!;
    return { base, reward, equal: rewardAtKl(hard, kl) };
  });
  const far = runs.filter(({ equal }) => equal !== null);
  const both = far.length === 0
    ? "hard labels get that far in no run"
    : `hard labels have ${number(meanOfBases(far, ({ equal }) => equal!), 2)} there, soft ones ${
      number(meanOfBases(far, ({ reward }) => reward), 2)
    } (runs: ${far.length} of ${runs.length})`;
  return `${courseTable(points)}\n\nAt the distance at which soft labels end: ${both}.`;
}

/**
 * Rows at their last step, the true reward of each seed beside the other, and what they asked of models.
 *
 * @param points As `untunedEnds` gives them.
 * @param costs Of each row and run; what they start from has none.
 */
export function untunedTable(
  points: readonly CoursePoint[],
  costs: readonly (RowCosts & OfRun & { readonly method: string })[],
): string {
  const seeds = [...new Set(points.map(({ seed }) => seed))].sort((a, b) => a - b);
  const cost = (method: string, of: keyof RowCosts, unit = 1) => {
    const own = costs.filter((row) => row.method === method);
    return own.length === 0 ? "" : number(meanOfBases(own, (row) => row[of]) / unit, 0);
  };
  return table(
    [
      ...["row", ...seeds.map((seed) => `true reward, seed ${seed}`)],
      ...["JSFT judge's win rate", "KL", "tokens"],
      ...["samples", "prompts to the ranker", "sequences learned", "minutes"],
    ],
    [...Map.groupBy(points, ({ method }) => method)].map(([method, some]) => [
      method,
      ...seeds.map((seed) => {
        const own = some.find((point) => point.seed === seed);
        return own === undefined ? "" : number(own.reward, 2);
      }),
      ...(["judge_win_rate", "kl"] as const).map((name) =>
        number(meanOfBases(some, (point) => point[name]), 2)
      ),
      number(meanOfBases(some, ({ length }) => length), 1),
      ...(["samples", "judgePrompts", "learned"] as const).map((name) => cost(method, name)),
      cost(method, "seconds", 60),
    ]),
  );
}

/** The settings that were chosen, and whether a better one may lie beyond those tried. */
export function settingsTable(tried: readonly Tried[]): string {
  const methods = [...Map.groupBy(tried, ({ method }) => method)];
  return table(
    [
      ...["method", "by the truth: rate, beta, step", "by the JSFT judge"],
      "the former at the edge of what was tried",
    ],
    methods.map(([method, some]) => {
      const betas = hasBeta(studyMethod(method as StudyMethod));
      const truth = bestBy(some, "truth");
      const edge = (name: string, value: (one: Tried) => number) => {
        const all = some.map(value);
        const [least, most] = [Math.min(...all), Math.max(...all)];
        if (least === most) return [];
        return value(truth) === most
          ? [`highest ${name}`]
          : value(truth) === least
          ? [`lowest ${name}`]
          : [];
      };
      const edges = [
        ...edge("rate", ({ learningRate }) => learningRate),
        ...betas ? edge("beta", ({ beta }) => beta) : [],
        ...edge("step", ({ step }) => step).map((text) =>
          text === "lowest step" ? "first step" : "last step"
        ),
      ];
      const [byTruth, byJudge] = [truth, bestBy(some, "judge")]
        .map((one) => settingText(method, one));
      return [method, byTruth, byJudge, edges.join(", ")];
    }),
  );
}

/** A method's setting and step in words; beta where its loss has one of ours to set. */
export function settingText(
  method: string,
  { learningRate, beta, step }: Pick<Tried, "learningRate" | "beta" | "step">,
): string {
  const betas = hasBeta(studyMethod(method as StudyMethod));
  return [plain(learningRate), ...betas ? [plain(beta)] : [], `step ${step}`].join(", ");
}

/** A setting without the last bits of its arithmetic. */
const plain = (value: number) => `${Number(value.toPrecision(6))}`;

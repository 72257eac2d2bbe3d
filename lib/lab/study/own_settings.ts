/** Methods that were played at every setting tried: what each base would have chosen for itself. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { isBeyond } from "./driven.ts";
import { methodOf, type StudyMethod, type StudyRow } from "./methods.ts";
import { runOf } from "./over_runs.ts";
import type { TableRow } from "./page_judges.ts";
import { type CoursePoint, settingText } from "./page_league.ts";
import { meanOfBases } from "./measure.ts";
import { interval, number, onEachBase, signed } from "./page_numbers.ts";
import { type ChosenBy, chosenPoint } from "./policy_meter.ts";
import type { RowSetting } from "./config.ts";

/** A run's best of all settings and steps, by its own validation prompts. */
export interface OwnSetting {
  readonly base: string;
  readonly seed: number;
  readonly method: string;
  readonly chosen_by: ChosenBy;
  readonly learningRate: number;
  readonly beta: number;
  readonly step: number;
  /** True reward of held-out prompts' answers. */
  readonly reward: number;
  /** The same with the setting that the league's first base chose, at the best of its steps. */
  readonly reward_given: number;
}

/**
 * The setting that each run chooses for itself; nothing of runs that lack one of a method's settings.
 *
 * @param points Measurements of every row, those at other settings as "METHOD@WHICH".
 * @param options.tuned Settings by row; `methods` those that are played at every setting
 */
export function ownSettings(
  points: readonly CoursePoint[],
  { tuned, methods }: {
    tuned: Readonly<Partial<Record<StudyRow, RowSetting>>>;
    methods: readonly StudyMethod[];
  },
): OwnSetting[] {
  return methods.flatMap((method) => {
    const all = (Object.keys(tuned) as StudyRow[])
      .filter((row) => methodOf(row) === method && !isBeyond(row));
    const own = points.filter((point) => (all as readonly string[]).includes(point.method));
    return [...Map.groupBy(own, runOf).values()].flatMap((some) => {
      if (new Set(some.map(({ method }) => method)).size < all.length) return [];
      return (["truth", "judge"] as const).map((chosen_by): OwnSetting => {
        const { base, seed, method: row, step, reward } = chosenPoint(some, chosen_by);
        const judges = all.find((row) => row === `${method}@judge`);
        const given = chosen_by === "judge" && judges ? judges : method;
        const { learningRate, beta } = tuned[row as StudyRow]!;
        return {
          ...{ base, seed, method, chosen_by, learningRate, beta, step, reward },
          reward_given: chosenPoint(
            some.filter(({ method }) => method === given),
            chosen_by,
          ).reward,
        };
      });
    });
  });
}

/**
 * A line a base and method.
 *
 * @param starts Of the JSFT models.
 */
export function ownSettingsTable(
  rows: readonly OwnSetting[],
  starts: readonly TableRow[],
): string {
  return table(
    [
      ...["base", "method", "chosen by", "rate, beta, step", "true reward", "gain"],
      ...["with the first base's setting", "gain"],
    ],
    rows.map((row) => {
      const { base, method, chosen_by, reward, reward_given } = row;
      const start = starts.find((one) => one.policy === "jsft" && runOf(one) === runOf(row));
      return [
        ...[base, method, chosen_by, settingText(method, row)],
        ...[reward, reward_given].flatMap((value) => [
          number(value),
          start ? signed(value - Number(start.reward)) : "",
        ]),
      ];
    }),
  );
}

/** What is set beside what, where each run has settings of its own. */
const COMPARED: readonly {
  readonly text: string;
  readonly a: StudyMethod;
  readonly b: StudyMethod | "jsft";
  readonly by: ChosenBy;
}[] = [
  ...(["truth", "judge"] as const).map((by) => ({
    ...{ text: "SELF-JUDGE with soft labels less with hard ones", by },
    ...{ a: "self-judge-soft", b: "self-judge" } as const,
  })),
  ...(["jsft", "raft-2"] as const).map((b) => ({
    text: `SELF-JUDGE with soft labels less ${b === "jsft" ? "JSFT" : "RAFT with two samples"}`,
    ...{ a: "self-judge-soft", b, by: "judge" } as const,
  })),
];

/** A difference between two rows with settings of their own, over the bases that have both. */
export interface OwnDifference {
  readonly text: string;
  readonly a: string;
  readonly b: string;
  readonly chosen_by: ChosenBy;
  readonly valueA: number;
  readonly valueB: number;
  /** The mean over bases, each one value, with Student's t interval once all of the league are there. */
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly perBase: Readonly<Record<string, number>>;
  /** Bases of the league. */
  readonly of_bases: number;
}

/**
 * Differences between rows whose runs have settings of their own; without those that no base has.
 *
 * @param options.starts Of the JSFT models; `bases` those of the league
 */
export function ownDifferences(
  rows: readonly OwnSetting[],
  { starts, bases }: { starts: readonly TableRow[]; bases: readonly string[] },
): OwnDifference[] {
  const jsft = starts.filter(({ policy }) => policy === "jsft")
    .map(({ base, seed, reward }) => ({ base, seed: Number(seed), reward: Number(reward) }));
  return COMPARED.flatMap(({ text, a, b, by }) => {
    const of = (method: string) =>
      method === "jsft"
        ? jsft
        : rows.filter((row) => row.method === method && row.chosen_by === by);
    const both = of(a).flatMap(({ base, seed, reward }) => {
      const other = of(b).find((one) => runOf(one) === runOf({ base, seed }));
      return other ? [{ base, a: reward, b: other.reward }] : [];
    });
    const perBase = [...Map.groupBy(both, ({ base }) => base)].map(([base, some]) =>
      [base, meanOfBases(some, ({ a, b }) => a - b)] as const
    );
    if (perBase.length === 0) return [];
    const all = overSeeds(perBase.map(([, value]) => value));
    const whole = bases.every((name) => perBase.some(([base]) => base === name));
    return [{
      ...{ text, a, b, chosen_by: by },
      ...{ valueA: meanOfBases(both, ({ a }) => a), valueB: meanOfBases(both, ({ b }) => b) },
      ...(whole ? all : { ...all, low: null, high: null }),
      perBase: Object.fromEntries(perBase),
      of_bases: bases.length,
    }];
  });
}

/** A line a difference. */
export function ownDifferencesTable(found: readonly OwnDifference[]): string {
  return table(
    ["difference", "chosen by", "bases", "values", "mean, 95 % interval", "on each base"],
    found.map((one) => [
      ...[one.text, one.chosen_by, `${Object.keys(one.perBase).length} of ${one.of_bases}`],
      `${number(one.valueA)}, ${number(one.valueB)}`,
      `${signed(one.value)} ${interval(one)}`.trim(),
      onEachBase(one, "<br>"),
    ]),
  );
}

/** Methods that were played at every setting tried: what each base would have chosen for itself. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { DRIVEN } from "./driven.ts";
import { methodOf, type StudyMethod, type StudyRow } from "./methods.ts";
import { runOf } from "./over_runs.ts";
import type { TableRow } from "./page_judges.ts";
import { type CoursePoint, settingText } from "./page_league.ts";
import { number, signed } from "./page_numbers.ts";
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
      .filter((row) => methodOf(row) === method && row !== DRIVEN);
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

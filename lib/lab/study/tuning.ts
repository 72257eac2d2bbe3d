/** Settings of the league's rows: tried with one seed, chosen on validation prompts. @module */
import { resultTable } from "../../show/result_table.ts";
import type { RowSetting, Setting, StudyConfig } from "./config.ts";
import type { Driven } from "./driven.ts";
import { methodOf, type StudyMethod, type StudyRow } from "./methods.ts";
import { bestBy, type ChosenBy, type RewardPoint } from "./policy_meter.ts";
import { settingsToTry } from "./preference.ts";

/** The seed that settings are tried with, and nothing else. */
export const TUNING_SEED = 0;

/** A setting tried, with its best points. */
export interface Tried extends Setting {
  readonly method: string;
  /** Which of the method's settings. */
  readonly setting: number;
  readonly step: number;
  readonly validation_reward: number;
  readonly validation_win_rate: number;
}

/** The rows of a method's tuning, one a setting. */
export function tuningRows(
  method: StudyMethod,
  { preference, settings = 4 }: Pick<StudyConfig, "preference" | "settings">,
): { row: StudyRow; setting: Setting }[] {
  return settingsToTry(method, preference, settings).map((setting, i) => ({
    row: `${method}@${i}`,
    setting,
  }));
}

/** Every measurement of every setting tried. */
export function triedOf(
  method: StudyMethod,
  { setting, points }: { setting: Setting & { number: number }; points: readonly RewardPoint[] },
): Tried[] {
  const { number, learningRate, beta } = setting;
  return points.filter(({ step }) => step > 0).map((point) => ({
    ...{ method, setting: number, learningRate, beta, step: point.step },
    validation_reward: point.validation_reward,
    validation_win_rate: point.validation_win_rate,
  }));
}

/** The setting of a method that is best on validation prompts, of equals the first; null where none was tried. */
function chosenSetting(
  tried: readonly Tried[],
  { method, by }: { method: StudyMethod; by: ChosenBy },
): Tried | null {
  const own = tried.filter((one) => one.method === method);
  return own.length === 0 ? null : bestBy(own, by);
}

/**
 * The rows of a league run: of each method the setting chosen by the truth, and the judge's where that is another.
 *
 * @param options.judges Whether those that the judge chose are rows. @default true
 */
export function chosenRows(
  methods: readonly StudyMethod[],
  tried: readonly Tried[],
  { judges = true }: { judges?: boolean } = {},
): { rows: StudyRow[]; tuned: Partial<Record<StudyRow, RowSetting>> } {
  const rows: StudyRow[] = [];
  const tuned: Partial<Record<StudyRow, RowSetting>> = {};
  const add = (row: StudyRow, { learningRate, beta }: Tried) => {
    rows.push(row);
    tuned[row] = { learningRate, beta };
  };
  for (const method of methods) {
    const truth = chosenSetting(tried, { method, by: "truth" });
    const judge = chosenSetting(tried, { method, by: "judge" });
    if (truth === null || judge === null) continue;
    add(method, truth);
    if (judges && judge.setting !== truth.setting) add(`${method}@judge`, judge);
  }
  return { rows, tuned };
}

/** Rows at every setting that was tried of some methods, beside those that are there. */
export function withEverySetting(
  { rows, tuned }: ReturnType<typeof chosenRows>,
  { methods, study }: { methods: readonly StudyMethod[]; study: Parameters<typeof tuningRows>[1] },
): ReturnType<typeof chosenRows> {
  const there = (method: StudyMethod, setting: Setting) =>
    rows.some((row) => methodOf(row) === method && sameSetting(tuned[row]!, setting));
  const more = methods.flatMap((method) =>
    tuningRows(method, study).filter(({ setting }) => !there(method, setting))
  );
  return {
    rows: [...rows, ...more.map(({ row }) => row)],
    tuned: { ...tuned, ...Object.fromEntries(more.map(({ row, setting }) => [row, setting])) },
  };
}

/** Whether two settings are one, but for the last bits of their arithmetic. */
export const sameSetting = (a: Setting, b: Setting) =>
  (["learningRate", "beta"] as const).every((name) => Math.abs(a[name] / b[name] - 1) < 1e-9);

/** Rows with those beside them that go beyond what was tried of the same methods. */
export function withDriven(
  { rows, tuned }: ReturnType<typeof chosenRows>,
  driven: readonly Driven[] = [],
): ReturnType<typeof chosenRows> {
  const more = driven.flatMap(({ row, like = methodOf(row), times, ...rest }) => {
    const own = tuned[like];
    return own === undefined
      ? []
      : [{ row, setting: { ...own, learningRate: times * own.learningRate, ...rest } }];
  });
  return {
    rows: [...rows, ...more.map(({ row }) => row)],
    tuned: { ...tuned, ...Object.fromEntries(more.map(({ row, setting }) => [row, setting])) },
  };
}

/** A table of settings tried; null where it is missing. */
export async function readTried(path: string): Promise<Tried[] | null> {
  return await resultTable(path) as Tried[] | null;
}

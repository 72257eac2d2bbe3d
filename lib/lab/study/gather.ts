/** Gathers what a league's runs left into tidy tables, one CSV a figure. @module */
import { readJsonFile, readJsonl, writeCsv } from "../../base/files.ts";
import { RunFolder } from "../../run/run_folder.ts";
import { resultTable } from "../../show/result_table.ts";
import { certaintyOf, type LoggedVerdicts } from "./certainty.ts";
import { changes } from "./changes.ts";
import { byHabit } from "./by_habit.ts";
import { DRIVEN, type Driven, ONE_SETTING, SOFT_UNTUNED, UNTUNED } from "./driven.ts";
import { LABEL_CONTROLS } from "./label_controls.ts";
import type { StudyConfig } from "./config.ts";
import { type Items, loadItems } from "./items.ts";
import { judgedSteps, type LearnedPair } from "./judge_over_steps.ts";
import { habits } from "./habits.ts";
import { chosenAnswers, lastAnswers } from "./held_out_answers.ts";
import { methodOf, type StudyMethod, type StudyRow } from "./methods.ts";
import { madeFrom, type Row as KeptRow, type Tables } from "./kept_tables.ts";
import { type LeagueRow, leagueRows, rowCosts, runTitles } from "./league_rows.ts";
import type { RunItems } from "./claims.ts";
import {
  chosenPoint,
  type HeldOutAnswers,
  heldOutIn,
  pointsIn,
  type RewardPoint,
} from "./policy_meter.ts";
import { byRun, type OfRun } from "./over_runs.ts";
import { refuseOtherSetting } from "./row_settings.ts";
import { ROWS } from "./rows.ts";
import { roundsRuns, stalenessItems, stalenessRows } from "./staleness.ts";
import { requestsOf, type StudySession } from "./study_session.ts";
import { SUPERVISED, VARIANTS } from "./supervised.ts";
import { chosenRows, type Tried, withDriven } from "./tuning.ts";
import type { World } from "./world.ts";

type Row = Record<string, string | number>;

/** Where a run of the league is. */
export interface RunPlace extends OfRun {
  readonly path: string;
}

/** Stages that measure judges. */
const JUDGES = ["jsft-judge", "base-judge", "other-judges", "variant-judges"];
/** Trainings that are not of preferences. */
const TRAININGS = [...SUPERVISED, ...VARIANTS].map(({ name }) => name);

/** Everything that was gathered, by the name of its table. */
export interface Gathered {
  readonly items: readonly RunItems[];
  readonly league: readonly LeagueRow[];
  readonly tables: Tables;
}

/** The runs of a league that there are, in the order of bases and seeds. */
export async function runsIn(run: string): Promise<RunPlace[]> {
  const places: RunPlace[] = [];
  for await (const { name: folder } of entries(run)) {
    const base = /^base-(.+)$/.exec(folder)?.[1];
    if (base === undefined) continue;
    for await (const { name } of entries(`${run}/${folder}`)) {
      const seed = /^seed-(\d+)$/.exec(name)?.[1];
      if (seed !== undefined) {
        places.push({ base, seed: Number(seed), path: `${run}/${folder}/${name}` });
      }
    }
  }
  return places.sort(byRun);
}

async function* entries(path: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * Reads runs; what is not finished in one is missing in its rows and in nothing else.
 *
 * @throws {UserError} where a row was trained with another setting than `tried` chooses for it
 */
export async function gather(
  places: readonly RunPlace[],
  { world, config, tried, driven }: {
    world: World;
    config: Omit<StudyConfig, "seed" | "base" | "world">;
    /** Rows that go beyond what was tried. */
    driven?: readonly Driven[];
    /** What settings were chosen from. */
    tried: readonly Tried[];
  },
): Promise<Gathered> {
  const { rows: chosen, tuned } = withDriven(chosenRows(ROWS, tried), driven);
  const items: RunItems[] = [];
  const league: LeagueRow[] = [];
  const tables: Record<string, KeptRow[]> = {};
  const add = (table: string, names: KeptRow, rows: readonly object[]) =>
    (tables[table] ??= []).push(...rows.map((row) => ({ ...names, ...row })));
  const requests = new Map(
    (await world.pairs("train")).map(({ id, prompt }) => [id, prompt.at(-1)!.content]),
  );
  const heldOutPairs = await world.pairs("held_out");
  const asked = requestsOf(heldOutPairs);
  for (const { base, seed, path } of places) {
    const names = { base, seed };
    const folder = new RunFolder<StudyConfig, StudySession>(path, []);
    const rowsOf = async (file: string) => await resultTable(`${path}/${file}`) ?? [];
    const weights = await worldOf(path);
    if (weights !== null) add("runs", names, [{ made_from: madeFrom(weights, config) }]);
    const found: Record<string, readonly number[]> = {
      ...await loadItems(
        [...JUDGES, "answers", "tournament", "on-policy-pairs"].map((name) => `${path}/${name}`),
      ),
    };
    if (found["right/jsft"]) {
      const judged = heldOutPairs.slice(0, config.heldOut);
      const rows = byHabit(found["right/jsft"], judged, { world, from: `${path}/jsft-judge` });
      add("judge-by-habit", { ...names, judge: "jsft" }, rows);
    }
    const ended = new Set<string>();
    for (const row of await runTitles(path)) {
      if (await folder.result(row) === null) continue; // it has no chosen step yet
      await refuseOtherSetting(path, row, tuned);
      const points = await pointsIn(`${path}/${row}`);
      ended.add(row);
      add("reward-over-steps", { ...names, method: row }, points);
      const heldOut = await heldOutIn(`${path}/${row}`);
      const at = (point: RewardPoint) => heldOut.find(({ step }) => step === point.step)!.rewards;
      const [method, which] = row.split("@");
      if (which === undefined) found[`reward/${method}`] = at(chosenPoint(points, "truth"));
      const last = points.at(-1)!;
      found[`reward at ${last.step}/${row}`] = at(last);
      add("changes", { ...names, method: row }, [changesOf({ points, heldOut })]);
      if (FOLLOWED.includes(row)) {
        add(
          "habits",
          { ...names, method: row },
          habitsOf({ points, heldOut, requests: asked }, world),
        );
      }
      const costs = await rowCosts(folder, row);
      league.push(...leagueRows({ base, seed, row, points, chosen }, costs));
    }
    const rounds = await roundsRuns(async (stage) =>
      await folder.result(stage) === null ? null : {
        points: await pointsIn(`${path}/${stage}`),
        heldOut: await heldOutIn(`${path}/${stage}`),
      }
    );
    if (rounds.length > 0) {
      add("staleness", names, stalenessRows(rounds));
      Object.assign(found, stalenessItems(rounds));
    }
    for (const policy of await rowsOf("answers/policies.csv")) {
      add("starts", names, [policy]);
    }
    for (const stage of JUDGES) {
      for (const { judge, ...measures } of await rowsOf(`${stage}/judges.csv`)) {
        const rows = Object.entries(measures).map(([measure, value]) => ({ measure, value }));
        add("judge-accuracy", { ...names, judge }, rows);
      }
    }
    add("judge-on-policy-pairs", names, await rowsOf("on-policy-pairs/pairs.csv"));
    add("judge-curve", names, await rowsOf("judge-curve/curve.csv"));
    add("fresh-labels", names, await rowsOf("fresh-labels/judges.csv"));
    add("reward-by-n", names, await rowsOf("tournament/points.csv"));
    for (const name of TRAININGS) {
      if (await folder.result(name) !== null) add("supervised", names, await losses(path, name));
    }
    for (const method of FOLLOWED.filter((method) => ended.has(method))) {
      const pairs = await readJsonl<LearnedPair>(`${path}/${method}/pairs.jsonl`);
      add("judge-over-steps", names, judgedSteps(pairs, { method, requests, world }));
    }
    for (const method of [...ended].filter((row) => SURE.includes(methodOf(row as StudyRow)))) {
      const log = await readJsonl<LoggedVerdicts>(`${path}/${method}/metrics.jsonl`);
      add("judge-certainty", names, certaintyOf(log, method));
    }
    if (ended.has("self-judge") && !tables.samples?.some((row) => row.base === base)) {
      add("samples", names, await chosenAnswers(path, asked));
    }
    if (ended.has(DRIVEN) && !tables["past-peak-samples"]?.length) {
      add("past-peak-samples", names, await lastAnswers(path, DRIVEN, asked));
    }
    const untuned = UNTUNED.filter((row) => ended.has(row));
    const beside = ["self-judge"].filter((row) => untuned.length > 0 && ended.has(row));
    for (const row of [...beside, ...untuned]) {
      add("untuned-samples", { ...names, method: row }, await lastAnswers(path, row, asked));
      add("untuned-costs", { ...names, method: row }, [await rowCosts(folder, row)]);
    }
    items.push({ base, seed, items: found as Items });
  }
  return { items, league, tables: { ...tables, league: league.map((row) => ({ ...row })) } };
}

/** The hash of what a run's base is, from the first of its trainings that was begun; null where none was. */
async function worldOf(path: string): Promise<string | null> {
  for (const training of TRAININGS) {
    const file = `${path}/${training}/config.json`;
    const begun = await readJsonFile<{ settings: Pick<StudyConfig, "world"> }>(file);
    if (begun?.settings.world !== undefined) return begun.settings.world;
  }
  return null;
}

/** Writes the tables that have rows. */
export async function writeTables(
  out: string,
  { tables }: { readonly tables: Readonly<Record<string, readonly object[]>> },
): Promise<void> {
  for (const [name, rows] of Object.entries(tables)) {
    if (rows.length > 0) await writeCsv(`${out}/${name}.csv`, rows);
  }
}

/** How a supervised training did on validation pairs. */
async function losses(path: string, training: string): Promise<object[]> {
  const log = await readJsonl<Record<string, number>>(`${path}/${training}/metrics.jsonl`);
  return log
    .filter(({ heldOutAnswerLoss, heldOutJudgeAccuracy }) =>
      heldOutAnswerLoss !== undefined || heldOutJudgeAccuracy !== undefined
    )
    .map(({ step, heldOutAnswerLoss, heldOutJudgeAccuracy }) => ({
      ...{ training, step },
      validation_answer_loss: heldOutAnswerLoss ?? "",
      validation_agreement: heldOutJudgeAccuracy ?? "",
    }));
}

/** What became of the answers at the chosen step. */
function changesOf(
  { points, heldOut }: { points: readonly RewardPoint[]; heldOut: readonly HeldOutAnswers[] },
): Row {
  const { step } = chosenPoint(points, "truth");
  const at = (wanted: number) => heldOut.find((one) => one.step === wanted)!.rewards;
  return { step, ...changes(at(0), at(step)) };
}

/** Methods whose own pairs are looked at step by step, and whose answers' habits. */
const FOLLOWED: readonly string[] = [
  ...["self-judge", DRIVEN, "raft-2", "reward-model-dpo", "self-judge-moving"],
  ...Object.values(ONE_SETTING),
  SOFT_UNTUNED,
  ...UNTUNED,
];

/** Methods whose judge's certainty is looked at, at every setting that they are played with. */
const SURE: readonly StudyMethod[] = [
  "self-judge",
  "self-judge-soft",
  ...Object.keys(LABEL_CONTROLS) as (keyof typeof LABEL_CONTROLS)[],
];

/** What a policy's answers to held-out prompts do, before training, at the chosen step and at the last one. */
function habitsOf(
  { points, heldOut, requests }: {
    points: readonly RewardPoint[];
    heldOut: readonly HeldOutAnswers[];
    requests: readonly string[];
  },
  world: World,
): object[] {
  const at = { start: 0, chosen: chosenPoint(points, "truth").step, last: points.at(-1)!.step };
  return Object.entries(at).flatMap(([when, step]) => {
    const { texts } = heldOut.find((one) => one.step === step)!;
    const answers = texts.map((text, i) => ({ request: requests[i], text }));
    return habits(answers, world).map(({ habit, value }) => ({ at: when, step, habit, value }));
  });
}

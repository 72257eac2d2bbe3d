/** The tables that a league's runs left, kept after the runs are gone: new runs are added to them. @module */
import { createHash } from "node:crypto";
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { UserError } from "../../base/error.ts";
import { resultTable } from "../../show/result_table.ts";
import type { RunItems } from "./claims.ts";
import type { RewardPoint } from "./policy_meter.ts";
import { byRun, type OfRun, runOf } from "./over_runs.ts";
import { stalenessItems } from "./staleness.ts";
import { type Driven, isBeyond } from "./driven.ts";
import { methodOf, type StudyMethod } from "./methods.ts";
import { chosenRows, type Tried } from "./tuning.ts";

/** A row of a table. */
export type Row = Readonly<Record<string, unknown>> & OfRun;
/** Tables by name. */
export type Tables = Readonly<Record<string, readonly Row[]>>;

/** Columns that, with base and seed, tell what rows were measured of: such rows are replaced together. */
const MEASURED: Readonly<Record<string, readonly string[]>> = {
  "changes": ["method"],
  "fresh-labels": [],
  "habits": ["method"],
  "judge-accuracy": ["judge"],
  "judge-by-habit": ["judge"],
  "judge-certainty": ["method"],
  "judge-curve": [],
  "judge-on-policy-pairs": [],
  "judge-over-steps": ["method"],
  "league": ["method", "chosen_by"], // two trainings where the judge chose a setting of its own
  "reward-by-n": [],
  "reward-over-steps": ["method"],
  "runs": [],
  "staleness": [],
  "starts": ["policy"],
  "supervised": ["training"],
  "untuned-costs": ["method"],
  "untuned-samples": ["method"],
};

/** Tables of answers, which have one run's: of each base, or in all. */
const OF_FIRST_RUN: Readonly<Record<string, "base" | "all">> = {
  "samples": "base",
  "past-peak-samples": "all",
};

/** A row of `runs.csv`. A hash may be digits alone, and is no number then either. */
const run = z.object({ base: cell.words, seed: cell.number, made_from: cell.text });

/** What the runs of a folder's tables were made from; none where there is no such table. */
export const readRuns = async (folder: string) => await resultTable(`${folder}/runs.csv`, run);

/** The tables of a folder; those that are not there are left out. */
export async function readTables(folder: string): Promise<Tables> {
  const names = [...Object.keys(MEASURED), ...Object.keys(OF_FIRST_RUN)];
  const tables: Record<string, readonly Row[]> = {};
  for (const name of names) {
    const rows = name === "runs"
      ? await readRuns(folder)
      : await resultTable(`${folder}/${name}.csv`);
    if (rows === null) continue;
    // What reads as a number is one in a table; the name of a base is none.
    tables[name] = rows.map((row) => ({ ...row, base: `${row.base}`, seed: Number(row.seed) }));
  }
  return tables;
}

/** The tables that are kept with those of new runs: what both have measured is the new run's. */
export function folded(kept: Tables, found: Tables): Tables {
  const names = new Set([...Object.keys(kept), ...Object.keys(found)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [before, rows] = [kept[name] ?? [], found[name] ?? []];
      const of = OF_FIRST_RUN[name];
      return [
        name,
        of ? firstRuns([...rows, ...before], of) : replaced(before, rows, MEASURED[name] ?? []),
      ];
    }),
  );
}

function replaced(before: readonly Row[], rows: readonly Row[], columns: readonly string[]): Row[] {
  const unitOf = (row: Row) =>
    JSON.stringify(["base", "seed", ...columns].map((name) => row[name]));
  const units = Map.groupBy(rows, unitOf);
  const put = new Set<string>();
  const merged = before.flatMap((row) => {
    const unit = unitOf(row);
    if (!units.has(unit)) return [row];
    if (put.has(unit)) return [];
    put.add(unit); // in the place of the old ones, so that a table changes where results do
    return units.get(unit)!;
  });
  merged.push(...[...units].flatMap(([unit, some]) => put.has(unit) ? [] : some));
  return merged.sort(byRun);
}

/** Rows of the first seed, of those the first that are given: of each base or in all. */
function firstRuns(rows: readonly Row[], of: "base" | "all"): Row[] {
  const groups = Map.groupBy(rows, ({ base }) => of === "base" ? base : "");
  return [...groups.values()].flatMap((some) => {
    const first = some.toSorted(byRun)[0];
    const own = some.filter((row) => byRun(row, first) === 0);
    // Both the kept rows and the new ones of one run: each prompt's first.
    return [...Map.groupBy(own, ({ prompt }) => prompt).values()].map(([row]) => row);
  }).sort(byRun);
}

/**
 * A short hash of what runs on a base were made from: its weights, the world's pairs and words, the study's settings.
 *
 * @param world The base's own, `StudyConfig.world`.
 */
export function madeFrom(world: string, settings: object): string {
  const { base: _, ...rest } = settings as Record<string, unknown>; // the folder it lies in is no matter
  return createHash("sha256").update(JSON.stringify([world, sorted(rest)])).digest("hex").slice(
    0,
    12,
  );
}

/** Settings in one order, however they were written down. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, one]) => [name, sorted(one)]);
}

/**
 * Refuses to put runs beside others that were made from something else, or from nobody knows what.
 *
 * @param options.run Where the new runs are; `options.out` where the tables are kept.
 * @throws {UserError} naming the base
 */
export function refuseMixed(
  kept: Tables,
  found: Tables,
  { run, out }: { run: string; out: string },
): void {
  const rowsOf = (tables: Tables, base: unknown) =>
    Object.values(tables).flat().filter((row) => row.base === base);
  const bases = new Set(Object.values(found).flat().map(({ base }) => base));
  for (const base of bases) {
    const runs = [kept, found].flatMap((tables) =>
      [...new Set(rowsOf(tables, base).map(({ seed }) => seed))].map((seed) =>
        tables.runs?.find((row) => row.base === base && row.seed === seed)?.made_from
      )
    );
    const [own, other] = [runs.at(-1), runs.find((one) => one !== runs.at(-1))];
    const first = rowsOf(kept, base).length === 0; // then there is nothing to compare with
    if (runs.every((one) => one === own) && (first || own !== undefined)) continue;
    throw new UserError(
      `base ${base} of ${run} is not the base ${base} of ${out}: its runs were made from ${
        own ?? "what nobody wrote down"
      } (weights, pairs, settings; runs.csv), others from ${other ?? "what nobody wrote down"}`,
      "give the tables of these runs a folder of their own with --out",
    );
  }
}

/**
 * Refuses settings that were tried anew where runs with the old ones would stay beside them.
 *
 * @param options.before The settings that the kept runs went by; `options.now` those that the tables will have.
 * @param options.driven Rows that have a method's setting or a multiple of it, and are no rows of the league.
 * @throws {UserError} naming the method
 */
export function refuseRetuned(
  kept: Tables,
  found: Tables,
  { before, now, driven = [] }: {
    before: readonly Tried[];
    now: readonly Tried[];
    driven?: readonly Driven[];
  },
): void {
  const rowOf = (row: Row) => `${runOf(row)} ${row.method} ${row.chosen_by ?? ""}`;
  const rowsOf = ({ league = [], "reward-over-steps": steps = [] }: Tables) => [
    ...league,
    ...steps.filter(({ method }) => isBeyond(`${method}`)),
  ];
  const anew = new Set(rowsOf(found).map(rowOf));
  for (const method of new Set(before.map(({ method }) => method))) {
    const chosen = (tried: readonly Tried[]) =>
      JSON.stringify(chosenRows([method as StudyMethod], tried).tuned);
    if (chosen(before) === chosen(now)) continue;
    const own = [
      method,
      ...driven.filter(({ row, like }) => (like ?? methodOf(row)) === method).map(({ row }) => row),
    ];
    const stays = rowsOf(kept).find((row) =>
      own.includes(`${row.method}`) && !anew.has(rowOf(row))
    );
    if (stays === undefined) continue;
    const which = stays.chosen_by === undefined
      ? `${stays.method}`
      : `its run chosen by the ${stays.chosen_by}`;
    throw new UserError(
      `${method} was tuned anew and has other settings, and of base ${stays.base}, seed ${stays.seed}, ${which} has the old ones`,
      "play that run, too, or give the tables of these runs a folder of their own with --out",
    );
  }
}

/** Settings tried, those of some methods tried anew in their place. */
export function foldedTried(kept: readonly Tried[], found: readonly Tried[]): Tried[] {
  const anew = Map.groupBy(found, ({ method }) => method);
  const before = Map.groupBy(kept, ({ method }) => method);
  return [...new Map([...before, ...anew]).values()].flat();
}

/** What contrasts compare, from the tables: of every run one mean by name. */
export function itemsOf(tables: Tables): RunItems[] {
  const runs = new Map<string, OfRun & { items: Record<string, number[]> }>();
  const itemsIn = ({ base, seed }: OfRun) => {
    const key = runOf({ base, seed });
    const run = runs.get(key) ?? { base, seed, items: {} };
    runs.set(key, run);
    return run.items;
  };
  const put = (
    rows: readonly Row[] | undefined,
    named: (row: Row) => [name: string, value: unknown],
  ) => {
    for (const row of rows ?? []) {
      const [name, value] = named(row);
      itemsIn(row)[name] = [Number(value)];
    }
  };
  put(tables.starts, (row) => [`reward/${row.policy}`, row.reward]);
  put(
    tables.league?.filter(({ chosen_by }) => chosen_by === "truth"),
    (row) => [`reward/${row.method}`, row.reward],
  );
  put(
    tables.league?.filter(({ chosen_by }) => chosen_by === "judge"),
    (row) => [`reward by judge/${row.method}`, row.reward],
  );
  put(
    tables["reward-over-steps"],
    (row) => [`reward at ${row.step}/${row.method}`, row.reward],
  );
  put(
    tables["judge-accuracy"]?.filter(({ measure }) => measure === "accuracy_clear"),
    (row) => [`right/${row.judge}`, row.value],
  );
  put(
    tables["reward-by-n"],
    (row) => [`rejection/${row.policy}/${row.selector}/${row.n}`, row.reward],
  );
  for (const rows of Map.groupBy(tables.staleness ?? [], runOf).values()) {
    const rounds = [...Map.groupBy(rows, ({ k }) => Number(k))].map(([k, some]) => {
      const points = some as readonly unknown[] as RewardPoint[];
      const heldOut = points.map(({ step, reward }) => ({ step, rewards: [reward], texts: [] }));
      return { k, points, heldOut };
    });
    Object.assign(itemsIn(rows[0]), stalenessItems(rounds));
  }
  return [...runs.values()].sort(byRun);
}

/** Items from tables, with the single values behind the means of the runs that are at hand. */
export function withSingles(means: readonly RunItems[], singles: readonly RunItems[]): RunItems[] {
  return means.map(({ base, seed, items }) => {
    const own = singles.find((run) => run.base === base && run.seed === seed)?.items ?? {};
    return { base, seed, items: { ...items, ...own } };
  });
}

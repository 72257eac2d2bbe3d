/**
 * Adds the runs of a league to its tables, and writes the page of claims from these.
 *
 *     deno task claims --world order-desk --run runs/league/order-desk
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { writeCsv, writeWhole } from "../base/files.ts";
import { type OnBase, onBases } from "../lab/study/all_bases.ts";
import { type GainOnBase, gainsByJudge } from "../lab/study/gain_by_judge.ts";
import { gather, runsIn, writeTables } from "../lab/study/gather.ts";
import type { JudgedStep } from "../lab/study/judge_over_steps.ts";
import {
  folded,
  foldedTried,
  itemsOf,
  readTables,
  refuseMixed,
  refuseRetuned,
  type Tables,
  withSingles,
} from "../lab/study/kept_tables.ts";
import { familiesIn, type LeagueWorld, playedRows, triedIn } from "../lab/study/league.ts";
import { readRecord, refuseOtherWorld } from "../lab/study/league_folder.ts";
import type { LeagueRow, RowCosts } from "../lab/study/league_rows.ts";
import type { Measured, RunItems } from "../lab/study/claims.ts";
import { claimsPage } from "../lab/study/page.ts";
import { claimRows, measureClaims, withKeptIntervals } from "../lab/study/page_families.ts";
import type { Certainty } from "../lab/study/certainty.ts";
import type { OfRun } from "../lab/study/over_runs.ts";
import { ownSettings } from "../lab/study/own_settings.ts";
import type { TableRow } from "../lab/study/page_judges.ts";
import type { CoursePoint } from "../lab/study/page_league.ts";
import { readTried, type Tried } from "../lab/study/tuning.ts";
import { resultTable } from "../show/result_table.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFolder } from "./flags.ts";
import { claimsFolder, worldFlag, WORLDS } from "./worlds.ts";

interface Options {
  world: string;
  run?: string;
  out?: string;
}

/**
 * What stands beside each other of a league and the one that it repeats, base by base; nothing where it repeats none, or on
 * that one's own bases.
 */
export async function besideOf(league: LeagueWorld, tables: Tables): Promise<{
  contrasts: OnBase[];
  gains: GainOnBase[];
  planned: { found: number; tested: number };
}> {
  const first = league.repeats === undefined ? undefined : WORLDS[league.repeats].league;
  if (first === undefined || first.bases.some((base) => league.bases.includes(base))) {
    return { contrasts: [], gains: [], planned: { found: 0, tested: 0 } };
  }
  const tested = league.predicted ?? [];
  const leagues = [
    { league: first.name, bases: first.bases, tables: await readTables(claimsFolder(first)) },
    { league: league.name, bases: league.bases, tables },
  ];
  return {
    contrasts: onBases(
      familiesIn(league),
      leagues.map(({ tables, ...rest }) => ({ ...rest, items: itemsOf(tables) })),
    ),
    gains: gainsByJudge(leagues, tested),
    planned: {
      found: first.bases.length + league.bases.length - tested.length,
      tested: tested.length,
    },
  };
}

/**
 * What follows from a league's tables: its contrasts, the tables that are made of others, and the page.
 *
 * @param options.tried What settings were chosen from; `options.items` of every run; `options.kept` rows of `claims.csv`
 *   that have intervals over prompts which are gone.
 */
export async function claimsOf(
  world: LeagueWorld,
  all: Tables,
  { tried, items, kept }: {
    tried: readonly Tried[];
    items: readonly RunItems[];
    kept: readonly Readonly<Record<string, unknown>>[];
  },
): Promise<{ measured: Measured[]; page: string; tables: Record<string, readonly object[]> }> {
  const { bases } = world;
  const families = familiesIn(world);
  const measured = withKeptIntervals(measureClaims(items, { families, bases }), kept);
  const { contrasts: beside, gains, planned } = await besideOf(world, all);
  const own = ownSettings((all["reward-over-steps"] ?? []) as readonly unknown[] as CoursePoint[], {
    tuned: playedRows(world, { methods: world.rows, tried }).tuned,
    methods: world.everySetting ?? [],
  });
  const rows = <R = TableRow>(name: string) => (all[name] ?? []) as readonly unknown[] as R[];
  const page = claimsPage({
    ...{
      title: WORLDS[world.name].title,
      families,
      bases,
      measured,
      tried,
      beside,
      own,
      gains,
      planned,
      notes: world.notes,
    },
    league: rows<LeagueRow>("league"),
    starts: rows("starts"),
    judges: rows("judge-accuracy"),
    curve: rows("judge-curve"),
    ownPairs: rows("judge-on-policy-pairs"),
    byN: rows("reward-by-n"),
    habits: rows("habits"),
    byHabit: rows("judge-by-habit"),
    changes: rows("changes").filter(({ method }) => !`${method}`.includes("@")),
    fresh: rows("fresh-labels"),
    overSteps: rows<JudgedStep & { base: string }>("judge-over-steps"),
    certainty: rows<Certainty & OfRun>("judge-certainty"),
    steps: rows<CoursePoint>("reward-over-steps"),
    costs: rows<RowCosts & OfRun & { method: string }>("untuned-costs"),
  });
  const tables = { tuning: tried, "by-base": beside, "own-settings": own, "gain-by-judge": gains };
  return { measured, page, tables };
}

async function main(): Promise<void> {
  const command = taskCommand("claims", "--world order-desk --run runs/league/order-desk")
    .description(
      "Adds the runs of a league to its tables and writes the page of claims from them. What the tables have of other runs " +
        "stays; without a run the page is written anew.",
    )
    .addOption(worldFlag())
    .option("--run <folder>", "folder of the league; default runs/league/WORLD")
    .addOption(
      outputFolder(
        "--out <folder>",
        "where the tables are and stay; default data/results/claims/WORLD",
      ),
    );
  const options = parseCommand(command, Deno.args).opts<Options>();
  const { league: world, truth } = WORLDS[options.world];
  const run = options.run ?? `runs/league/${world.name}`;
  const out = options.out ?? claimsFolder(world);
  const kept = await readTables(out);
  const places = await runsIn(run);
  if (places.length === 0 && (options.run !== undefined || kept.league === undefined)) {
    throw new UserError(
      `${run} has no run of the league`,
      `make some with deno task league --world ${world.name}`,
    );
  }
  // Those that the runs went by: kept from before, or tried where the tables had none, or tried in this folder.
  const [before, byThese] = await Promise.all(
    [out, run].map(async (folder) => await readTried(`${folder}/tuning.csv`) ?? []),
  );
  const tried = foldedTried(foldedTried(byThese, before), await triedIn(run, world, world.rows))
    .filter(({ method }) => (world.rows as readonly string[]).includes(method));
  await refuseOtherWorld(run, world);
  const record = await readRecord(run);
  if (record === null && places.length > 0) {
    throw new UserError(
      `${run} has no run.json, so that nobody knows its settings`,
      "give the folder that deno task league made",
    );
  }
  const config = record?.settings ?? world.config;
  const gathered = await gather(places, { world: truth, config, tried, driven: world.driven });
  refuseMixed(kept, gathered.tables, { run, out });
  refuseRetuned(kept, gathered.tables, { before, now: tried, driven: world.driven });
  const all = folded(kept, gathered.tables);
  const items = withSingles(itemsOf(all), gathered.items);
  const intervals = await resultTable(`${out}/claims.csv`) ?? [];
  const { measured, page, tables } = await claimsOf(world, all, { tried, items, kept: intervals });
  await writeTables(out, { tables: { ...all, ...tables } });
  if (measured.length === 0) {
    throw new UserError(
      `no contrast of the protocol has both its sides in ${out} yet; tables of what there is are there`,
      `play more rows, and what they are measured beside: deno task league --world ${world.name}`,
    );
  }
  await writeCsv(`${out}/claims.csv`, claimRows(measured));
  await writeWhole(`${out}/claims.md`, page);
  console.log(
    `${places.length} runs added to the tables of ${items.length}, ${measured.length} contrasts; tables and claims.md in ${out}`,
  );
  console.log("next: deno task figures");
}

if (import.meta.main) await runCommand(main);

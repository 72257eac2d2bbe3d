/** The folder of a league: which world and which study its runs are of. @module */
import { UserError } from "../../base/error.ts";
import {
  exists,
  lockFolder,
  makeFolder,
  readJsonFile,
  writeCsv,
  writeJsonFile,
} from "../../base/files.ts";
import { runsIn } from "./gather.ts";
import { foldedTried, madeFrom } from "./kept_tables.ts";
import { type LeagueWorld, triedIn } from "./league.ts";
import { runTitles } from "./league_rows.ts";
import { methodOf, type StudyMethod, type StudyRow } from "./methods.ts";
import { readTried, type Tried } from "./tuning.ts";

/** What a league's folder says of itself, its `run.json`. */
export interface LeagueRecord {
  /** Name of the world; absent in folders that are older than the field. */
  readonly world?: string;
  /** The study's. */
  readonly settings: LeagueWorld["config"];
}

/** The names of the bases that a world's runs may be on: those of its claims, and its variants. */
export const basesOf = ({ bases, variants = [] }: LeagueWorld): readonly string[] => [
  ...bases,
  ...variants,
];

/** What a league's folder says of itself; null where it says nothing. */
export const readRecord = (run: string) => readJsonFile<LeagueRecord>(`${run}/run.json`);

/** Writes what a league's folder says of itself. */
export const writeRecord = (
  run: string,
  record: Required<LeagueRecord> & { readonly versions: object },
) => alone(run, () => writeJsonFile(`${run}/run.json`, record));

/** Writes what some methods are played by into the folder's table: what it has of others stays. */
export const keepTried = (
  run: string,
  { methods, tried }: { methods: readonly StudyMethod[]; tried: readonly Tried[] },
) =>
  alone(run, async () => {
    const table = `${run}/tuning.csv`;
    const own = tried.filter(({ method }) => (methods as readonly string[]).includes(method));
    await writeCsv(table, foldedTried(await readTried(table) ?? [], own));
  });

/** Writes a file of a folder that several processes share, one process at a time. */
async function alone(run: string, write: () => Promise<void>): Promise<void> {
  await makeFolder(run);
  using _lock = await lockFolder(run, { waiting: () => {} }); // a file takes no time
  await write();
}

/**
 * Refuses a folder with runs of another world: its `run.json` names that, or it has runs on a base that this world has not.
 *
 * @throws {UserError} naming both worlds, or the base
 */
export async function refuseOtherWorld(run: string, world: LeagueWorld): Promise<void> {
  const of = (await readRecord(run))?.world;
  if (of !== undefined && of !== world.name) {
    throw new UserError(
      `${run} has runs of the world ${of}, and --world is ${world.name} (${run}/run.json)`,
      `give --world ${of}, or another folder with --run`,
    );
  }
  const known = basesOf(world);
  const other = (await runsIn(run)).find(({ base }) => !known.includes(base));
  if (other === undefined) return;
  throw new UserError(
    `${other.path} is of base ${other.base}, which the world ${world.name} has not`,
    `its bases are ${known.join(", ")}; give the world of these runs with --world`,
  );
}

/**
 * Refuses a folder whose runs were begun with other settings of the study: its tables would not say which.
 *
 * @throws {UserError} naming the file
 */
export async function refuseOtherSettings(run: string, { config }: LeagueWorld): Promise<void> {
  const record = await readRecord(run);
  if (record === null || madeFrom("", record.settings) === madeFrom("", config)) return;
  throw new UserError(
    `${run}/run.json has other settings of the study than this checkout`,
    "choose another folder with --run",
  );
}

/**
 * Refuses to try settings again where a run of the folder has begun with others. Runs that began after this folder's own
 * trials go by those, and resume.
 *
 * @throws {UserError} naming the row's folder
 */
export async function refusePlayed(
  run: string,
  world: LeagueWorld,
  methods: readonly StudyMethod[],
): Promise<void> {
  const tried = await triedIn(run, world, methods);
  const untried = methods.filter((method) => !tried.some((one) => one.method === method));
  for (const { path } of await runsIn(run)) {
    for (const row of await runTitles(path)) {
      if (!untried.includes(methodOf(row as StudyRow))) continue;
      if (!await exists(`${path}/${row}/config.json`)) continue;
      throw new UserError(
        `--retune: ${path}/${row} has begun with the settings that there were`,
        "choose another folder with --run",
      );
    }
  }
}

/**
 * Refuses methods without settings in a league that repeats another: it tunes nothing.
 *
 * @param options.table The file that settings are taken from; `options.tried` what of it can be taken.
 * @throws {UserError} naming them
 */
export function refuseUntuned(
  { repeats }: LeagueWorld,
  { table, tried, methods }: {
    table: string;
    tried: readonly Tried[];
    methods: readonly StudyMethod[];
  },
): void {
  const [tuned, untuned] = [true, false].map((has) =>
    methods.filter((method) => tried.some((one) => one.method === method) === has).join(",")
  );
  if (repeats === undefined || untuned === "") return;
  throw new UserError(
    `this league takes the settings of ${table} and tunes nothing, and there are none of ${untuned}`,
    tuned === ""
      ? "check base 1, the pairs and that table out again"
      : `play those that have some: --methods ${tuned}`,
  );
}

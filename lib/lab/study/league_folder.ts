/** The folder of a league: which world and which study its runs are of. @module */
import { UserError } from "../../base/error.ts";
import { readJsonFile } from "../../base/files.ts";
import { runsIn } from "./gather.ts";
import { madeFrom } from "./kept_tables.ts";
import type { LeagueWorld } from "./league.ts";

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

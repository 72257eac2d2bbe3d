/**
 * The study: every method on every base and seed of a world whose truth is known, by the protocol in
 * data/results/claims/protocol.md.
 *
 *     deno task league --world order-desk
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { duration } from "../base/progress.ts";
import { foldedTried, madeFrom, readRuns } from "../lab/study/kept_tables.ts";
import { type LeagueWorld, play, playCurve, triedIn, tune } from "../lab/study/league.ts";
import {
  keepTried,
  refuseOtherSettings,
  refuseOtherWorld,
  refusePlayed,
  refuseUntuned,
  writeRecord,
} from "../lab/study/league_folder.ts";
import { readTried, type Tried } from "../lab/study/tuning.ts";
import type { Reporter } from "../run/stage.ts";
import { terminalReporter } from "../run/terminal_reporter.ts";
import { versions } from "../run/versions.ts";
import { startEngine } from "../tensor/mod.ts";
import { runCommand, shellWords, stopOnInterrupt } from "./command.ts";
import { leagueTask, passesOf } from "./league_options.ts";
import { claimsFolder } from "./worlds.ts";

/**
 * The settings that the tables of the world, or of the one that it repeats, have, where these were made from the same
 * base, pairs and study: then nobody needs to try them again.
 */
async function keptSettings(
  world: LeagueWorld,
  options: { run: string; reporter: Reporter },
): Promise<Tried[]> {
  const folder = claimsFolder({ name: world.repeats ?? world.name });
  const tried = await readTried(`${folder}/tuning.csv`);
  if (tried === null) return [];
  const runs = await readRuns(folder) ?? [];
  const { world: weights } = await world.base("1", options);
  const own = weights === undefined ? null : madeFrom(weights, world.config);
  if (!runs.some(({ base, made_from }) => base === "1" && made_from === own)) {
    options.reporter.log(
      `settings of ${folder}/tuning.csv are not taken: they were tried on another base, or in another study`,
    );
    return [];
  }
  const methods = new Set(tried.map(({ method }) => method)).size;
  options.reporter.log(
    `settings of ${methods} methods as ${folder}/tuning.csv has them (--retune tries them again)`,
  );
  return tried;
}

async function main(): Promise<void> {
  const task = leagueTask(Deno.args);
  const { world, run, methods, runs, retune, curve } = task;
  const table = `${claimsFolder({ name: world.repeats ?? world.name })}/tuning.csv`;
  if (retune && world.repeats !== undefined) {
    throw new UserError(
      `this league takes the settings of ${table} and tunes nothing`,
      "leave --retune out",
    );
  }
  await refuseOtherWorld(run, world);
  await refuseOtherSettings(run, world);
  if (retune) await refusePlayed(run, world, methods);
  const started = performance.now();
  const engine = await startEngine();
  const reporter = terminalReporter(stopOnInterrupt());
  const kept = retune || curve ? [] : await keptSettings(world, { run, reporter });
  if (!curve) refuseUntuned(world, { table, tried: kept, methods });
  await writeRecord(run, {
    ...{ world: world.name, versions: versions(engine), settings: world.config },
  });
  if (curve) {
    for (const one of runs) {
      console.log(`\nbase ${one.base}, seed ${one.seed}`);
      await playCurve(world, one, { run, reporter });
    }
    return;
  }
  for (const { methods, extras } of passesOf(task)) {
    const untried = methods.filter((method) => !kept.some((one) => one.method === method));
    await tune(world, { run, reporter, methods: untried });
    for (const one of runs) {
      const tried = foldedTried(kept, await triedIn(run, world, methods));
      await keepTried(run, { methods, tried });
      console.log(`\nbase ${one.base}, seed ${one.seed}`);
      await play(world, one, { run, reporter, methods, tried, extras });
    }
  }
  console.log(`took ${duration((performance.now() - started) / 1000)}`);
  console.log(`next: deno task claims ${shellWords(["--world", world.name, "--run", run])}`);
}

if (import.meta.main) await runCommand(main);

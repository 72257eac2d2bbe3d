/**
 * The study: every method on every base and seed of a world whose truth is known, by the protocol in
 * data/results/claims/protocol.md.
 *
 *     deno task league --world order-desk
 *
 * @module
 */
import { Option } from "commander";
import { UserError } from "../base/error.ts";
import { writeCsv, writeJsonFile } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import {
  type LeagueRun,
  type LeagueWorld,
  play,
  playCurve,
  triedIn,
  tune,
} from "../lab/study/league.ts";
import { refuseOtherSettings, refuseOtherWorld } from "../lab/study/league_folder.ts";
import type { StudyMethod } from "../lab/study/methods.ts";
import { COUNTED } from "../lab/study/rows.ts";
import { foldedTried, madeFrom, readRuns } from "../lab/study/kept_tables.ts";
import { readTried, type Tried } from "../lab/study/tuning.ts";
import type { Reporter } from "../run/stage.ts";
import { terminalReporter } from "../run/terminal_reporter.ts";
import { versions } from "../run/versions.ts";
import { startEngine } from "../tensor/mod.ts";
import { parseCommand, runCommand, stopOnInterrupt, taskCommand } from "./command.ts";
import { runFlag, wholeNumbers } from "./flags.ts";
import { claimsFolder, WORLDS } from "./worlds.ts";

interface LeagueOptions {
  world: string;
  model?: string;
  run?: string;
  methods?: string;
  bases?: string;
  seeds?: number[];
  part: string;
  retune: boolean;
  curve?: boolean;
}

function parse(args: string[]): LeagueOptions {
  const command = taskCommand("league", "--world order-desk --bases 1 --seeds 1")
    .description(
      "Plays the league of a world: settings that were not tried before are tuned, then every method is trained on every base and seed. " +
        "Ctrl-C stops, the same command resumes.",
    )
    .addOption(
      new Option("--world <name>", "which world").choices(Object.keys(WORLDS)).default(
        "order-desk",
      ),
    )
    .option(
      "--model <path or name>",
      "the model that answers and judges, in a world of pretrained ones; default the protocol's",
    )
    .option(
      "--methods <names>",
      "only these rows, comma-separated; default all, those counted first",
    )
    .option("--bases <names>", "base models, comma-separated; default the world's")
    .option(
      "--seeds <numbers>",
      "seeds, comma-separated; default the protocol's",
      wholeNumbers("--seeds"),
    )
    .option(
      "--retune",
      "try settings again that data/results/claims/WORLD/tuning.csv has",
      false,
    )
    .option("--curve", "judge quality against the number of pairs instead")
    .option("--part <i/n>", "of the work, for several processes at once", "1/1")
    .addOption(runFlag("runs/league/WORLD"));
  return parseCommand(command, args).opts<LeagueOptions>();
}

/** The league of the world that was asked for. */
function leagueOf({ world, model }: LeagueOptions): LeagueWorld {
  const { league, leagueOf } = WORLDS[world];
  if (model === undefined) return league;
  if (leagueOf) return leagueOf(model);
  throw new UserError(
    `the world ${world} has models of its own, and --model ${model} is none of them`,
    "leave --model out, or choose a base with --bases",
  );
}

/** The rows asked for, in the league's order. */
function methodsOf(names: string | undefined, { rows }: LeagueWorld): readonly StudyMethod[] {
  if (names === undefined) return rows;
  const asked = names.split(",");
  const unknown = asked.find((name) => !(rows as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new UserError(`the league has no row "${unknown}"`, `choose from ${rows.join(", ")}`);
  }
  return rows.filter((row) => asked.includes(row));
}

/** Every so-many-th of a list. */
function partOf<T>(list: readonly T[], part: string): T[] {
  const [i, n] = part.split("/").map(Number);
  if (!(Number.isInteger(n) && Number.isInteger(i) && i >= 1 && i <= n)) {
    throw new UserError(`--part ${part} is no part`, "give it as 1/2 and 2/2");
  }
  return list.filter((_, at) => at % n === i - 1);
}

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

/** The refusal of a league that has no settings to take from the one that it repeats. */
const tunesNothing = (repeats: string, remedy: string) =>
  new UserError(
    `this league takes the settings of ${
      claimsFolder({ name: repeats })
    }/tuning.csv and tunes nothing`,
    remedy,
  );

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const world = leagueOf(options);
  const run = options.run ?? `runs/league/${world.name}`;
  const methods = methodsOf(options.methods, world);
  const bases = options.bases?.split(",") ?? world.bases;
  const runs = (options.seeds ?? world.seeds).flatMap((seed) =>
    bases.map((base): LeagueRun => ({ base, seed }))
  );
  if (options.curve && world.curve.length === 0) {
    throw new UserError(
      `${world.name} has no judges by the number of pairs`,
      "choose another --world, or leave --curve out",
    );
  }
  if (options.retune && world.repeats !== undefined) {
    throw tunesNothing(world.repeats, "leave --retune out");
  }
  await refuseOtherWorld(run, world);
  await refuseOtherSettings(run, world);
  const started = performance.now();
  const engine = await startEngine();
  const reporter = terminalReporter(stopOnInterrupt());
  await writeJsonFile(`${run}/run.json`, {
    ...{ world: world.name, versions: versions(engine), settings: world.config },
  });
  if (options.curve) {
    for (const one of partOf(runs, options.part)) {
      console.log(`\nbase ${one.base}, seed ${one.seed}`);
      await playCurve(world, one, { run, reporter });
    }
    return;
  }
  const kept = options.retune ? [] : await keptSettings(world, { run, reporter });
  if (world.repeats !== undefined && kept.length === 0) {
    throw tunesNothing(world.repeats, "check base 1, the pairs and that table out again");
  }
  // What a claim counts comes first, on every base and seed; then the rest of the table.
  const counted = methods.filter((method) => COUNTED.includes(method));
  for (const some of methods.length > counted.length ? [counted, methods] : [counted]) {
    const untried = some.filter((method) => !kept.some((one) => one.method === method));
    await tune(world, { run, reporter, methods: partOf(untried, options.part) });
    for (const one of partOf(runs, options.part)) {
      const tried = foldedTried(kept, await triedIn(run, world, some));
      await writeCsv(`${run}/tuning.csv`, tried);
      console.log(`\nbase ${one.base}, seed ${one.seed}`);
      await play(world, one, { run, reporter, methods: some, tried, extras: some === methods });
    }
  }
  console.log(`took ${duration((performance.now() - started) / 1000)}`);
  console.log(`next: deno task claims --world ${world.name} --run ${run}`);
}

if (import.meta.main) await runCommand(main);

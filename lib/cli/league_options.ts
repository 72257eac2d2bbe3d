/** What of a league a command line asks for, refused before any work where there is no such thing. @module */
import { Option } from "commander";
import { UserError } from "../base/error.ts";
import { basesOf } from "../lab/study/league_folder.ts";
import type { LeagueRun, LeagueWorld } from "../lab/study/league.ts";
import type { StudyMethod } from "../lab/study/methods.ts";
import { COUNTED } from "../lab/study/counted.ts";
import { TUNING_SEED } from "../lab/study/tuning.ts";
import { parseCommand, taskCommand } from "./command.ts";
import { runFlag, wholeNumbers } from "./flags.ts";
import { worldFlag, WORLDS } from "./worlds.ts";

/** What is asked for. */
export interface LeagueTask {
  readonly world: LeagueWorld;
  /** Folder of the league. */
  readonly run: string;
  readonly methods: readonly StudyMethod[];
  /** Whether all that the world has is asked for: then its extra stages are, too. */
  readonly all: boolean;
  /** The runs of this process's part. */
  readonly runs: readonly LeagueRun[];
  readonly retune: boolean;
  readonly curve: boolean;
}

interface Options {
  world: string;
  model?: string;
  run?: string;
  methods?: string[];
  bases?: string[];
  seeds?: number[];
  part: Part;
  retune: boolean;
  curve?: boolean;
}

/**
 * Reads the command line of a league.
 *
 * @throws {UserError} naming the option
 */
export function leagueTask(args: readonly string[]): LeagueTask {
  const command = taskCommand("league", "--world order-desk --bases 1 --seeds 1")
    .description(
      "Plays the league of a world: settings that were not tried before are tuned, then every method is trained on every base and seed. " +
        "Ctrl-C stops, the same command resumes.",
    )
    .addOption(worldFlag())
    .option(
      "--model <path or name>",
      "the model that answers and judges, in a world of pretrained ones; default the protocol's",
    )
    .option(
      "--methods <names>",
      "only these rows, comma-separated, and nothing beside them; default all, those counted first",
      words,
    )
    .option("--bases <names>", "base models, comma-separated; default the world's", words)
    .option(
      "--seeds <numbers>",
      `seeds, comma-separated, from ${TUNING_SEED + 1} up; default the protocol's`,
      wholeNumbers("--seeds"),
    )
    .option(
      "--retune",
      "try settings again that data/results/claims/WORLD/tuning.csv has, in a folder without runs of these rows",
      false,
    )
    .addOption(
      new Option("--curve", "judge quality against the number of pairs instead")
        .conflicts(["methods", "retune"]),
    )
    .addOption(
      new Option("--part <i/n>", "of the runs, for several processes at once")
        .default({ i: 1, n: 1 }, "1/1").argParser(partOf),
    )
    .addOption(runFlag("runs/league/WORLD"));
  const options = parseCommand(command, args).opts<Options>();
  const world = leagueOf(options);
  const { run = `runs/league/${world.name}`, retune, curve = false } = options;
  if (curve && world.curve.length === 0) {
    throw new UserError(
      `${world.name} has no judges by the number of pairs`,
      "choose another --world, or leave --curve out",
    );
  }
  return {
    ...{ world, run, retune, curve, all: options.methods === undefined },
    methods: methodsOf(options, world),
    runs: runsOf(options, world),
  };
}

/**
 * The rows in the order of work: what a claim counts first, on every base and seed, then the rest of the table, and the
 * world's extra stages where all is asked for.
 */
export function passesOf(
  { methods, all }: Pick<LeagueTask, "methods" | "all">,
): { methods: readonly StudyMethod[]; extras: boolean }[] {
  const counted = methods.filter((method) => COUNTED.includes(method));
  const both = counted.length > 0 && counted.length < methods.length;
  const last = { methods, extras: all };
  return both ? [{ methods: counted, extras: false }, last] : [last];
}

/** Words with commas between them. */
const words = (text: string): string[] => text.split(",").map((word) => word.trim());

interface Part {
  readonly i: number;
  readonly n: number;
}

function partOf(text: string): Part {
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(text.trim())?.map(Number) ?? [];
  if (i >= 1 && i <= n) return { i, n };
  throw new UserError(`--part ${text} is no part`, "give it as 1/2 and 2/2");
}

/** The league of the world that was asked for. */
function leagueOf({ world, model }: Pick<Options, "world" | "model">): LeagueWorld {
  const { league, leagueOf } = WORLDS[world];
  if (model === undefined) return league;
  if (leagueOf) return leagueOf(model);
  throw new UserError(
    `the world ${world} has models of its own, and --model ${model} is none of them`,
    "leave --model out, or choose a base with --bases",
  );
}

/** The rows asked for, in the league's order. */
function methodsOf(
  { methods }: Options,
  { name, rows }: LeagueWorld,
): readonly StudyMethod[] {
  if (methods === undefined) return rows;
  const unknown = methods.find((method) => !(rows as readonly string[]).includes(method));
  if (unknown !== undefined) {
    throw new UserError(
      `--methods: the league of ${name} has no row "${unknown}"`,
      `choose from ${rows.join(", ")}`,
    );
  }
  return rows.filter((row) => methods.includes(row));
}

/** The runs asked for, of the part asked for. */
function runsOf({ bases, seeds, part }: Options, world: LeagueWorld): LeagueRun[] {
  const known = basesOf(world);
  const unknown = bases?.find((base) => !known.includes(base));
  if (unknown !== undefined) {
    throw new UserError(
      `--bases: the league of ${world.name} has no base "${unknown}"`,
      `choose from ${known.join(", ")}`,
    );
  }
  if (seeds?.includes(TUNING_SEED)) {
    throw new UserError(
      `--seeds has ${TUNING_SEED}, the seed that settings are tried with and nothing else`,
      `give seeds from ${TUNING_SEED + 1} up`,
    );
  }
  return [...new Set(seeds ?? world.seeds)]
    .flatMap((seed) => [...new Set(bases ?? world.bases)].map((base) => ({ base, seed })))
    .filter((_, at) => at % part.n === part.i - 1);
}

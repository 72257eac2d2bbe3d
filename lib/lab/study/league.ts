/** The league: every method on every base and seed of a world, with settings chosen beforehand. @module */
import { lockFolder, makeFolder } from "../../base/files.ts";
import { type Anew, RunFolder } from "../../run/run_folder.ts";
import { type Reporter, withNeeds } from "../../run/stage.ts";
import type { StudyConfig } from "./config.ts";
import type { Driven } from "./driven.ts";
import { familiesOf, type Family } from "./families.ts";
import type { StudyMethod } from "./methods.ts";
import { pointsIn } from "./policy_meter.ts";
import { methodStages } from "./preference.ts";
import { shareWork } from "./shared_work.ts";
import type { StudyStage } from "./stage.ts";
import type { StudySession } from "./study_session.ts";
import {
  chosenRows,
  type Tried,
  triedOf,
  TUNING_SEED,
  tuningRows,
  withDriven,
  withEverySetting,
} from "./tuning.ts";

/** A world with the bases that its league is played on. */
export interface LeagueWorld {
  readonly name: string;
  /**
   * Name of the league that it plays again on other bases: settings are those that were chosen there, and contrasts stand
   * beside those measured there.
   */
  readonly repeats?: string;
  /** Bases that a relation found on the others is tested on, see the protocol. @default none */
  readonly predicted?: readonly string[];
  /** What it tests. @default the families of the protocol as far as its rows have them */
  readonly families?: readonly Family[];
  /** Settings of every run, but for base and seed. */
  readonly config: Omit<StudyConfig, "seed" | "base" | "world">;
  /** Folder or name of each base, and its fingerprint; it is made where it is missing. */
  readonly base: (
    name: string,
    options: { run: string; reporter: Reporter },
  ) => Promise<Pick<StudyConfig, "base" | "world">>;
  readonly session: (config: StudyConfig, folderOf: (stage: string) => string) => StudySession;
  /** Names of the bases that it is played on. */
  readonly bases: readonly string[];
  /** Bases that it may be played on beside those, of which no claim is. @default none */
  readonly variants?: readonly string[];
  readonly seeds: readonly number[];
  /** What a reader has to know of its numbers, beside what holds of any league. */
  readonly notes: readonly string[];
  /** The methods that are played, those counted first. */
  readonly rows: readonly StudyMethod[];
  /** Methods that are played at every setting that was tried, so that each base has one of its own. @default none */
  readonly everySetting?: readonly StudyMethod[];
  /** Methods that are played beyond what was tried, too, to see what comes later. @default none */
  readonly driven?: readonly Driven[];
  /** Stages that every method starts from or is measured beside. */
  readonly stages: readonly StudyStage[];
  /** Stages that come after all else. */
  readonly extras: readonly StudyStage[];
  /** Judges trained on fewer pairs and their quality, a study of its own: see {@linkcode playCurve}. */
  readonly curve: readonly StudyStage[];
}

/** What a league tests. */
export const familiesIn = ({ families, rows, extras }: LeagueWorld): readonly Family[] =>
  families ?? familiesOf({ rows, extras: extras.length > 0 });

/** A run of the league. */
export interface LeagueRun {
  readonly base: string;
  readonly seed: number;
}

type StudyFolder = RunFolder<StudyConfig, StudySession>;

interface LeagueOptions {
  /** Folder of the league. */
  readonly run: string;
  readonly reporter: Reporter;
  readonly methods: readonly StudyMethod[];
}

/** Where a run of the league is. */
export const runPath = (run: string, { base, seed }: LeagueRun) =>
  `${run}/base-${base}/seed-${seed}`;

/**
 * Tries methods' settings with the seed that is used for nothing else, on the first base. Settings are chosen on
 * validation prompts, so that of the held-out ones no more is asked than the measurements need to go through. Processes
 * share the work: what all settings start from is trained by one, each setting by one, and all are there in the end.
 */
export async function tune(
  world: LeagueWorld,
  { run, reporter, methods }: LeagueOptions,
): Promise<void> {
  if (methods.length === 0) return;
  const path = tuningPath(run);
  const all = methods.flatMap((method) => tuningRows(method, world.config));
  const config: StudyConfig = {
    ...world.config,
    ...await world.base("1", { run, reporter }),
    seed: TUNING_SEED,
    prompts: { ...world.config.prompts, heldOut: 1, whole: 1 },
    tuned: Object.fromEntries(all.map(({ row, setting }) => [row, setting])),
  };
  const stages = { world, config, reporter, also: [] };
  const rows = all.map(({ row }) => row);
  const wait = (what: string) => () => reporter.log(`another process has ${what}: waiting`);
  await makeFolder(path);
  {
    using _lock = await lockFolder(path, { waiting: wait(path) });
    await stagesIn(path, { ...stages, rows, before: true });
  }
  const folder: StudyFolder = new RunFolder(path, []);
  await shareWork(rows, {
    folderOf: folder.folderOf,
    isDone: async (row) => await folder.result(row) !== null,
    work: (row) => stagesIn(path, { ...stages, rows: [row] }),
    waiting: (row) => wait(folder.folderOf(row))(),
  });
}

const tuningPath = (run: string) => `${run}/tuning`;

/** What was tried, of the methods whose settings are all tried. */
export async function triedIn(
  run: string,
  world: LeagueWorld,
  methods: readonly StudyMethod[],
): Promise<Tried[]> {
  const folder: StudyFolder = new RunFolder(tuningPath(run), []);
  const tried = await Promise.all(methods.map(async (method) => {
    const rows = await Promise.all(
      tuningRows(method, world.config).map(async ({ row, setting }, number) => {
        if (await folder.result(row) === null) return null;
        const points = await pointsIn(folder.folderOf(row));
        return triedOf(method, { setting: { ...setting, number }, points });
      }),
    );
    return rows.includes(null) ? [] : rows.flatMap((one) => one!);
  }));
  return tried.flat();
}

/** The rows that a run plays, with their settings. */
export function playedRows(
  { driven, everySetting, config }: LeagueWorld,
  { methods, tried, judges }: {
    methods: readonly StudyMethod[];
    tried: readonly Tried[];
    judges?: boolean;
  },
): ReturnType<typeof chosenRows> {
  return withEverySetting(withDriven(chosenRows(methods, tried, { judges }), driven), {
    methods: methods.filter((method) => everySetting?.includes(method)),
    study: config,
  });
}

/** One base and seed: the models that methods start from, judges, methods with the settings chosen, tournaments. */
export async function play(
  world: LeagueWorld,
  { base, seed }: LeagueRun,
  { run, path = runPath(run, { base, seed }), reporter, methods, tried, judges, extras, anew }:
    & LeagueOptions
    & {
      /** Folder of this run. @default one of its own by base and seed */
      path?: string;
      tried: readonly Tried[];
      /** Whether the settings that the judge chose are played, too. @default true */
      judges?: boolean;
      /** Whether the world's extra stages are run, too. */
      extras: boolean;
      /** How the command starts anew. @default the user deletes folders */
      anew?: Anew;
    },
): Promise<void> {
  const { rows, tuned } = playedRows(world, { methods, tried, judges });
  const config: StudyConfig = {
    ...world.config,
    ...await world.base(base, { run, reporter }),
    ...{ seed, tuned },
  };
  await stagesIn(path, {
    ...{ world, config, reporter, rows, anew },
    also: [...world.stages, ...extras ? world.extras : []],
  });
}

/** One base and seed: judge quality against the number of pairs. */
export async function playCurve(
  world: LeagueWorld,
  { base, seed }: LeagueRun,
  { run, reporter }: Pick<LeagueOptions, "run" | "reporter">,
): Promise<void> {
  const config: StudyConfig = {
    ...world.config,
    ...await world.base(base, { run, reporter }),
    seed,
  };
  await stagesIn(runPath(run, { base, seed }), {
    ...{ world, config, reporter },
    rows: [],
    also: world.curve,
  });
}

/** Runs rows, what they need, and other stages whose needs are there. */
async function stagesIn(
  path: string,
  { world, config, reporter, rows, also, before = false, anew = "by hand" }: {
    world: LeagueWorld;
    config: StudyConfig;
    reporter: Reporter;
    rows: readonly Parameters<typeof methodStages>[0][number][];
    also: readonly StudyStage[];
    /** Whether only what the rows need is run. @default false */
    before?: boolean;
    /** How the command starts anew. @default the user deletes folders */
    anew?: Anew;
  },
): Promise<void> {
  const methods = methodStages(rows);
  // In this order: what methods start from, the methods, and what is measured of them.
  const first = world.stages.filter(({ needs }) => needs.length === 0);
  const rest = world.stages.filter((stage) => !first.includes(stage));
  const all = [...first, ...methods, ...rest, ...world.extras, ...world.curve];
  const there = (stage: StudyStage): boolean =>
    stage.needs.every((need) => {
      const found = all.find(({ name }) => name === need);
      return found !== undefined && there(found);
    });
  for (const { name, needs } of methods.filter((stage) => !there(stage))) {
    reporter.log(
      `${name} is left out: it needs ${needs.join(", ")}, and not all of that is played`,
    );
  }
  const stages = withNeeds([...methods, ...also].filter(there), all);
  const folder: StudyFolder = new RunFolder(path, stages, { anew });
  await folder.check(stages, { config });
  const session = world.session(config, folder.folderOf);
  try {
    const own = stages.filter((stage) => !(before && methods.includes(stage)));
    await folder.run(own, { config, session, reporter });
  } finally {
    session.dispose();
  }
}

/**
 * SELF-JUDGE on a real model and real preferences, stage by stage.
 *
 *     deno task align --model PATH_OR_HUB_NAME --data pairs.jsonl
 *
 * @module
 */
import { basename, resolve } from "node:path";
import {
  lockFolder,
  makeFolder,
  readJsonFile,
  removeIfThere,
  writeJsonFile,
} from "../base/files.ts";
import { checkElsewhere, readCluster, runElsewhere } from "../engine/mod.ts";
import { ALIGN_STAGES as STAGES, alignFolder } from "../run/align.ts";
import { resolveConfig, type RunConfig } from "../run/config.ts";
import { contentsNamedIn } from "../run/contents.ts";
import { writeModelCards } from "../run/model_card.ts";
import { checkData, locateData } from "../run/source.ts";
import { discriminator } from "../judges/discriminator.ts";
import { checkJudge, JUDGE_SPECS, openJudge } from "../judges/open_judge.ts";
import { checkRounds, methodNamed } from "../method/mod.ts";
import { checkGivenJudges, type OpenRanker } from "../run/given_judge.ts";
import type { RunStage } from "../run/pipeline.ts";
import { expectedText, modelConfigOf } from "../run/plan.ts";
import { OURS, type Recipe, RECIPES } from "../run/recipe.ts";
import { Session } from "../run/session.ts";
import { type RunFolder, stageNamed } from "../run/run_folder.ts";
import { terminalReporter } from "../run/terminal_reporter.ts";
import { writeSummary } from "../run/stages/report.ts";
import { versions } from "../run/versions.ts";
import { measureMachine, startEngine, useCompiledSteps } from "../tensor/mod.ts";
import { parseCommand, runCommand, shellWords, stopOnInterrupt, taskCommand } from "./command.ts";
import { configFlag, outputFile, repeated, runFlag, seedFlag, setFlag } from "./flags.ts";
import { calledBy, type SettingOptions, settingsOf } from "./align_settings.ts";
import { engineFlag } from "./engine_flag.ts";
import { settingsHelp, writeSettings } from "./settings_help.ts";

interface AlignOptions extends SettingOptions {
  stage?: string;
  run?: string;
  fresh: boolean;
  printConfig?: string | true;
  dryRun: boolean;
  engine?: string;
}

export function parse(args: string[]): AlignOptions {
  const command = taskCommand("align", "--model PATH_OR_HUB_NAME --data pairs.jsonl")
    .description("Runs SELF-JUDGE: JSFT, the judge measured, self-training, self-rejection.")
    .option(
      "--recipe <name>",
      `settings to begin with: ${Object.keys(RECIPES).join(", ")}, or a file as in data/recipes`,
      "ours",
    )
    .option(
      "--scale <name>",
      "smoke, small or full of ours (default small), smoke or full of the paper's (default full)",
    )
    .option(
      "--stage <names>",
      `only these, comma-separated: ${STAGES.map((s) => s.name).join(", ")}`,
    )
    .addOption(runFlag("runs/[RECIPE-]SCALE-sSEED, by --config runs/FILE-sSEED"))
    .option("--model <spec>", "local folder or file, or a name on the Hugging Face Hub")
    .addOption(repeated(
      "--data <spec>",
      "local file, or a named set such as hh-rlhf/harmless-base/test; SPEC=answers or SPEC=judgments " +
        "has it teach one of the two",
    ))
    .option("--ranker <judge>", `who ranks for the method oaif: ${JUDGE_SPECS.join(" | ")}`)
    .option(
      "--gold <judge>",
      "who gives gold labels, for the methods d2po, d2po-dpo and d2po-self; as --ranker",
    )
    .addOption(seedFlag())
    .addOption(configFlag())
    .addOption(setFlag())
    .addOption(engineFlag("answers, verdicts and training by the servers and the trainer"))
    .option("--dry-run", "say what memory and time the stages will need, and run nothing", false)
    .option("--fresh", "delete the chosen stages' results and start them anew", false)
    .addOption(
      outputFile("--print-config [file]", "write the settings to a file to edit, and run nothing"),
    )
    .addHelpText("after", () => settingsHelp(resolveConfig(null)));
  return parseCommand(command, args).opts<AlignOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const { recipe, label, config } = await settingsOf(options);
  checkGivenJudges(config);
  const { method, roundSteps } = config.selfJudge;
  checkRounds(methodNamed(method), { name: method, roundSteps });
  const wanted = options.stage?.split(",").map((name) => stageNamed(name.trim(), STAGES));
  const stages = STAGES.filter((stage) => wanted?.includes(stage) ?? true);
  const cluster = options.engine === undefined ? null : await readCluster(options.engine);
  if (options.printConfig !== undefined) {
    const file = options.printConfig === true ? "runs/settings.json" : options.printConfig;
    return await writeSettings(file, config);
  }

  if (options.dryRun) return await dryRun(config, stages);

  const folder = alignFolder(options.run ?? `runs/${calledBy(label)}-s${config.seed}`, {
    contents: await contentsNamedIn(config),
  });
  await folder.check(stages, { config, fresh: options.fresh });
  await folder.checkOthers(stages, config);
  if (cluster !== null) {
    const done = await Promise.all(stages.map(({ name }) => folder.result(name)));
    const toRun = stages.map(({ name }) => name).filter((_, i) => options.fresh || !done[i]);
    await checkElsewhere(config, { cluster, folder: resolve(folder.path), toRun });
  }
  await makeFolder(folder.path);
  using _lock = await lockFolder(folder.path);
  const told = { log: (line: string) => console.log(`  ${line}`) };
  for (const spec of givenJudges(config)) await checkJudge(spec, told);
  if (options.fresh) {
    // What is not there, or no model to talk to, is told before anything is deleted.
    await new Session(config, folder.folderOf, told.log).language();
    if (stages.some(({ name }) => name === "data")) {
      for (const { source } of config.data.sources) await locateData(source, told);
    }
    for (const { name } of stages) await removeIfThere(folder.folderOf(name));
  }
  const engine = await startEngine();
  if (!config.compile) useCompiledSteps(false);
  console.log(
    `run folder ${folder.path}, recipe ${label.recipe}, scale ${label.scale}, seed ${config.seed}`,
  );
  console.log(`engine ${engine.backend} on ${engine.device}: ${engine.reason}`);
  const before = await readJsonFile<{ begun?: string }>(`${folder.path}/run.json`);
  const record = {
    ...label,
    begun: before?.begun ?? new Date().toISOString(),
    command: Deno.args,
    versions: versions(engine),
    config,
    // Without keys: a cluster's settings hold the names of their variables alone.
    ...(cluster !== null && { engine: cluster }),
  };
  await writeJsonFile(`${folder.path}/run.json`, record);

  const reporter = terminalReporter(stopOnInterrupt());
  const log = (line: string) => reporter.log(`  ${line}`);
  const folderOf = (stage: string) => resolve(folder.folderOf(stage));
  const { session, stages: planned } = cluster === null
    ? { session: new Session(config, folder.folderOf, log), stages }
    : runElsewhere(cluster, {
      ...{ config, folderOf, log, stages },
      run: basename(resolve(folder.path)),
    });
  session.begun = new Date(record.begun);
  session.openRanker = rankerOpener(config, log);
  session.discriminatorOf = discriminator;
  try {
    await folder.run(planned, { config, session, reporter });
  } finally {
    session.dispose();
  }
  await writeModelCards(folder.path);
  console.log("\n" + await writeSummary(folder));
  console.log(next(folder, stages, options, { recipe, method: config.selfJudge.method }));
}

/** The judges from outside of the run that its settings name. */
function givenJudges({ selfJudge: { ranker, gold } }: Readonly<RunConfig>): string[] {
  return [ranker, gold].filter((spec) => spec !== null);
}

/** Opens judges from outside of the run, which are asked by its own settings. */
function rankerOpener(config: Readonly<RunConfig>, log: (line: string) => void): OpenRanker {
  return async (spec, { cacheFile }) => {
    const { judge, fingerprint, notes, dispose } = await openJudge(spec, {
      ...{ seed: config.seed, pairs: [], positions: "unknown", onBadLine: "fail" },
      ...{ config, cacheFile, log },
    });
    log(`judged by ${judge.name}, fingerprint ${fingerprint}`);
    return {
      name: judge.name,
      fingerprint,
      compare: judge.compare,
      promptsFor: judge.promptsFor,
      dispose: () => {
        for (const note of notes?.() ?? []) log(`${judge.name}: ${note}`);
        dispose?.();
      },
    };
  };
}

/** Says what some stages of a run will need. */
async function dryRun(config: Readonly<RunConfig>, stages: readonly RunStage[]): Promise<void> {
  for (const { source } of config.data.sources) await checkData(source);
  const model = await modelConfigOf(config.model, { log: (line) => console.log(line) });
  const engine = await startEngine();
  console.log(`${config.model} on ${engine.backend}, ${engine.device}\n`);
  console.log(
    expectedText(model, {
      config,
      machine: await measureMachine(),
      stages: stages.map(({ name }) => name),
    }),
  );
  for (const spec of givenJudges(config)) {
    console.log(`memory and time of the judge ${spec} come on top of these`);
  }
}

function next(
  folder: RunFolder<Readonly<RunConfig>>,
  stages: readonly RunStage[],
  options: AlignOptions,
  { recipe, method }: { recipe: Recipe; method: string },
): string {
  const following = STAGES[STAGES.indexOf(stages.at(-1)!) + 1];
  if (following) return `next: ${commandLine({ ...options, stage: following.name })}`;
  const whole = { ...options, stage: undefined };
  /** The same by another method, in a folder beside. */
  const by = (other: string, name: string, without: Partial<AlignOptions> = {}) =>
    commandLine({
      ...whole,
      ...without,
      set: [...options.set, `selfJudge.method=${other}`],
      run: `${folder.path}-${name}`,
    });
  const scales = Object.keys(recipe.scales);
  const larger = options.config === undefined
    ? scales[scales.indexOf(options.scale ?? recipe.scale) + 1]
    : undefined;
  // The settings were meant for this scale's size.
  const grown = { ...whole, scale: larger, run: undefined, config: undefined, set: [] };
  return [
    `everything is in ${folder.path}: summary.md, and a folder a stage`,
    ...[
      ...method === "self-judge" ? [by("self-judge-soft", "soft")] : [],
      by("offline-dpo", "offline", { ranker: undefined, gold: undefined }), // it asks no judge
      ...larger ? [commandLine(grown)] : [],
    ].map((line, i) => `${i === 0 ? "next:" : "  or:"} ${line}`),
  ].join("\n");
}

/** The command that has these options, to be pasted into a shell. */
function commandLine(
  { recipe, scale, model, data, ranker, gold, seed, config, engine, run, stage, set }: AlignOptions,
): string {
  const chosen = recipe === OURS.name ? undefined : recipe;
  const size = scale ?? (config === undefined ? RECIPES[recipe]?.scale : undefined);
  const named = Object.entries({
    recipe: chosen,
    scale: size,
    model,
    ranker,
    gold,
    seed,
    config,
    engine,
    run,
    stage,
  })
    .flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, String(value)]);
  const words = [
    ...named,
    ...data.flatMap((source) => ["--data", source]),
    ...set.flatMap((setting) => ["--set", setting]),
  ];
  return `deno task align ${shellWords(words)}`;
}

if (import.meta.main) await runCommand(main);

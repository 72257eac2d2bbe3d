/**
 * The main job: every claim of the paper tested in a small world whose true reward is known.
 *
 *     deno task start
 *
 * @module
 */
import { Command } from "commander";
import { UserError } from "../base/error.ts";
import { parseCommand, runCommand, stopOnInterrupt } from "./command.ts";
import { outputFolder, runFlag, scaleFlag, wholeNumbers } from "./flags.ts";
import { writeJsonFile, writeWhole } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import { RunFolder, terminalReporter } from "../run/stage.ts";
import { versions } from "../run/versions.ts";
import { DATA_FOLDER } from "../lab/world/data.ts";
import { startEngine } from "../tensor/mod.ts";
import { DeskSession } from "../lab/study/session.ts";
import { CLAIMS } from "../lab/study/claims.ts";
import { STUDY_SCALES, type StudyConfig, type StudyScale } from "../lab/study/config.ts";
import { fingerprint } from "../lab/study/fingerprint.ts";
import { claimsTable, gather } from "../lab/study/results.ts";
import { stagesFor } from "../lab/study/stages.ts";

interface StartOptions {
  scale: StudyScale;
  seeds?: number[];
  claims?: number[];
  run?: string;
  base?: string;
  out?: string;
  fresh: boolean;
}

function parse(args: string[]): StartOptions {
  const command = new Command("deno task start")
    .description(
      "Tests the paper's claims in the order desk's world. Your own model and data: deno task align.",
    )
    .addOption(scaleFlag(Object.keys(STUDY_SCALES)))
    .option("--seeds <numbers>", "training seeds, comma-separated", wholeNumbers("--seeds"))
    .option("--claims <numbers>", "only these claims, comma-separated", wholeNumbers("--claims"))
    .addOption(runFlag("runs/order-desk-SCALE"))
    .option("--base <folder>", "base model; default data/world/base")
    .addOption(outputFolder("--out <folder>", "where the tables go; default RUN/results"))
    .option("--fresh", "delete the run folder and start anew", false);
  return parseCommand(command, args).opts<StartOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const scale = STUDY_SCALES[options.scale];
  const claims = options.claims ?? scale.claims;
  const unknown = claims.find((claim) => !CLAIMS.some(({ number }) => number === claim));
  if (unknown !== undefined) {
    throw new UserError(
      `there is no claim ${unknown}`,
      `choose from ${CLAIMS.map(({ number }) => number).join(", ")}`,
    );
  }
  const seeds = options.seeds ?? Array.from({ length: scale.seeds }, (_, i) => i + 1);
  const base = options.base ?? scale.config.base;
  const settings: Omit<StudyConfig, "seed"> = {
    ...scale.config,
    base,
    world: await fingerprint(base, DATA_FOLDER),
  };
  const run = options.run ?? `runs/order-desk-${options.scale}`;
  const stages = stagesFor(claims, settings);
  const folders = seeds.map((seed) => ({ seed, path: `${run}/seed-${seed}` }));
  if (options.fresh) await Deno.remove(run, { recursive: true }).catch(() => {});
  const started = performance.now();
  const engine = await startEngine();
  console.log(`run folder ${run}, claims ${claims.join(", ")}, seeds ${seeds.join(", ")}`);
  console.log(`engine ${engine.backend} on ${engine.device}: ${engine.reason}`);
  const record = { command: Deno.args, seeds, claims, versions: versions(engine), settings };
  await writeJsonFile(`${run}/run.json`, record);

  const reporter = terminalReporter(stopOnInterrupt());
  for (const [i, { seed, path }] of folders.entries()) {
    console.log(`\nseed ${seed} (${i + 1} of ${seeds.length})`);
    const config: StudyConfig = { ...settings, seed };
    const folder = new RunFolder<StudyConfig, DeskSession>(path, stages);
    await folder.check(stages, { config });
    const session = new DeskSession(config, folder.folderOf);
    try {
      await folder.run(stages, { config, session, reporter });
    } finally {
      session.dispose();
    }
  }
  const out = options.out ?? `${run}/results`;
  const outcomes = await gather(folders, { out, config: settings });
  const table = claimsTable(outcomes);
  await writeWhole(`${out}/claims.md`, `${table}\n`);
  console.log(`\n${table}\n`);
  console.log(`took ${duration((performance.now() - started) / 1000)}; tables in ${out}`);
  console.log(`next: deno task figures ${run}`);
  if (options.scale !== "full") {
    console.log("  or: deno task start --scale full (all claims, five seeds, some hours)");
  }
}

if (import.meta.main) await runCommand(main);

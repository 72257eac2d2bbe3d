/**
 * Trains the world's base model on answers of every quality and on reading exercises, without any
 * preference, and puts it under data/world/base.
 *
 *     deno task pretrain
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { writeCsv, writeJsonFile } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import { makeBase } from "../lab/world/make_base.ts";
import { exerciseAccuracy, PRETRAINING, TAUGHT } from "../lab/world/pretrain.ts";
import { terminalReporter } from "../run/terminal_reporter.ts";
import { versions } from "../run/versions.ts";
import { startEngine } from "../tensor/mod.ts";
import { parseCommand, runCommand, stopOnInterrupt, taskCommand } from "./command.ts";
import { outputFolder, runFlag, seedFlag, shareOf } from "./flags.ts";

interface PretrainOptions {
  share: number;
  views: number;
  seed: number;
  run?: string;
  out: string;
}

export function parse(args: string[]): PretrainOptions {
  const command = taskCommand("pretrain", "--share 0.01 --out runs/base-of-mine")
    .description("Trains the order desk's base model; Ctrl-C stops, the same command resumes.")
    .option("--share <number>", "share of the usual steps, for a quick look", shareOf("--share"), 1)
    .option(
      "--views <number>",
      `points of view that its lessons teach: ${Object.keys(TAUGHT).join(", ")}`,
      taughtViews,
      5,
    )
    .addOption(seedFlag(1))
    .addOption(runFlag("runs/base"))
    .addOption(
      outputFolder("--out <folder>", "where the base model goes").default("data/world/base"),
    );
  return parseCommand(command, args).opts<PretrainOptions>();
}

/** A number of taught views. */
function taughtViews(value: string): number {
  if (Object.hasOwn(TAUGHT, value)) return Number(value);
  throw new InvalidArgumentError(`choose from ${Object.keys(TAUGHT).join(", ")}`);
}

async function main(): Promise<void> {
  const { share, seed, views: taught, run = "runs/base", out } = parse(Deno.args);
  const engine = await startEngine();
  const reporter = terminalReporter(stopOnInterrupt());
  const steps = Math.ceil(PRETRAINING.steps * share);
  const { model, rows } = await makeBase(out, {
    ...{ seed, views: taught, steps, reporter },
    training: run,
  });
  const views = TAUGHT[taught];
  const accuracy = await exerciseAccuracy(model, { views, exercises: 400, seed: 1 });
  if (taught > 0) console.table(accuracy);
  // Means over 25 steps: the log is read as a curve.
  const means = Array.from({ length: Math.ceil(rows.length / 25) }, (_, i) => {
    const part = rows.slice(25 * i, 25 * (i + 1));
    const mean = (name: string) => part.reduce((sum, row) => sum + row[name], 0) / part.length;
    return {
      step: part.at(-1)!.step,
      loss: mean("loss"),
      answerLoss: mean("answerLoss"),
      ...(taught > 0 && { comparisonLoss: mean("comparisonLoss") }),
      learningRate: part.at(-1)!.learningRate,
    };
  });
  await writeCsv(`${out}/log.csv`, means);
  const record = {
    command: ["deno task pretrain", ...Deno.args].join(" "),
    seed,
    ...{ views, ...PRETRAINING, steps },
    hours: rows.reduce((sum, row) => sum + row.seconds, 0) / 3600,
    versions: versions(engine),
    exerciseAccuracy: accuracy,
  };
  await writeJsonFile(`${out}/base.json`, record);
  console.log(
    `base model in ${out}, ${duration(rows.reduce((sum, row) => sum + row.seconds, 0))}`,
  );
  console.log("next: deno task start");
  model.dispose();
}

if (import.meta.main) await runCommand(main);

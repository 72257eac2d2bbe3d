/**
 * Measures this engine against PyTorch and transformers, both in one run, in turns.
 *
 *     deno task bench --case judging --reps 3 --csv none
 *
 * @module
 */
import { version as tfjs } from "@tensorflow/tfjs";
import { Option } from "commander";
import { availableParallelism, cpus, loadavg } from "node:os";
import { UserError } from "../base/error.ts";
import { checkOutput } from "../base/outputs.ts";
import { writeCsv } from "../base/files.ts";
import { rewriteLine } from "../base/progress.ts";
import { textTable } from "../base/text_table.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { repeated, wholeNumber } from "./flags.ts";
import { compiledSteps, startEngine, useCompiledSteps } from "../tensor/mod.ts";
import type { SpeedCase } from "../tools/speed/case.ts";
import { compareAlign } from "../tools/speed/align_side_by_side.ts";
import { CASES } from "../tools/speed/cases.ts";
import { measureParts } from "../tools/speed/parts.ts";
import { interleave, type Side } from "../tools/speed/measure.ts";
import {
  growthTable,
  rowsOf,
  saveRows,
  type SpeedRow,
  table as rateTable,
} from "../tools/speed/report.ts";
import { referencePython } from "../tools/speed/venv.ts";
import { ReferenceWorker } from "../tools/speed/worker.ts";

interface SpeedOptions {
  case: string[];
  reps: number;
  warmups: number;
  torchCompile: boolean;
  parts: boolean;
  align: boolean;
  model: string;
  data: string;
  steps: string;
  csv?: string;
}

export function parse(args: readonly string[]): SpeedOptions {
  const command = taskCommand("bench", "--case judging --reps 3 --csv none")
    .description("Measures this engine against PyTorch and transformers, in turns.")
    .addOption(
      repeated("--case <name>", `only this one: ${CASES.map(({ name }) => name).join(", ")}`)
        .conflicts(["align", "parts"]),
    )
    .option("--reps <number>", "rounds that count", wholeNumber("--reps", 1), 5)
    .option("--warmups <number>", "rounds before them", wholeNumber("--warmups"), 3)
    .addOption(
      new Option("--torch-compile", "PyTorch under torch.compile too: a minute or two more a case")
        .conflicts(["align", "parts"]),
    )
    .option(
      "--align",
      "a whole run beside the same work by transformers, PEFT and TRL (its own table)",
    )
    .option("--model <spec>", "of --align", "HuggingFaceTB/SmolLM2-135M-Instruct")
    .option("--data <spec>", "of --align", "hh-rlhf/harmless-base/test")
    .option("--steps <jsft,self-training>", "of --align: optimiser steps of both", "10,5")
    .option("--parts", "our side alone: the time of a step by part, for data/results/step-time.csv")
    .option(
      "--csv <file>",
      'where the rows go, or "none"; default data/results/bench.csv',
      (path) => {
        if (path !== "none") checkOutput(path, { flag: "--csv", kind: "file" });
        return path;
      },
    );
  return parseCommand(command, args).opts<SpeedOptions>();
}

/** The cases of these names, or all. @throws {UserError} for a name that there is not */
function casesNamed(names: readonly string[]): readonly SpeedCase[] {
  const all = CASES.map(({ name }) => name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new UserError(`--case "${unknown}" is unknown`, `take one of ${all.join(", ")}`);
  }
  return CASES.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** The sides of one case in turns: ours compiled and op by op, PyTorch as usual, tuned, under torch.compile. */
async function measure(
  one: SpeedCase,
  { worker, reps, warmups, torchCompile }: SpeedOptions & { worker: ReferenceWorker },
): Promise<SpeedRow[]> {
  const prepared = await one.prepare();
  const { on } = compiledSteps();
  const ours = (compiled: boolean): Side => async () => {
    useCompiledSteps(compiled);
    const start = performance.now();
    const items = await prepared.run();
    return { seconds: (performance.now() - start) / 1000, items };
  };
  const reference = (more: Record<string, number> = {}): Side => () =>
    worker.run(one.reference ?? one.name, { ...one.args, ...more });
  const theirs: Record<string, Side> = {
    usual: reference(),
    ...(one.tuned && { tuned: reference(one.tuned) }),
    ...(one.compiles && torchCompile &&
      { "torch.compile": reference({ ...one.tuned, compiled: 1 }) }),
  };
  const sides: Record<string, Side> = {
    ours: ours(true),
    ...(one.compiles && on && { "ours op by op": ours(false) }),
    ...Object.fromEntries(Object.entries(theirs).map(([how, side]) => [`PyTorch ${how}`, side])),
  };
  const names = Object.keys(sides);
  try {
    const rates = await interleave(Object.values(sides), {
      reps,
      warmups,
      onRepetition: (side, round) =>
        rewriteLine(
          `${one.name}: ${round < 0 ? "warm-up" : `${round + 1}/${reps}`}, ${names[side]}`,
        ),
    });
    const rate = (name: string) => rates[names.indexOf(name)];
    return rowsOf(one, {
      ours: rate("ours"),
      eager: rate("ours op by op"),
      theirs: Object.fromEntries(Object.keys(theirs).map((how) => [how, rate(`PyTorch ${how}`)])),
    });
  } finally {
    useCompiledSteps(true);
    prepared.close();
    rewriteLine("");
  }
}

/** `--align`. @throws {UserError} for steps that are not two numbers */
async function alignBesideTrl(
  { model, data, steps: words }: SpeedOptions,
  csv: string | null,
): Promise<void> {
  const [jsftSteps, steps] = words.split(",").map(Number);
  if (![jsftSteps, steps].every((count) => Number.isInteger(count) && count > 0)) {
    throw new UserError(`--steps is "${words}"`, "give two whole numbers, such as --steps 10,5");
  }
  const python = await referencePython({
    ...{ folder: ".reference/venv-trl", device: "cpu", log: console.error },
    requirements: "requirements-trl.txt",
  });
  const threads = availableParallelism();
  await compareAlign({ python, model, data, jsftSteps, steps, threads, csv });
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const { reps } = options;
  const cases = casesNamed(options.case);
  const table = options.align ? "bench-align" : options.parts ? "step-time" : "bench";
  const csv = options.csv === "none" ? null : options.csv ?? `data/results/${table}.csv`;
  if (options.align) return await alignBesideTrl(options, csv);
  const engine = await startEngine();
  if (options.parts) {
    const rows = await measureParts(options);
    console.log(textTable([Object.keys(rows[0]), ...rows.map((row) => Object.values(row))]));
    if (csv !== null) await writeCsv(csv, rows);
    return;
  }
  const device = engine.device === "gpu" ? "cuda" : "cpu";
  const python = await referencePython({ folder: ".reference/venv", device, log: console.error });
  const cores = availableParallelism();
  const load = loadavg()[0];
  if (load > cores / 2) {
    console.error(
      `The machine is busy (load ${load.toFixed(1)} on ${cores} cores): expect spread.`,
    );
  }
  const worker = new ReferenceWorker(python, { device });
  try {
    const theirs = await worker.versions();
    const versions = {
      machine: cpus()[0]?.model.trim() ?? Deno.build.arch,
      cores,
      load: load.toFixed(1), // a busy machine hurts the threads of PyTorch more than ours
      device,
      backend: engine.backend,
      engine: engine.version,
      tfjs: tfjs.tfjs,
      deno: Deno.version.deno,
      ...theirs,
    };
    console.log(Object.entries(versions).map(([name, value]) => `${name} ${value}`).join(", "));
    const rows: SpeedRow[] = [];
    for (const one of cases) {
      rows.push(...await measure(one, { ...options, worker }));
      if (csv !== null) await saveRows(csv, { rows, versions });
    }
    console.log(
      `\nRates: higher is better. ${reps} rounds, both sides in turns, ${cores} threads each.\n`,
    );
    console.log(rateTable(rows));
    const growth = growthTable(rows, cases);
    if (growth) console.log(`\nTimes as long as the smaller case:\n\n${growth}`);
    if (csv !== null) console.log(`\nWritten to ${csv}`);
  } finally {
    await worker.close();
  }
}

if (import.meta.main) await runCommand(main);

/**
 * Measures this engine against PyTorch and transformers, both in one run, in turns.
 *
 *     deno run -A lib/cli/speed.ts [--case NAME]... [--reps 5] [--warmups 1] [--csv FILE | --csv none]
 */
import { version as tfjs } from "@tensorflow/tfjs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { UserError } from "../base/error.ts";
import { rewriteLine } from "../base/progress.ts";
import { startEngine } from "../tensor/mod.ts";
import type { BenchCase } from "../tools/speed/case.ts";
import { CASES } from "../tools/speed/cases.ts";
import { interleave, type Side } from "../tools/speed/measure.ts";
import { type BenchRow, rowsOf, table, writeCsv } from "../tools/speed/report.ts";
import { referencePython } from "../tools/speed/venv.ts";
import { ReferenceWorker } from "../tools/speed/worker.ts";

const SIDES = ["ours", "PyTorch", "PyTorch tuned"];

/** What the command line asks for. */
interface BenchSettings {
  readonly cases: readonly BenchCase[];
  readonly reps: number;
  readonly warmups: number;
  /** Where the rows go; null: nowhere. */
  readonly csv: string | null;
}

/** @throws {UserError} An unknown option or case, or a count that is none. */
function settings(args: readonly string[]): BenchSettings {
  const { values } = read(args);
  const names = CASES.map((one) => one.name);
  for (const name of values.case) {
    if (!names.includes(name)) {
      throw new UserError(`--case "${name}" is unknown`, `take one of ${names.join(", ")}`);
    }
  }
  const count = (option: "reps" | "warmups", least: number) => {
    const n = Number(values[option]);
    if (Number.isInteger(n) && n >= least) return n;
    throw new UserError(`--${option} "${values[option]}" is no count`, `give ${least} or more`);
  };
  return {
    cases: CASES.filter((one) => values.case.length === 0 || values.case.includes(one.name)),
    reps: count("reps", 1),
    warmups: count("warmups", 0),
    csv: values.csv === "none" ? null : values.csv,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        case: { type: "string", multiple: true, default: [] },
        reps: { type: "string", default: "5" },
        warmups: { type: "string", default: "1" },
        csv: { type: "string", default: "data/results/bench.csv" },
      },
    });
  } catch (error) {
    throw new UserError(
      (error as Error).message,
      "the options are --case, --reps, --warmups, --csv",
    );
  }
}

/** Both sides of one case in turns. */
async function measure(
  one: BenchCase,
  { worker, reps, warmups }: { worker: ReferenceWorker; reps: number; warmups: number },
): Promise<BenchRow[]> {
  const prepared = await one.prepare();
  const ours: Side = async () => {
    const start = performance.now();
    const items = await prepared.run();
    return { seconds: (performance.now() - start) / 1000, items };
  };
  const sides: Side[] = [ours, () => worker.run(one.name, one.args)];
  if (one.tuned) sides.push(() => worker.run(one.name, { ...one.args, ...one.tuned }));
  try {
    const rates = await interleave(sides, {
      reps,
      warmups,
      onRepetition: (side, round) =>
        rewriteLine(
          `${one.name}: ${round < 0 ? "warm-up" : `${round + 1}/${reps}`}, ${SIDES[side]}`,
        ),
    });
    return rowsOf(one, rates);
  } finally {
    prepared.close();
    rewriteLine("");
  }
}

/** The command. */
async function main(args: readonly string[]) {
  const { cases, reps, warmups, csv } = settings(args);
  const engine = await startEngine();
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
    const rows: BenchRow[] = [];
    for (const one of cases) {
      rows.push(...await measure(one, { worker, reps, warmups }));
      if (csv !== null) await writeCsv(csv, { rows, versions });
    }
    console.log(
      `\nRates: higher is better. ${reps} rounds, both sides in turns, ${cores} threads each.\n`,
    );
    console.log(table(rows));
    if (csv !== null) console.log(`\nWritten to ${csv}`);
  } finally {
    await worker.close();
  }
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

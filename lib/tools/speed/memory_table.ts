/**
 * Measured peak memory and time beside what the formulas expect, one process a case:
 *
 *     deno run -A lib/tools/speed/memory_table.ts [--csv data/results/memory.csv]
 *
 * With `--compiled`, LoRA steps op by op and compiled, into `data/results/memory-compiled.csv`: what a function holds inside
 * is in the process's peak alone.
 *
 * Linux only. `tensors_gb` counts the bytes of TensorFlow's tensors, which is what the formula speaks of; `process_gb` is
 * the kernel's peak (VmHWM) less what the process had before the model was made: allocators, libraries' own copies and
 * garbage come on top. The arrays that weights were made of are collected before it is taken.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeCsv } from "../../base/files.ts";
import { Rng } from "../../base/random.ts";
import { type Example, gradientsOf, supervisedBatches } from "../../method/mod.ts";
import {
  expectedMemory,
  expectedTime,
  generate,
  LanguageModel,
  LORA_DEFAULTS,
  LoraAdapter,
  nextTokenProbabilities,
  parameterCounts,
  trainable,
  type Workload,
} from "../../model/mod.ts";
import { AdamW, compile, type Machine, measureMachine, startEngine } from "../../tensor/mod.ts";
import { tensorPeak } from "./tensor_peak.ts";
import { CALCULATED, COMPILED, MEASURED, type MemoryCase, MODELS } from "./memory_cases.ts";

/** What a child process finds. */
interface Measured {
  /** Bytes. */
  readonly tensors: number;
  readonly process: number;
  readonly seconds: number;
  readonly machine: Machine;
}

/** A figure of this process from the kernel, in bytes. */
function kernel(name: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
}

/** Runs a case in this process. */
async function measure(
  { model: name, residents, workload, compiled = false }: MemoryCase,
): Promise<Measured> {
  await startEngine();
  const config = MODELS[name];
  const rng = Rng.named(1, "memory");
  const before = kernel("VmRSS");
  let seconds = 0;
  const tensors = await tensorPeak(async () => {
    const model = LanguageModel.build(config, (name, shape) => {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      // A few random numbers repeated: the values do not matter, that they differ does.
      const some = Float32Array.from({ length: 997 }, () => (rng.uniform() - 0.5) * 0.07);
      for (let i = 0; i < values.length; i++) values[i] = name.includes("norm") ? 1 : some[i % 997];
      return values;
    }, residents);
    const { tuning } = residents;
    if (tuning !== "full" && tuning !== null) {
      model.adapter = LoraAdapter.create(config, { ...LORA_DEFAULTS, ...tuning }, rng);
    }
    const ids = (rows: number, length: number) =>
      Array.from({ length: rows }, () => Array.from({ length }, () => rng.int(config.vocabSize)));
    await nextTokenProbabilities(model, [[3, 4]], { tokens: [5] }); // the weights are in TensorFlow's hands
    (globalThis as { gc?: () => void }).gc?.();
    Deno.writeTextFileSync("/proc/self/clear_refs", "5"); // the peak counts from here
    const started = performance.now();
    await WORK[workload.work](model, ids, { ...workload, compiled } as never);
    seconds = (performance.now() - started) / 1000;
  });
  const peak = kernel("VmHWM") - before;
  return { tensors, process: peak, seconds, machine: await measureMachine() }; // last: it takes memory of its own
}

type Ids = (rows: number, length: number) => number[][];

const WORK: {
  [W in Workload["work"]]: (
    model: LanguageModel,
    ids: Ids,
    workload: Workload & { work: W; compiled: boolean },
  ) => Promise<void>;
} = {
  async train(model, ids, { rows, length, learned, steps, recompute, compiled }) {
    const gradient = compiled ? compile(gradientsOf, { name: "the gradient" }) : gradientsOf;
    const parameters = trainable(model);
    const optimizer = new AdamW(parameters.size);
    const from = length - learned / rows;
    for (let step = 0; step < steps; step++) {
      const [part] = supervisedBatches(
        ids(rows, length).map((ids): Example => ({ kind: "answer", ids, from })),
        {
          weighting: { mode: "token" },
          batching: "bucketed",
          microBatchTokens: rows * length,
        },
      );
      const found = gradient(part, { model, parameters, dropoutSeed: step, recompute });
      const { updated, norm } = optimizer.step(parameters.tensors(), found.gradients, 1e-5, {
        free: true,
      });
      parameters.replace(updated);
      await norm.data();
      tf.dispose([norm, Object.values(found.metrics)]);
    }
  },
  async score(model, ids, { rows, length, batches }) {
    await nextTokenProbabilities(model, ids(rows * batches, length), {
      tokens: [5, 6],
      batchTokens: rows * length,
    });
  },
  async sample(model, ids, { rows, prompt, newTokens, batches }) {
    await generate(model, ids(rows * batches, prompt), {
      maxNewTokens: newTokens,
      stopIds: [],
      seed: 1,
      batchRows: rows,
    });
  },
};

/** Runs a case in a process of its own. */
async function measuredApart(index: number): Promise<Measured> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--v8-flags=--expose-gc",
      fileURLToPath(import.meta.url),
      "--child",
      `${index}`,
    ],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`case ${index}: ${text(stderr)}`);
  return JSON.parse(text(stdout).trim().split("\n").at(-1)!);
}

/** A row of the table, without measurements where there are none. */
export function rowOf(
  memoryCase: MemoryCase,
  found: Measured | null,
): Record<string, string | number> {
  const { model, tuning, residents, workload } = memoryCase;
  const config = MODELS[model];
  const { bytes, phase } = expectedMemory(config, residents, workload);
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);
  const seconds = found && expectedTime(config, residents, { workload, machine: found.machine });
  const { work, rows } = workload;
  return {
    model,
    parameters: parameterCounts(config).all,
    tuning,
    frozen: tuning === "full" ? "" : residents.frozenDtype ?? "float32",
    other_models: residents.otherModels ?? 0,
    work,
    rows,
    length: workload.work === "sample" ? workload.prompt + workload.newTokens : workload.length,
    recompute: workload.work === "train" ? workload.recompute! : "",
    expected_gb: gigabytes(bytes),
    at: phase,
    tensors_gb: found ? gigabytes(found.tensors) : "",
    expected_over_tensors: found ? (bytes / found.tensors).toFixed(2) : "",
    process_gb: found ? gigabytes(found.process) : "",
    expected_s: seconds ? seconds.toFixed(1) : "",
    measured_s: found ? found.seconds.toFixed(1) : "",
    gflops: found ? (found.machine.flops / 1e9).toFixed(0) : "",
  };
}

/** A row of the table of compiled steps. */
export function compiledRow(
  { model, workload, compiled }: MemoryCase,
  { process, seconds }: Pick<Measured, "process" | "seconds">,
): Record<string, string | number> {
  const { rows, length, steps } = workload as Workload & { work: "train" };
  return {
    model,
    parameters: parameterCounts(MODELS[model]).all,
    step: compiled ? "compiled" : "op by op",
    rows,
    length,
    steps,
    process_gb: (process / 1e9).toFixed(2),
    measured_s: seconds.toFixed(1),
  };
}

if (import.meta.main) {
  const { values: { child, csv, compiled } } = parseArgs({
    args: Deno.args,
    options: {
      child: { type: "string" },
      csv: { type: "string" },
      compiled: { type: "boolean", default: false },
    },
  });
  const all = [...MEASURED, ...COMPILED];
  if (child !== undefined) console.log(JSON.stringify(await measure(all[Number(child)])));
  else {
    const rows: Record<string, string | number>[] = [];
    for (const one of compiled ? COMPILED : MEASURED) {
      const found = await measuredApart(all.indexOf(one));
      rows.push(compiled ? compiledRow(one, found) : rowOf(one, found));
      console.log(Object.values(rows.at(-1)!).join(" "));
    }
    if (!compiled) rows.push(...CALCULATED.map((memoryCase) => rowOf(memoryCase, null)));
    await writeCsv(csv ?? `data/results/memory${compiled ? "-compiled" : ""}.csv`, rows);
  }
}

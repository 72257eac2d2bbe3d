/** Where a step's time goes: the calls of tfjs's native binding, timed from outside. */
import * as tf from "@tensorflow/tfjs";
import { useCompiledSteps } from "../../tensor/mod.ts";
import type { Prepared } from "./case.ts";
import { SPECIFICATIONS } from "./cases.ts";
import { prepareLora, prepareSampling, prepareTrain } from "./model_cases.ts";

/** Milliseconds by part. */
export interface Parts {
  /** All that is not in the binding: the step's own JavaScript, tfjs, recording and comparing. */
  readonly javascript: number;
  /** Ops, one by one or as a function, with what the binding needs to start them. */
  readonly kernels: number;
  /** Numbers of JavaScript to tensors, and tensors deleted. */
  readonly toDevice: number;
  /** Tensors read. */
  readonly toHost: number;
}

/** The part that a call of the binding belongs to. */
const PART_OF: Readonly<Record<string, Exclude<keyof Parts, "javascript">>> = {
  executeOp: "kernels",
  runFunction: "kernels",
  createTensor: "toDevice",
  deleteTensor: "toDevice",
  tensorDataSync: "toHost",
};

type Call = (...args: unknown[]) => unknown;

/**
 * Does the work and answers how long each part of it took; the parts add up to the whole. On native TensorFlow, whose
 * calls return when the work is done.
 */
export async function partsOf(work: () => Promise<unknown>): Promise<Parts> {
  const backend = tf.backend() as unknown as { binding: Record<string, Call | undefined> };
  const { binding } = backend;
  const spent = { kernels: 0, toDevice: 0, toHost: 0 };
  const timed = Object.entries(PART_OF)
    .filter(([name]) => typeof binding[name] === "function")
    .map(([name, part]) => {
      const value: Call = (...args) => {
        const start = performance.now();
        try {
          return binding[name]!(...args);
        } finally {
          spent[part] += performance.now() - start;
        }
      };
      return [name, { value }];
    });
  backend.binding = Object.create(binding, Object.fromEntries(timed));
  const start = performance.now();
  try {
    await work();
  } finally {
    backend.binding = binding;
  }
  const total = performance.now() - start;
  return { javascript: total - spent.kernels - spent.toDevice - spent.toHost, ...spent };
}

/** All parts together. */
export function totalOf({ javascript, kernels, toDevice, toHost }: Parts): number {
  return javascript + kernels + toDevice + toHost;
}

const { train, lora, sampling } = SPECIFICATIONS;

/** What is measured, and how many items a run of it does. */
const WORKS: readonly { name: string; items: number; prepare: () => Promise<Prepared> }[] = [
  { name: "train step", items: 1, prepare: () => prepareTrain(train.args) },
  { name: "LoRA step", items: 1, prepare: () => prepareLora(lora.args) },
  {
    name: "sampled token, 8 rows",
    items: sampling.args.new_tokens,
    prepare: () => prepareSampling(sampling.args),
  },
];

/** Rows of `data/results/step-time.csv`: the run whose whole time is the middle one, milliseconds an item. */
export async function measureParts(
  { reps, warmups }: { reps: number; warmups: number },
): Promise<Record<string, string>[]> {
  const rows: Record<string, string>[] = [];
  for (const { name, items, prepare } of WORKS) {
    const prepared = await prepare();
    for (const compiled of [false, true]) {
      useCompiledSteps(compiled);
      for (let i = 0; i < warmups; i++) await prepared.run();
      const runs: Parts[] = [];
      for (let i = 0; i < reps; i++) runs.push(await partsOf(() => prepared.run()));
      const middle = runs.sort((a, b) => totalOf(a) - totalOf(b))[(reps - 1) >> 1];
      const ms = (value: number) => (value / items).toFixed(2);
      rows.push({
        work: name,
        step: compiled ? "compiled" : "op by op",
        javascript_ms: ms(middle.javascript),
        kernels_ms: ms(middle.kernels),
        to_device_ms: ms(middle.toDevice),
        to_host_ms: ms(middle.toHost),
        total_ms: ms(totalOf(middle)),
        reps: `${reps}`,
      });
    }
    useCompiledSteps(true);
    prepared.close();
  }
  return rows;
}

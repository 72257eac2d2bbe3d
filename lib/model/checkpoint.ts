import * as tf from "@tensorflow/tfjs";
import { exists } from "../base/disk.ts";
import { UserError } from "../base/error.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";
import type { Trainable } from "./trainable.ts";
import type { Optimizer } from "../tensor/mod.ts";

/** Where a training run stands: everything that a resumed run needs to continue as if it had never stopped. */
export interface CheckpointTarget {
  /** File; written whole or not at all. */
  path: string;
  /** Says which run it belongs to: a checkpoint of another one is refused. */
  config: string;
}

/**
 * Writes parameters, optimiser state and step as one safetensors file, atomically.
 *
 * @param state.step Steps taken; the optimiser's own count lags behind where a step had nothing to learn.
 */
export async function saveCheckpoint(
  { path, config }: CheckpointTarget,
  { parameters, optimizer, step }: { parameters: Trainable; optimizer: Optimizer; step: number },
): Promise<void> {
  const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
  const values = parameters.tensors();
  for (const [i, name] of parameters.names.entries()) {
    tensors[`parameter.${name}`] = {
      shape: values[i].shape,
      data: await values[i].data() as Float32Array,
    };
  }
  const { step: updates, moments } = await optimizer.state();
  for (const [name, data] of Object.entries(moments)) {
    tensors[`optimizer.${name}`] = { shape: [data.length], data };
  }
  const metadata = { step: `${step}`, updates: `${updates}`, config };
  await writeSafetensors(path, tensors, { metadata });
}

/**
 * Puts a saved state back, if there is one.
 *
 * @returns the number of steps already taken, 0 without a checkpoint
 * @throws {UserError} if the checkpoint belongs to another config, optimiser or model, or is damaged
 */
export async function restoreCheckpoint(
  { path, config }: CheckpointTarget,
  { parameters, optimizer }: { parameters: Trainable; optimizer: Optimizer },
): Promise<number> {
  if (!await exists(path)) return 0;
  const file = await openSafetensors(path).catch((cause) => {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError(cause.problem, "delete it, and training starts anew", { cause });
  });
  try {
    if (file.metadata.config !== config) {
      throw new UserError(
        `${path}: this checkpoint was made with other settings\n` +
          difference(file.metadata.config ?? "", config),
        "set them as they were, give the run another name, or pass --fresh to start it anew",
      );
    }
    const moments: Record<string, Float32Array> = {};
    for (const [name, size] of Object.entries(optimizer.momentSizes)) {
      const stored = `optimizer.${name}`;
      const found = file.names.includes(stored) ? file.shape(stored)[0] : 0;
      if (found !== size) {
        throw new UserError(
          `${path}: ${stored} has ${found} numbers, this run needs ${size}`,
          "train the same parameters with the same optimiser, or pass --fresh to start anew",
        );
      }
      moments[name] = await file.read(stored);
    }
    const values: tf.Tensor[] = [];
    for (const name of parameters.names) {
      const stored = `parameter.${name}`;
      values.push(tf.tensor(await file.read(stored), [...file.shape(stored)], "float32"));
    }
    parameters.replace(values);
    optimizer.restore({ step: Number(file.metadata.updates), moments });
    return Number(file.metadata.step);
  } finally {
    file.close();
  }
}

/** The fields in which two configs differ, one a line. */
function difference(stored: string, wanted: string): string {
  let [a, b]: Record<string, unknown>[] = [{}, {}];
  try {
    [a, b] = [flat(JSON.parse(stored)), flat(JSON.parse(wanted))];
  } catch {
    return "  (the checkpoint does not say which)";
  }
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key])
    .map((key) => `  ${key}: ${JSON.stringify(a[key])} then, ${JSON.stringify(b[key])} now`)
    .join("\n");
}

function flat(value: unknown, prefix = ""): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return { [prefix]: value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, v]) => flat(v, prefix ? `${prefix}.${key}` : key)),
  );
}

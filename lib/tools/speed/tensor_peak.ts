import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/error.ts";

/** The part of tfjs-node's binding through which all tensors come and go. */
interface Binding {
  createTensor(shape: number[], dtype: number, values: unknown): number;
  executeOp(
    name: string,
    attributes: unknown,
    inputs: number[],
    outputs: number,
  ): { id: number; shape: number[]; dtype: number }[];
  deleteTensor(id: number): void;
}

/** Bytes of a number by TensorFlow's name for its type: float, int32, bool, bfloat16, half. */
const BYTES: Readonly<Record<number, number>> = { 1: 4, 3: 4, 10: 1, 14: 2, 19: 2 };

/** Ops whose output is their input's memory under another shape. */
const ALIASES = new Set(["Reshape", "Identity", "ExpandDims", "Squeeze"]);

/**
 * Runs work and answers the most bytes that native tensors had at once, made since it began; those that it frees of
 * earlier ones do not count against it. What an op needs inside TensorFlow is not seen.
 *
 * @throws {UserError} on another engine than native TensorFlow
 */
export async function tensorPeak(work: () => Promise<unknown> | unknown): Promise<number> {
  if (tf.getBackend() !== "tensorflow") {
    throw new UserError(
      "tensors can be counted on native TensorFlow only",
      "run `deno task setup`",
    );
  }
  const backend = tf.backend() as unknown as { binding: Binding };
  const { binding } = backend;
  const live = new Map<number, { size: number; handles: number }>();
  let [bytes, peak] = [0, 0];
  const made = (id: number, shape: readonly number[], dtype: number) => {
    const size = shape.reduce((a, b) => a * b, 1) * (BYTES[dtype] ?? 4);
    live.set(id, { size, handles: 1 });
    peak = Math.max(peak, bytes += size);
  };
  const watched: Binding = {
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values);
      made(id, shape, dtype);
      return id;
    },
    executeOp(name, attributes, inputs, count) {
      const outputs = binding.executeOp(name, attributes, inputs, count);
      const same = ALIASES.has(name) ? live.get(inputs[0]) : undefined;
      for (const { id, shape, dtype } of outputs) {
        if (same) {
          same.handles++;
          live.set(id, same);
        } else if (!ALIASES.has(name)) made(id, shape, dtype);
      }
      return outputs;
    },
    deleteTensor(id) {
      const buffer = live.get(id);
      if (buffer && --buffer.handles === 0) bytes -= buffer.size;
      live.delete(id);
      binding.deleteTensor(id);
    },
  };
  const counting = Object.entries(watched).map(([name, value]) => [name, { value }]);
  backend.binding = Object.create(binding, Object.fromEntries(counting));
  try {
    await work();
    return peak;
  } finally {
    backend.binding = binding;
  }
}

/**
 * Frozen weights at two bytes a number. tfjs knows no such tensors, TensorFlow does: the binding holds them by handle,
 * and ops that read a weight widen it for themselves. Products stay float32, so that a model computes bit for bit what
 * it would with its weights rounded.
 *
 * For tfjs a narrow tensor is one of float32: shape, clone and dispose work, `tf.memory()` counts twice its bytes, and
 * an op or a read that does not know of it fails.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { type Attribute, native, type NativeBackend } from "./kernels.ts";

/** How a frozen weight is stored. What is trained is always float32. */
export const FROZEN_DTYPES = ["float32", "bfloat16", "float16"] as const;
/** One of {@linkcode FROZEN_DTYPES}. */
export type FrozenDtype = typeof FROZEN_DTYPES[number];

/** TensorFlow's numbers for its types. */
const TYPES = { float32: 1, bfloat16: 14, float16: 19 } as const;

const narrow = new WeakMap<object, Exclude<FrozenDtype, "float32">>();

/** How the numbers of a float tensor are stored. */
export function storedType({ dataId }: tf.Tensor): FrozenDtype {
  return narrow.get(dataId) ?? "float32";
}

/**
 * A copy of a float32 tensor, rounded to nearest, ties to even.
 *
 * @throws {UserError} for two bytes on another engine than native TensorFlow
 */
export function stored<T extends tf.Tensor>(x: T, dtype: FrozenDtype): T {
  if (dtype === "float32") return tf.clone(x) as T;
  const backend = native();
  if (!backend) {
    throw new UserError(
      `weights of type ${dtype} need native TensorFlow, and this is tfjs' "${tf.getBackend()}" backend`,
      "run `deno task setup`, or store frozen weights as float32",
    );
  }
  return run(backend, "Cast", [x], { from: "float32", to: dtype }) as T;
}

/** The tensor as float32: itself, or a new tensor if its numbers have two bytes. */
export function widened<T extends tf.Tensor>(x: T): T {
  const from = storedType(x);
  return from === "float32" ? x : run(native()!, "Cast", [x], { from, to: "float32" }) as T;
}

/** The numbers of a float tensor, whatever their type is. */
export async function valuesOf(x: tf.Tensor): Promise<Float32Array> {
  const wide = widened(x);
  const values = await wide.data() as Float32Array;
  if (wide !== x) wide.dispose();
  return values;
}

/** Rows of a table as float32, of which only they are widened. @param table (V, C) @param ids int32 (N) @returns (N, C) */
export function rowsOf(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const type = storedType(table);
  if (type === "float32") return tf.gather(table, ids);
  return tf.tidy(() => {
    const rows = run(native()!, "GatherV2", [table, ids, tf.scalar(0, "int32")], {
      from: type,
      to: type,
    });
    return widened(rows as tf.Tensor2D);
  });
}

/** Runs an op past tfjs, which has no name for the type of its result. */
function run(
  backend: NativeBackend,
  op: "Cast" | "GatherV2",
  inputs: tf.Tensor[],
  { from, to }: { from: FrozenDtype; to: FrozenDtype },
): tf.Tensor {
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_INT, TF_INT32, TF_FLOAT } = backend.binding;
  const type = (name: string, value: number): Attribute => ({ name, type: TF_ATTR_TYPE, value });
  const attributes = op === "Cast"
    ? [
      type("SrcT", TYPES[from]),
      type("DstT", TYPES[to]),
      { name: "Truncate", type: TF_ATTR_BOOL, value: false },
    ]
    : [
      type("Tparams", TYPES[from]),
      type("Tindices", TF_INT32),
      type("Taxis", TF_INT32),
      { name: "batch_dims", type: TF_ATTR_INT, value: 0 },
    ];
  const ids = backend.getInputTensorIds(inputs);
  const [{ id, shape }] = backend.binding.executeOp(op, attributes, ids, 1);
  const made = backend.createOutputTensor({ id, shape, dtype: TF_FLOAT });
  if (to !== "float32") narrow.set(made.dataId, to);
  return made;
}

/**
 * The few TensorFlow kernels that the tfjs API hides or wraps at a cost, each with a fallback in plain
 * tfjs for the wasm and cpu backends.
 *
 * tfjs turns a rank-2 product into a batched one (`BatchMatMulV2`); TensorFlow's own `MatMul` is faster
 * on the transposed products of a backward pass. The fused cross-entropy kernel returns the loss and its
 * gradient in one pass over the vocabulary.
 */
import * as tf from "@tensorflow/tfjs";

/** An attribute of a TensorFlow op. */
export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** The part of tfjs-node's backend that runs a TensorFlow op by name. */
export interface NativeBackend extends tf.KernelBackend {
  /** TensorFlow's constants by name, and its ops by handle. */
  binding: Record<string, number> & {
    executeOp(
      name: string,
      attributes: Attribute[],
      inputs: number[],
      outputs: number,
    ): { id: number; shape: number[]; dtype: number }[];
  };
  getInputTensorIds(tensors: tf.Tensor[]): number[];
  createOutputTensor(made: { id: number; shape: number[]; dtype: number }): tf.Tensor;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** The backend, if it is native TensorFlow. */
export function native(): NativeBackend | null {
  return tf.getBackend() === "tensorflow" ? tf.backend() as NativeBackend : null;
}

/** Options of {@linkcode matmul}: which operand is read transposed. */
export interface MatmulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
}

/** Product of two matrices: (n, k) x (k, m) -> (n, m), after the asked transposes. */
export function matmul(a: tf.Tensor, b: tf.Tensor, options: MatmulOptions = {}): tf.Tensor2D {
  const { transposeA = false, transposeB = false } = options;
  const backend = native();
  if (!backend) {
    // The wasm backend has a fast product (XNNPACK's), for operands that are read as they lie.
    if (tf.getBackend() !== "wasm") return tf.matMul(a, b, transposeA, transposeB) as tf.Tensor2D;
    const lying = (x: tf.Tensor, transposed: boolean) => transposed ? tf.transpose(x) : x;
    return tf.tidy(() => tf.matMul(lying(a, transposeA), lying(b, transposeB)) as tf.Tensor2D);
  }
  const { TF_FLOAT, TF_ATTR_TYPE, TF_ATTR_BOOL } = backend.binding;
  return backend.executeSingleOutput("MatMul", [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "transpose_a", type: TF_ATTR_BOOL, value: transposeA },
    { name: "transpose_b", type: TF_ATTR_BOOL, value: transposeB },
  ], [a, b]) as tf.Tensor2D;
}

/**
 * Cross-entropy of each row and its gradient.
 *
 * @param logits (M, V)
 * @param targets int32 (M), class of each row
 * @returns `loss` (M) = -log softmax(logits)[target], `gradient` (M, V) = softmax(logits) - onehot(target)
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
): { loss: tf.Tensor1D; gradient: tf.Tensor2D } {
  const backend = native();
  if (backend) {
    const { TF_FLOAT, TF_INT32, TF_ATTR_TYPE } = backend.binding;
    const [loss, gradient] = backend.executeMultipleOutputs(
      "SparseSoftmaxCrossEntropyWithLogits",
      [
        { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
        { name: "Tlabels", type: TF_ATTR_TYPE, value: TF_INT32 },
      ],
      [logits, targets],
      2,
    );
    return { loss: loss as tf.Tensor1D, gradient: gradient as tf.Tensor2D };
  }
  return tf.tidy(() => {
    const logp = tf.logSoftmax(logits, 1); // (M, V)
    const onehot = tf.oneHot(targets, logits.shape[1]); // (M, V)
    return {
      loss: tf.neg(tf.sum(tf.mul(logp, onehot), 1)) as tf.Tensor1D,
      gradient: tf.sub(tf.exp(logp), onehot) as tf.Tensor2D,
    };
  });
}

/**
 * Uniform noise in [0, 1) that depends on nothing but `seed`, so that a resumed run draws the same
 * dropout masks. TensorFlow's counter-based generator on the native backend, tfjs' seeded one elsewhere.
 */
export function seededUniform(shape: number[], seed: readonly [number, number]): tf.Tensor {
  const backend = native();
  if (!backend) return tf.randomUniform(shape, 0, 1, "float32", seed[0] * 1_000_003 + seed[1]);
  const { TF_FLOAT, TF_INT32, TF_ATTR_TYPE } = backend.binding;
  return tf.tidy(() =>
    backend.executeSingleOutput("StatelessRandomUniform", [
      { name: "dtype", type: TF_ATTR_TYPE, value: TF_FLOAT },
      { name: "T", type: TF_ATTR_TYPE, value: TF_INT32 },
      { name: "Tseed", type: TF_ATTR_TYPE, value: TF_INT32 },
    ], [tf.tensor1d(shape, "int32"), tf.tensor1d([...seed], "int32")])
  );
}

const lastAxis = new Map<tf.KernelBackend, tf.Tensor>();

/** Mean over the last axis, which is kept at length 1. tfjs' own `mean` copies its input first. */
export function meanLast(x: tf.Tensor): tf.Tensor {
  const backend = native();
  if (!backend) return tf.mean(x, -1, true);
  let axis = lastAxis.get(backend);
  if (!axis) lastAxis.set(backend, axis = tf.keep(tf.scalar(-1, "int32")));
  const { TF_FLOAT, TF_INT32, TF_ATTR_TYPE, TF_ATTR_BOOL } = backend.binding;
  return backend.executeSingleOutput("Mean", [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "Tidx", type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: "keep_dims", type: TF_ATTR_BOOL, value: true },
  ], [x, axis]);
}

const inPlace = new Map<tf.KernelBackend, boolean>();

/**
 * `x` with some rows replaced. On native TensorFlow they are written where they are, so that what shares
 * memory with `x` (a reshaped view) changes with it; elsewhere the answer is a copy. Use the answer only.
 *
 * @param x (N, C)
 * @param rows int32 (M), each in [0, N), none twice
 * @param values (M, C)
 */
export function writeRows(x: tf.Tensor, rows: tf.Tensor1D, values: tf.Tensor): tf.Tensor {
  const backend = native();
  const update = (backend: NativeBackend, ...inputs: tf.Tensor[]) => {
    const { TF_FLOAT, TF_ATTR_TYPE } = backend.binding;
    const type = { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT };
    return backend.executeSingleOutput("InplaceUpdate", [type], inputs);
  };
  if (backend && !inPlace.has(backend)) {
    inPlace.set(backend, tf.tidy(() => works((...inputs) => update(backend, ...inputs))));
  }
  return backend && inPlace.get(backend)
    ? update(backend, x, rows, values)
    : tf.tensorScatterUpdate(x, tf.expandDims(rows, 1), values);
}

/** Whether this TensorFlow still has its in-place update, which its documentation calls internal. */
function works(update: (...inputs: tf.Tensor[]) => tf.Tensor): boolean {
  try {
    const found = update(tf.fill([2, 1], 1), tf.tensor1d([1], "int32"), tf.tensor2d([[2]]));
    return [...found.dataSync()].join() === "1,2";
  } catch {
    return false;
  }
}

/**
 * Sums the rows of `x` that share an index: out[s] = sum of x[i] with index[i] = s. Written as a scatter,
 * which every backend has.
 *
 * @param x (N) or (N, C)
 * @param index int32 (N), each in [0, segments)
 * @returns (segments) or (segments, C)
 */
export function segmentSum(x: tf.Tensor, index: tf.Tensor1D, segments: number): tf.Tensor {
  return tf.tidy(() => tf.scatterND(tf.expandDims(index, 1), x, [segments, ...x.shape.slice(1)]));
}

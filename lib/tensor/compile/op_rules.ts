/**
 * The ops that may be compiled, and how the shapes of their outputs follow from their inputs.
 *
 * A replay computes nothing, yet it has to answer each call with the shapes that the call would have had, on batches of
 * other sizes too. So every op needs its shape rule, and an op without one is refused: this is the list of what is
 * known to give the same numbers inside a function as by itself. Recording an op checks its rule against the shapes
 * that TensorFlow found.
 */

/** A call as a rule sees it. */
export interface RuleInput {
  /** Shape of input i. */
  shape(i: number): readonly number[];
  /** Values of input i where it is host memory; null where it was computed. */
  values(i: number): ArrayLike<number> | null;
  attr(name: string): unknown;
  readonly inputs: number;
  readonly outputs: number;
}

/** Shapes of the outputs; null where they do not follow, or the inputs do not fit each other. */
type ShapeRule = (call: RuleInput) => number[][] | null;

/** One op that may be compiled. */
export interface OpRule {
  readonly shapes: ShapeRule;
  /**
   * Inputs that decide a shape, an axis or an order, which must be host memory; -1 is the last. All others are data.
   */
  readonly structural: readonly number[];
  /** Those of them that the rule accounts for: they may differ from run to run. The others are constants. */
  readonly varying: readonly number[];
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** An axis counted from the front; null where it was computed. */
function axisOf({ shape, values }: RuleInput, input: number, of = 0): number | null {
  const axis = values(input)?.[0];
  if (axis === undefined) return null;
  return axis < 0 ? axis + shape(of).length : axis;
}

/** Common shape of two operands; null where they do not fit. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const out: number[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [x, y] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return null;
    out.unshift(x === 1 ? y : x);
  }
  return out;
}

const one = (shape: number[] | null) => shape && [shape];

const likeFirst: ShapeRule = ({ shape }) => [[...shape(0)]];

const elementwise: ShapeRule = ({ shape }) => one(broadcast(shape(0), shape(1)));

const fromValues = (input: number): ShapeRule => ({ values }) => {
  const found = values(input);
  return found && [Array.from(found)];
};

const reduction: ShapeRule = ({ shape, values, attr }) => {
  const axes = values(1);
  if (!axes) return null;
  const x = shape(0);
  const gone = new Set(Array.from(axes, (axis) => axis < 0 ? axis + x.length : axis));
  return [
    attr("keep_dims") ? x.map((n, i) => gone.has(i) ? 1 : n) : x.filter((_, i) => !gone.has(i)),
  ];
};

const reshape: ShapeRule = ({ shape, values }) => {
  const to = values(1);
  if (!to) return null;
  const size = product(shape(0));
  const known = Array.from(to).filter((n) => n >= 0).reduce((a, b) => a * b, 1);
  const out = Array.from(to, (n) => n < 0 ? size / known : n);
  return product(out) === size ? [out] : null;
};

const matMul: ShapeRule = ({ shape, attr }) => {
  const [a, b] = [[...shape(0)], [...shape(1)]];
  if (attr("transpose_a")) a.reverse();
  if (attr("transpose_b")) b.reverse();
  return a[1] === b[0] ? [[a[0], b[1]]] : null;
};

const batchMatMul: ShapeRule = ({ shape, attr }) => {
  const [a, b] = [[...shape(0)], [...shape(1)]];
  const [rows, k] = attr("adj_x") ? [a.pop()!, a.pop()!] : [a.pop()!, a.pop()!].reverse();
  const [l, columns] = attr("adj_y") ? [b.pop()!, b.pop()!] : [b.pop()!, b.pop()!].reverse();
  const batch = broadcast(a, b);
  return batch && k === l ? [[...batch, rows, columns]] : null;
};

const transpose: ShapeRule = ({ shape, values }) => {
  const order = values(1);
  return order && [Array.from(order, (axis) => shape(0)[axis])];
};

const concat: ShapeRule = (call) => {
  const at = axisOf(call, call.inputs - 1);
  if (at === null) return null;
  const out = [...call.shape(0)];
  for (let i = 1; i < call.inputs - 1; i++) {
    const more = call.shape(i);
    if (more.length !== out.length || more.some((n, j) => j !== at && n !== out[j])) return null;
    out[at] += more[at];
  }
  return [out];
};

const split: ShapeRule = (call) => {
  const [sizes, at] = [call.values(1), axisOf(call, 2)];
  if (!sizes || at === null || sizes.length !== call.outputs) return null;
  const x = call.shape(0);
  if (product(x) > 0 && Array.from(sizes).reduce((a, b) => a + b, 0) !== x[at]) return null;
  return Array.from(sizes, (size) => x.map((n, i) => i === at ? size : n));
};

const expandDims: ShapeRule = ({ shape, values }) => {
  const dim = values(1)?.[0];
  if (dim === undefined) return null;
  const out = [...shape(0)];
  out.splice(dim < 0 ? dim + out.length + 1 : dim, 0, 1);
  return [out];
};

const pack: ShapeRule = ({ shape, attr, inputs }) => {
  const out = [...shape(0)];
  for (let i = 1; i < inputs; i++) if (shape(i).join() !== out.join()) return null;
  const axis = Number(attr("axis") ?? 0);
  out.splice(axis < 0 ? axis + out.length + 1 : axis, 0, inputs);
  return [out];
};

const unpack: ShapeRule = ({ shape, attr, outputs }) => {
  const axis = Number(attr("axis") ?? 0);
  const at = axis < 0 ? axis + shape(0).length : axis;
  if (shape(0)[at] !== outputs) return null;
  return Array.from({ length: outputs }, () => shape(0).filter((_, i) => i !== at));
};

const gather: ShapeRule = (call) => {
  const at = axisOf(call, 2);
  if (at === null || call.attr("batch_dims")) return null;
  const x = call.shape(0);
  return [[...x.slice(0, at), ...call.shape(1), ...x.slice(at + 1)]];
};

const tile: ShapeRule = ({ shape, values }) => {
  const times = values(1);
  return times && [shape(0).map((n, i) => n * times[i])];
};

const pad: ShapeRule = ({ shape, values }) => {
  const pads = values(1);
  return pads && [shape(0).map((n, i) => n + pads[2 * i] + pads[2 * i + 1])];
};

const slice: ShapeRule = ({ shape, values }) => {
  const [from, size] = [values(1), values(2)];
  return from && size && [shape(0).map((n, i) => size[i] < 0 ? n - from[i] : size[i])];
};

/** A choice between two tensors of one shape, by a tensor of that shape or a scalar. */
const select: ShapeRule = ({ shape }) => {
  const [by, a, b] = [shape(0).join(), shape(1).join(), shape(2).join()];
  return a === b && (by === a || by === "") ? [[...shape(1)]] : null;
};

const crossEntropy: ShapeRule = ({ shape }) => [[...shape(1)], [...shape(0)]];

/** Structural inputs that the rule accounts for. */
const sized = (shapes: ShapeRule, ...varying: number[]): OpRule => ({
  shapes,
  structural: varying,
  varying,
});
/** Structural inputs, of which `varying` may vary. */
const fixed = (shapes: ShapeRule, structural: number[], varying: number[] = []): OpRule => ({
  shapes,
  structural,
  varying,
});
const each = (rule: OpRule, names: string) => names.split(" ").map((name) => [name, rule] as const);

/** Every op that may be compiled, by its name in TensorFlow. */
export const OP_RULES: ReadonlyMap<string, OpRule> = new Map([
  ...each(
    sized(elementwise),
    "Add AddV2 Sub Mul Div RealDiv Minimum Maximum Pow SquaredDifference " +
      "Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr",
  ),
  ...each(
    sized(likeFirst),
    "Neg Abs Square Sqrt Rsqrt Exp Log Log1p Sigmoid Tanh Relu Softplus Reciprocal Sign LogicalNot " +
      "Floor IsNan IsInf IsFinite Cast OnesLike ZerosLike Identity AddN Softmax _MklSoftmax",
  ),
  ...each(fixed(reduction, [1]), "Sum Mean Max Min Prod"),
  ["Cumsum", fixed(likeFirst, [1])],
  ["Select", sized(select)],
  ["Reshape", sized(reshape, 1)],
  ["MatMul", sized(matMul)],
  ["BatchMatMulV2", sized(batchMatMul)],
  ["Transpose", fixed(transpose, [1])],
  ["ConcatV2", fixed(concat, [-1])],
  ["SplitV", fixed(split, [1, 2], [1])],
  ["ExpandDims", fixed(expandDims, [1])],
  ["Pack", sized(pack)],
  ["Unpack", sized(unpack)],
  ["GatherV2", fixed(gather, [2])],
  ["Tile", sized(tile, 1)],
  ["PadV2", sized(pad, 1)],
  ["Slice", sized(slice, 1, 2)],
  ["Fill", sized(fromValues(0), 0)],
  ["ScatterNd", sized(fromValues(2), 2)],
  ["StatelessRandomUniform", sized(fromValues(0), 0)],
  ["SparseSoftmaxCrossEntropyWithLogits", sized(crossEntropy)],
  ["InplaceUpdate", sized(likeFirst)], // under the condition of in_place.ts
]);

/** Whether an input is among some of a rule's, where -1 names the last. */
export function isAmong(inputs: readonly number[], input: number, count: number): boolean {
  return inputs.includes(input) || inputs.includes(input - count);
}

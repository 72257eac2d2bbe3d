/** A recorded step as a TensorFlow function: the bytes of a FunctionDef (tensorflow/core/framework/function.proto). */
import type { Attribute, Binding, TensorType, Values } from "./native.ts";
import { fields, Message, text } from "./protobuf.ts";
import { type OpCall, type Recording, type Ref, typeOf } from "./recording.ts";

/**
 * An op waits for the one this many before it. TensorFlow runs whatever has its inputs, so that a graph may hold far more
 * memory than the same ops in their order: a layer to be computed again in the backward pass would be computed
 * at once, in the forward pass. With this the function stays close to the recorded order; some ops still run side by side.
 */
const AHEAD = 16;

interface Argument {
  readonly name: string;
  /** The attribute that holds its type, and for a list the one that holds its length. */
  readonly typeAttr: string;
  readonly numberAttr: string;
}

interface OpDef {
  readonly inputs: Argument[];
  readonly outputs: Argument[];
  /** Defaults by attribute. */
  readonly attrs: Map<string, Uint8Array | null>;
}

const definitions = new Map<string, OpDef>();

/** What TensorFlow says of an op. */
function opDef(name: string, binding: Pick<Binding, "opDef">): OpDef {
  const known = definitions.get(name);
  if (known) return known;
  const found: OpDef = { inputs: [], outputs: [], attrs: new Map() };
  const byNumber = (bytes: Uint8Array) =>
    new Map([...fields(bytes)].map((f) => [f.field, f.value]));
  for (const { field, value } of fields(binding.opDef(name))) {
    if (field < 2 || field > 4) continue;
    const part = byNumber(value as Uint8Array);
    const words = (number: number) => part.has(number) ? text(part.get(number)!) : "";
    if (field === 4) found.attrs.set(words(1), (part.get(3) as Uint8Array)?.slice() ?? null);
    else {
      const argument = { name: words(1), typeAttr: words(4), numberAttr: words(5) };
      (field === 2 ? found.inputs : found.outputs).push(argument);
    }
  }
  definitions.set(name, found);
  return found;
}

function shapeProto(shape: readonly number[]): Message {
  const message = new Message();
  for (const size of shape) message.message(2, new Message().int(1, size));
  return message;
}

const typeValue = (dtype: number) => new Message().int(6, dtype);

/** An AttrValue. The numbers of the types are those of TF_AttrType. */
function attrValue({ type, value }: Attribute): Message {
  const message = new Message();
  if (Array.isArray(value) && type !== 5) throw new Error("an attribute that is a list");
  if (type === 0) return message.text(2, value as string);
  if (type === 1) return message.int(3, value as number);
  if (type === 2) return message.float(4, value as number);
  if (type === 3) return message.int(5, value ? 1 : 0);
  if (type === 4) return typeValue(value as number);
  if (type === 5) return message.message(7, shapeProto(value as number[]));
  throw new Error(`an attribute of type ${type}`);
}

const bytesOf = (values: Values) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function constantNode(name: string, { dtype, shape }: TensorType, values: Values): Message {
  const tensor = new Message().int(1, dtype).message(2, shapeProto(shape))
    .bytes(4, bytesOf(values));
  return new Message().text(1, name).text(2, "Const")
    .entry(5, "dtype", typeValue(dtype)).entry(5, "value", new Message().message(8, tensor));
}

/** Ops that a result depends on. */
function neededOps({ ops, results }: Recording): boolean[] {
  const needed: boolean[] = ops.map(() => false);
  for (const { op } of results) needed[op] = true;
  for (let op = ops.length - 1; op >= 0; op--) {
    if (!needed[op]) continue;
    for (const ref of ops[op].inputs) if (ref.kind === "op") needed[ref.op] = true;
  }
  return needed;
}

/**
 * The function of a recording. Its arguments are the externals that are not pinned and then the fed hosts; its results
 * are the recording's.
 */
export function functionDef(
  name: string,
  recording: Recording,
  binding: Pick<Binding, "opDef">,
): Uint8Array {
  const { ops, hosts, externals, results } = recording;
  const def = new Message();
  const signature = new Message().text(1, name);
  const argument = (name: string, { dtype }: TensorType) =>
    signature.message(2, new Message().text(1, name).int(3, dtype));

  externals.forEach((one, i) => {
    if (one.pinned) def.message(3, constantNode(`x${i}`, one, one.pinned.values));
    else argument(`x${i}`, one);
  });
  const constants = new Map<string, string>(); // of the same value: one node
  const hostNames = hosts.map((host, i) => {
    if (host.fed) {
      argument(`h${i}`, host);
      return `h${i}`;
    }
    // By their bytes: 0 and -0 read alike.
    const key = `${host.dtype}/${host.shape}/${bytesOf(host.values!)}`;
    if (!constants.has(key)) {
      constants.set(key, `h${i}:output:0`);
      def.message(3, constantNode(`h${i}`, host, host.values!));
    }
    return constants.get(key)!;
  });

  const nameOf = (ref: Ref) => {
    if (ref.kind === "host") return hostNames[ref.index];
    if (ref.kind === "op") return outputName(ops[ref.op], ref, binding);
    return externals[ref.index].pinned ? `x${ref.index}:output:0` : `x${ref.index}`;
  };
  const needed = neededOps(recording);
  const order: number[] = [];
  ops.forEach((call, i) => {
    if (!needed[i]) return;
    const node = new Message().text(1, `n${i}`).text(2, call.name);
    for (const ref of call.inputs) node.text(3, nameOf(ref));
    if (order.length >= AHEAD) node.text(3, `^n${order[order.length - AHEAD]}`);
    order.push(i);
    for (const [attr, value] of attributes(recording, call, binding)) node.entry(5, attr, value);
    def.message(3, node);
  });
  results.forEach((result, i) => {
    const { dtype } = ops[result.op].outputs[result.out];
    signature.message(3, new Message().text(1, `r${i}`).int(3, dtype));
    const from = outputName(ops[result.op], result, binding);
    def.message(4, new Message().text(1, `r${i}`).text(2, from));
  });
  return def.message(1, signature).done();
}

/** An op's output as "node:argument:index". */
function outputName(
  { name, outputs }: OpCall,
  { op, out }: { op: number; out: number },
  binding: Pick<Binding, "opDef">,
): string {
  const args = opDef(name, binding).outputs;
  const list = args.findIndex((arg) => arg.numberAttr); // at most one
  for (let i = 0, at = 0; i < args.length; i++) {
    const count = i === list ? outputs.length - (args.length - 1) : 1;
    if (out < at + count) return `n${op}:${args[i].name}:${out - at}`;
    at += count;
  }
  throw new Error(`${name} has no output ${out}`);
}

/** A node's attributes: those given, then what eager execution takes from the inputs, then defaults. */
function attributes(
  recording: Recording,
  { name, attrs, inputs }: OpCall,
  binding: Pick<Binding, "opDef">,
): Map<string, Message | Uint8Array> {
  const definition = opDef(name, binding);
  const found = new Map<string, Message | Uint8Array>();
  for (const attr of attrs) {
    // A leading underscore: an instruction to TensorFlow rather than a part of the op.
    if (definition.attrs.has(attr.name) || attr.name.startsWith("_")) {
      found.set(attr.name, attrValue(attr));
    }
  }
  let at = 0;
  for (const arg of definition.inputs) {
    const count = arg.numberAttr ? inputs.length - (definition.inputs.length - 1) : 1;
    if (arg.numberAttr) found.set(arg.numberAttr, new Message().int(3, count));
    if (arg.typeAttr) found.set(arg.typeAttr, typeValue(typeOf(recording, inputs[at]).dtype));
    at += count;
  }
  for (const [attr, byDefault] of definition.attrs) {
    if (found.has(attr)) continue;
    if (!byDefault) throw new Error(`${name}: attribute "${attr}" is not known`);
    found.set(attr, byDefault);
  }
  return found;
}

import { stringMethod, whole } from "./strings.ts";
import {
  bind,
  type Call,
  equals,
  Func,
  isDict,
  isList,
  JinjaError,
  Loop,
  Namespace,
  Once,
  Safe,
  text,
  Tuple,
  typeName,
  Undefined,
  Unsupported,
  type Value,
  View,
} from "./values.ts";

/** A value in words, as Jinja2's messages have it. */
function named(value: Value): string {
  return value === null ? "'None'" : `'${typeName(value)} object'`;
}

const missing = (value: Value, name: Value) =>
  new Undefined(
    typeof name === "string"
      ? `${named(value)} has no attribute '${name}'`
      : `${typeName(value)} object has no element ${
        typeof name === "number" ? name : typeName(name)
      }`,
  );

/** `value.name`: an attribute, else an item. */
export function attributeOf(value: Value, name: string): Value {
  let found = method(value, name);
  if (found === undefined) found = item(value, name);
  return found === undefined ? missing(value, name) : found;
}

/** `value[key]`: an item, else an attribute. */
export function itemOf(value: Value, key: Value): Value {
  let found = item(value, key);
  if (found === undefined && typeof key === "string") found = method(value, key);
  return found === undefined ? missing(value, key) : found;
}

const CHANGING: Readonly<Record<string, string>> = {
  dict: "clear pop popitem setdefault update",
  list: "append clear extend insert pop remove reverse sort",
};

function method(value: Value, name: string): Value | undefined {
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  const type = typeName(value);
  if (value instanceof Safe) throw new Unsupported(`${name} of text marked safe`);
  if (name.startsWith("__") || CHANGING[type]?.split(" ").includes(name)) {
    // The sandbox of transformers forbids what is private or changes a value.
    return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);
  }
  if (typeof value === "string") return stringMethod(value, name);
  if (isDict(value)) return dictMethod(value, name);
  if (value instanceof Loop) return value.attribute(name);
  if (value instanceof Namespace) return value.attributes.get(name);
  const items = isList(value) ? value : value instanceof Tuple ? value.items : null;
  if (items && name === "count") {
    return new Func(name, ({ args }) => items.filter((other) => equals(other, args[0])).length);
  }
  if (items && name === "index") {
    return new Func(name, ({ args }) => {
      const at = items.findIndex((other) => equals(other, args[0]));
      if (at < 0) throw new JinjaError("value is not in list");
      return at;
    });
  }
  if (isList(value) && name === "copy") return new Func(name, () => value);
  if (value instanceof Func && ["name", "arguments", "catch_kwargs", "caller"].includes(name)) {
    throw new Unsupported(`attribute ${name} of a macro`);
  }
  if (
    ["int", "float", "bool"].includes(type) &&
    /^(real|imag|is_integer|bit_length|numerator|denominator|conjugate|hex|to_bytes|as_integer_ratio)$/
      .test(name)
  ) {
    throw new Unsupported(`${type}.${name}`);
  }
  return undefined;
}

function dictMethod(dict: ReadonlyMap<Value, Value>, name: string): Value | undefined {
  const view = (items: () => Value[]) => new Func(name, () => new View(`dict_${name}`, items()));
  switch (name) {
    case "get":
      return new Func(name, (call) => {
        const { key, default: other = null } = bind("get", call, ["key", "default"]);
        return key !== undefined && dict.has(key) ? dict.get(key)! : other;
      });
    case "items":
      return view(() => [...dict].map((pair) => new Tuple(pair)));
    case "keys":
      return view(() => [...dict.keys()]);
    case "values":
      return view(() => [...dict.values()]);
    case "copy":
      return new Func(name, () => dict);
    case "fromkeys":
      throw new Unsupported("dict.fromkeys");
  }
  return undefined;
}

function item(value: Value, key: Value): Value | undefined {
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  if (value instanceof Safe) throw new Unsupported("a part of text marked safe");
  if (isDict(value)) return value.get(key);
  if (typeof key !== "number" && typeof key !== "boolean") return undefined;
  const items = typeof value === "string" ? [...value] : sequence(value);
  return items?.at(Number(key));
}

function sequence(value: Value): readonly Value[] | undefined {
  if (isList(value)) return value;
  if (value instanceof Tuple) return value.items;
  return value instanceof View && value.name === "range" ? value.items : undefined;
}

/** `value[start:stop:step]`. */
export function sliceOf(value: Value, bounds: readonly (Value | undefined)[]): Value {
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  if (value instanceof Safe) throw new Unsupported("a part of text marked safe");
  const items = typeof value === "string" ? [...value] : sequence(value);
  if (!items) throw new JinjaError(`'${typeName(value)}' object cannot be cut`);
  const [start, stop, step] = bounds.map((bound) =>
    bound === undefined || bound === null ? undefined : whole(bound, 0)
  );
  const by = step ?? 1;
  if (by === 0) throw new JinjaError("slice step cannot be zero");
  const size = items.length;
  const [low, high] = by > 0 ? [0, size] : [-1, size - 1];
  const clamp = (at: number | undefined, otherwise: number) =>
    at === undefined ? otherwise : Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const [from, to] = [clamp(start, by > 0 ? low : high), clamp(stop, by > 0 ? high : low)];
  const out: Value[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) out.push(items[i]);
  if (typeof value === "string") return out.join("");
  if (value instanceof Tuple) return new Tuple(out);
  return value instanceof View ? new View("range", out) : out;
}

/** `needle in value`. */
export function contains(value: Value, needle: Value): boolean {
  if (typeof value === "string") {
    if (typeof needle === "string") return value.includes(needle);
    if (needle instanceof Undefined) throw new JinjaError(needle.reason);
    throw new JinjaError(
      `'in <string>' requires string as left operand, not ${typeName(needle)}`,
    );
  }
  if (value instanceof Undefined) return false;
  if (isDict(value)) {
    if (!isList(needle) && !isDict(needle)) return value.has(needle);
    throw new JinjaError(`unhashable type: '${typeName(needle)}'`);
  }
  if (value instanceof Once) throw new Unsupported("in with an iterator");
  const items = value instanceof View ? value.items : sequence(value);
  if (!items) throw new JinjaError(`argument of type '${typeName(value)}' is not iterable`);
  return items.some((other) => equals(other, needle));
}

/** `raise_exception`, `range`, `namespace`, ... : what transformers puts beside the dialogue. */
export function range(call: Call): Value {
  const numbers = call.args.map((value) => whole(value, 0));
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (step === 0) throw new JinjaError("range() arg 3 must not be zero");
  const size = Math.max(0, Math.ceil((stop - start) / step));
  if (size > 100_000) {
    throw new JinjaError("Range too big. The sandbox blocks ranges larger than 100000.");
  }
  const text = `range(${start}, ${stop}${step === 1 ? "" : `, ${step}`})`;
  return new View("range", Array.from({ length: size }, (_, i) => start + i * step), text);
}

/** The entries of `dict(...)` and `namespace(...)`. */
export function entries({ args, kwargs }: Call): Map<Value, Value> {
  const [first] = args;
  if (first !== undefined && !isDict(first)) throw new Unsupported("dict(...) of pairs");
  return new Map<Value, Value>([...(first as ReadonlyMap<Value, Value>) ?? [], ...kwargs]);
}

export const namespace = (call: Call): Value => {
  const attributes = new Map<string, Value>();
  for (const [key, value] of entries(call)) attributes.set(text(key), value);
  for (const key of attributes.keys()) refusePrivate(key);
  return new Namespace(attributes);
};

/** transformers stores no names with an underscore on a namespace. */
export function refusePrivate(name: string): void {
  if (!name.startsWith("_")) return;
  throw new JinjaError(
    `Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'`,
  );
}

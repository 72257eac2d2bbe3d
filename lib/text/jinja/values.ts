/** Python's values as a template sees them, with Python's rules for truth, equality, order and print. */

/** What a template can hold. Integers are numbers; floats are {@linkcode Float}. */
export type Value =
  | string
  | number
  | boolean
  | null
  | Float
  | Undefined
  | readonly Value[]
  | Tuple
  | ReadonlyMap<Value, Value>
  | Once
  | View
  | Namespace
  | Func
  | Loop
  | Safe;

/** An error that Jinja2 raises too. */
export class JinjaError extends Error {}
/** `raise_exception(...)`: the template's own refusal. */
export class Raised extends JinjaError {}
/** What Jinja2 has and this reading of it has not: refused by name, so that nothing is rendered otherwise. */
export class Unsupported extends Error {}

/** Arguments of a call. */
export interface Call {
  readonly args: readonly Value[];
  readonly kwargs: ReadonlyMap<string, Value>;
}

/** A float, which prints with its point and is told from an integer. */
export class Float {
  constructor(readonly value: number) {}
}
/** Jinja2's `Undefined`: empty in print, an error in use. */
export class Undefined {
  constructor(readonly reason: string) {}
}
/** What `safe` marks: text to print, with operations of its own that are not here. */
export class Safe {
  constructor(readonly text: string) {}
}
/** A tuple, which equals no list. */
export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}
/** An iterator: true, without a length, and empty once it was read. */
export class Once {
  #items: readonly Value[];
  constructor(items: readonly Value[]) {
    this.#items = items;
  }
  take(): readonly Value[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
/** `dict.items()` and its like, and `range(...)`. */
export class View {
  constructor(
    readonly name: string,
    readonly items: readonly Value[],
    readonly text: string | null = null,
  ) {}
}
/** `namespace(...)`, the one value that a template changes. */
export class Namespace {
  constructor(readonly attributes: Map<string, Value>) {}
}
/** A method, a macro or a function of the environment. */
export class Func {
  constructor(readonly name: string, readonly call: (call: Call) => Value) {}
}
/** `loop` inside a for statement. */
export class Loop {
  constructor(readonly attribute: (name: string) => Value | undefined) {}
}

/** Characters that Python's `str.isspace` accepts, for a character class; JavaScript's \s is another set. */
export const SPACE =
  "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
export const isDict = (value: Value): value is ReadonlyMap<Value, Value> => value instanceof Map;

/** The number in an int, a float or a bool; undefined for all else. */
export function numeric(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** An integer, which JavaScript's numbers hold exactly only up to 2^53. */
export function int(value: number): number {
  if (Number.isSafeInteger(value)) return value + 0;
  throw new Unsupported("integers beyond 2**53");
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "string") return "str";
  if (typeof value === "number") return "int";
  if (typeof value === "boolean") return "bool";
  if (value instanceof Float) return "float";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Safe) return "Markup";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof View) return value.name;
  if (value instanceof Once) return "generator";
  if (value instanceof Namespace) return "Namespace";
  if (value instanceof Loop) return "LoopContext";
  if (value instanceof Func) return "function";
  return isDict(value) ? "dict" : "list";
}

/** Whether a value counts as true. */
export function truth(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "string") return value !== "";
  const number = numeric(value);
  if (number !== undefined) return number !== 0;
  if (value instanceof Once || value instanceof Func || value instanceof Namespace) return true;
  return value instanceof Loop || lengthOf(value) > 0;
}

/** `len(value)`. */
export function lengthOf(value: Value): number {
  if (typeof value === "string") return [...value].length;
  if (value instanceof Safe) return lengthOf(value.text);
  if (value instanceof Undefined) return 0;
  if (value instanceof Tuple || value instanceof View) return value.items.length;
  if (isList(value)) return value.length;
  if (isDict(value)) return value.size;
  throw new JinjaError(`object of type '${typeName(value)}' has no len()`);
}

/** The items of a value in a for statement. */
export function iterate(value: Value): readonly Value[] {
  if (typeof value === "string") return [...value];
  if (value instanceof Safe) return [...value.text];
  if (value instanceof Undefined) return [];
  if (value instanceof Tuple || value instanceof View) return value.items;
  if (value instanceof Once) return value.take();
  if (isList(value)) return value;
  if (isDict(value)) return [...value.keys()];
  throw new JinjaError(`'${typeName(value)}' object is not iterable`);
}

/** `a == b`. */
export function equals(a: Value, b: Value): boolean {
  if (a instanceof Safe) return equals(a.text, b);
  if (b instanceof Safe) return equals(a, b.text);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined || y !== undefined) return x === y;
  if (a instanceof Undefined) return b instanceof Undefined;
  if (isList(a)) return isList(b) && sameItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sameItems(a.items, b.items);
  if (a instanceof View && b instanceof View) throw new Unsupported("== of views and ranges");
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size &&
      [...a].every(([key, value]) => b.has(key) && equals(value, b.get(key)));
  }
  return a === b;
}

const sameItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((value, i) => equals(value, b[i]));

/** Below 0 for `a < b`, 0 for neither, above 0 for `a > b`. */
export function compare(a: Value, b: Value, operator = "<"): number {
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== undefined && y !== undefined) return x - y;
  if (typeof a === "string" && typeof b === "string") {
    const [left, right] = [[...a], [...b]];
    const i = left.findIndex((char, at) => char !== right[at]);
    if (i < 0) return left.length - right.length;
    return i < right.length ? left[i].codePointAt(0)! - right[i].codePointAt(0)! : 1;
  }
  const list = isList(a) && isList(b) ? [a, b] as const : null;
  const [left, right] = a instanceof Tuple && b instanceof Tuple ? [a.items, b.items] : list ?? [];
  if (!left || !right) {
    for (const value of [a, b]) if (value instanceof Undefined) throw new JinjaError(value.reason);
    throw new JinjaError(
      `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
    );
  }
  const i = left.findIndex((value, at) => at >= right.length || !equals(value, right[at]));
  if (i < 0 || i >= right.length) return left.length - right.length;
  return compare(left[i], right[i], operator);
}

/** `str(value)`. */
export function text(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Safe) return value.text;
  return value instanceof Undefined ? "" : repr(value);
}

/** `repr(value)`. */
export function repr(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (isList(value)) return `[${value.map(repr).join(", ")}]`;
  if (value instanceof Tuple) {
    return `(${value.items.map(repr).join(", ")}${value.items.length === 1 ? "," : ""})`;
  }
  if (isDict(value)) {
    return `{${[...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  }
  if (value instanceof View && value.text !== null) return value.text;
  throw new Unsupported(`the text of a ${typeName(value)}`);
}

/** A float as Python writes it: exponents from 1e16 and below 1e-4. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e16)) {
    const plain = String(value);
    return plain.includes(".") ? plain : `${plain}.0`;
  }
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function quoted(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const named: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
  let out = "";
  for (const char of value) {
    if (char === quote) out += `\\${char}`;
    else if (named[char]) out += named[char];
    else if (char !== " " && /[\p{C}\p{Z}]/u.test(char)) {
      const hex = char.codePointAt(0)!.toString(16);
      out += hex.length < 3
        ? `\\x${hex.padStart(2, "0")}`
        : hex.length < 5
        ? `\\u${hex.padStart(4, "0")}`
        : `\\U${hex.padStart(8, "0")}`;
    } else out += char;
  }
  return quote + out + quote;
}

/**
 * The arguments of a call by the names of its parameters, as Python binds them.
 *
 * @throws JinjaError for one too many or of an unknown name.
 */
export function bind<N extends string>(
  name: string,
  { args, kwargs }: Call,
  parameters: readonly N[],
): Partial<Record<N, Value>> {
  if (args.length > parameters.length) {
    throw new JinjaError(
      `${name}() takes ${parameters.length} arguments, ${args.length} were given`,
    );
  }
  const bound: Partial<Record<N, Value>> = {};
  args.forEach((value, i) => bound[parameters[i]] = value);
  for (const [key, value] of kwargs) {
    const parameter = parameters.find((other) => other === key);
    if (parameter === undefined || parameter in bound) {
      throw new JinjaError(`${name}() got an unexpected or second argument '${key}'`);
    }
    bound[parameter] = value;
  }
  return bound;
}

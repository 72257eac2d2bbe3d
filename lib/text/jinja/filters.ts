import { toJson } from "./json.ts";
import { sorted, toFloat, toInt } from "./numbers.ts";
import { attributeOf, itemOf } from "./objects.ts";
import {
  capitalize,
  lines,
  percent,
  replace,
  stringMethod,
  strip,
  titleFilter,
  whole,
} from "./strings.ts";
import { TESTS } from "./tests.ts";
import {
  bind,
  type Call,
  compare,
  equals,
  Float,
  isDict,
  isList,
  iterate,
  JinjaError,
  lengthOf,
  numeric,
  Once,
  Safe,
  text,
  truth,
  Tuple,
  typeName,
  Undefined,
  Unsupported,
  type Value,
} from "./values.ts";

type Filter = (value: Value, call: Call) => Value;

/** What an attribute path of `map`, `join`, `sort`, ... reads of an item. */
function reader(path: Value | undefined, otherwise?: Value): (item: Value) => Value {
  if (path === undefined || path === null) return (item) => item;
  const parts = typeof path === "number"
    ? [path]
    : text(path).split(".").map((part) => /^\d+$/.test(part) ? Number(part) : part);
  return (item) =>
    parts.reduce<Value>((at, part) => {
      const found = itemOf(at, part);
      return found instanceof Undefined && otherwise !== undefined ? otherwise : found;
    }, item);
}

/** Without regard to case, as Jinja2 sorts unless it is told otherwise. */
const folded = (value: Value): Value => typeof value === "string" ? value.toLowerCase() : value;

function ordered(value: Value, call: Call, name: string): Value[] {
  const bound = bind(name, call, ["reverse", "case_sensitive", "attribute"]);
  const { reverse = false, case_sensitive = false, attribute } = bound;
  const paths = typeof attribute === "string" ? attribute.split(",") : [attribute];
  const readers = paths.map((path) => reader(path));
  // A list of what the attributes are, of which equal ones are never compared.
  const key = (item: Value) =>
    readers.map((read) => truth(case_sensitive) ? read(item) : folded(read(item)));
  return sorted(iterate(value), key, truth(reverse));
}

function extreme(value: Value, call: Call, sign: 1 | -1): Value {
  const { case_sensitive = false, attribute } = bind("max", call, ["case_sensitive", "attribute"]);
  const read = reader(attribute);
  const key = (item: Value) => truth(case_sensitive) ? read(item) : folded(read(item));
  const items = iterate(value);
  if (items.length === 0) return new Undefined("No aggregated item, sequence was empty.");
  return items.reduce((best, item) => sign * compare(key(item), key(best)) > 0 ? item : best);
}

/** `map` and `select` take whatever is false for an empty list. */
const itemsOf = (value: Value) => truth(value) ? iterate(value) : [];

/** `select`, `reject` and their forms that read an attribute. */
function chosen(name: string, keep: boolean, ofAttribute: boolean): Filter {
  return (value, { args, kwargs }) => {
    const read = reader(ofAttribute ? args[0] : undefined);
    if (ofAttribute && args.length === 0) throw new JinjaError(`${name}: no attribute is named`);
    const [test, ...rest] = ofAttribute ? args.slice(1) : args;
    if (kwargs.size > 0) throw new Unsupported(`named arguments of ${name}`);
    const holds = test === undefined ? truth : tested(text(test), rest);
    return new Once(itemsOf(value).filter((item) => holds(read(item)) === keep));
  };
}

function tested(name: string, args: readonly Value[]): (value: Value) => boolean {
  if (!Object.hasOwn(TESTS, name)) throw new Unsupported(`the test ${name}`);
  return (value) => TESTS[name](value, args);
}

function mapped(value: Value, { args, kwargs }: Call): Value {
  if (args.length === 0) {
    const { attribute, default: otherwise } = bind("map", { args, kwargs }, [
      "attribute",
      "default",
    ]);
    return new Once(itemsOf(value).map(reader(attribute, otherwise)));
  }
  const [name, ...rest] = args;
  return new Once(
    itemsOf(value).map((item) => applyFilter(text(name), item, { args: rest, kwargs })),
  );
}

const FILTERS: Readonly<Record<string, Filter>> = {
  abs: (value) => {
    const number = numeric(value);
    if (number === undefined) {
      throw new JinjaError(`bad operand type for abs(): '${typeName(value)}'`);
    }
    return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
  },
  attr: (value, { args }) => {
    if (isDict(value)) throw new Unsupported("attr of a dict");
    return attributeOf(value, text(args[0]));
  },
  batch: (value, call) => {
    const { linecount, fill_with } = bind("batch", call, ["linecount", "fill_with"]);
    const [items, size] = [iterate(value), whole(linecount, 1)];
    const rows: Value[][] = [];
    for (let i = 0; i < items.length; i += size) rows.push(items.slice(i, i + size));
    const last = rows.at(-1);
    if (last && fill_with !== undefined && fill_with !== null) {
      while (last.length < size) last.push(fill_with);
    }
    return new Once(rows);
  },
  capitalize: (value) => capitalize(text(value)),
  center: (value, call) => {
    const { width = 80 } = bind("center", call, ["width"]);
    const none = { args: [width], kwargs: new Map() };
    return stringMethod(text(value), "center")!.call(none);
  },
  count: (value) => lengthOf(value),
  d: (value, call) => FILTERS.default(value, call),
  default: (value, call) => {
    const bound = bind("default", call, ["default_value", "boolean"]);
    const { default_value = "", boolean = false } = bound;
    return value instanceof Undefined || (truth(boolean) && !truth(value)) ? default_value : value;
  },
  dictsort: (value, call) => {
    const { case_sensitive = false, by = "key", reverse = false } = bind("dictsort", call, [
      "case_sensitive",
      "by",
      "reverse",
    ]);
    if (!isDict(value)) throw new JinjaError(`dictsort: '${typeName(value)}' is no dict`);
    const at = by === "key" ? 0 : 1;
    const pairs = [...value].map((pair) => new Tuple(pair));
    const key = (pair: Value) => {
      const part = (pair as Tuple).items[at];
      return truth(case_sensitive) ? part : folded(part);
    };
    return sorted(pairs, key, truth(reverse));
  },
  first: (value) => {
    const items = iterate(value);
    return items.length > 0 ? items[0] : new Undefined("No first item, sequence was empty.");
  },
  float: (value, call) => toFloat(value, bind("float", call, ["default"]).default ?? new Float(0)),
  format: (value, { args, kwargs }) => {
    if (kwargs.size > 0) throw new Unsupported("named arguments of format");
    return percent(text(value), new Tuple(args));
  },
  indent: (value, call) => {
    const { width = 4, first = false, blank = false } = bind("indent", call, [
      "width",
      "first",
      "blank",
    ]);
    if (typeof value !== "string") throw new JinjaError(`indent: '${typeName(value)}' is no text`);
    const by = typeof width === "string" ? width : " ".repeat(whole(width, 4));
    const [head, ...rest] = lines(value + "\n"); // so that an empty last line is kept
    const indented = [head, ...rest.map((line) => truth(blank) || line !== "" ? by + line : line)];
    return (truth(first) ? by : "") + indented.join("\n");
  },
  int: (value, call) => {
    const { default: otherwise = 0, base } = bind("int", call, ["default", "base"]);
    if (base !== undefined && base !== 10) throw new Unsupported("int with another base");
    return toInt(value, otherwise);
  },
  items: (value) => {
    if (value instanceof Undefined) return new Once([]);
    if (!isDict(value)) throw new JinjaError("Can only get item pairs from a mapping.");
    return new Once([...value].map((pair) => new Tuple(pair)));
  },
  join: (value, call) => {
    const { d = "", attribute } = bind("join", call, ["d", "attribute"]);
    return iterate(value).map(reader(attribute)).map(text).join(text(d));
  },
  last: (value) => {
    if (value instanceof Once) throw new JinjaError("'generator' object is not reversible");
    return iterate(value).at(-1) ??
      (lengthOf(value) > 0 ? null : new Undefined("No last item, sequence was empty."));
  },
  length: (value) => lengthOf(value),
  list: (value) => [...iterate(value)],
  lower: (value) => text(value).toLowerCase(),
  map: mapped,
  max: (value, call) => extreme(value, call, 1),
  min: (value, call) => extreme(value, call, -1),
  reject: chosen("reject", false, false),
  rejectattr: chosen("rejectattr", false, true),
  replace: (value, call) => {
    const { old, new: to, count } = bind("replace", call, ["old", "new", "count"]);
    if (old === undefined || to === undefined) {
      throw new JinjaError("replace: two texts are needed");
    }
    return replace(text(value), text(old), text(to), count === null ? -1 : whole(count, -1));
  },
  reverse: (value) => {
    if (typeof value === "string") return [...value].reverse().join("");
    return new Once(iterate(value).toReversed());
  },
  round: (value, call) => {
    const { precision = 0, method = "common" } = bind("round", call, ["precision", "method"]);
    const number = numeric(value);
    if (number === undefined) throw new JinjaError(`round: '${typeName(value)}' is no number`);
    if (precision !== 0) throw new Unsupported("round to a precision");
    if (method !== "common") {
      return new Float(method === "ceil" ? Math.ceil(number) : Math.floor(number));
    }
    if (!(value instanceof Float)) return number;
    const half = Math.abs(number % 1) === 0.5;
    return new Float(half ? 2 * Math.round(number / 2) : Math.round(number));
  },
  safe: (value) => new Safe(text(value)),
  select: chosen("select", true, false),
  selectattr: chosen("selectattr", true, true),
  sort: (value, call) => ordered(value, call, "sort"),
  string: (value) => text(value),
  sum: (value, call) => {
    const { attribute, start = 0 } = bind("sum", call, ["attribute", "start"]);
    const items = [start, ...iterate(value).map(reader(attribute))];
    const numbers = items.map((item) => {
      const number = numeric(item);
      if (number === undefined) throw new Unsupported(`sum of a ${typeName(item)}`);
      return number;
    });
    const total = numbers.reduce((sum, number) => sum + number, 0);
    return items.some((item) => item instanceof Float) ? new Float(total) : total;
  },
  title: (value) => titleFilter(text(value)),
  tojson: toJson,
  trim: (value, call) => strip(text(value), bind("trim", call, ["chars"]).chars),
  unique: (value, call) => {
    const { case_sensitive = false, attribute } = bind("unique", call, [
      "case_sensitive",
      "attribute",
    ]);
    const read = reader(attribute);
    const seen: Value[] = [];
    return new Once(
      iterate(value).filter((item) => {
        const key = truth(case_sensitive) ? read(item) : folded(read(item));
        if (isList(key) || isDict(key)) throw new JinjaError(`unhashable type: '${typeName(key)}'`);
        if (seen.some((other) => equals(other, key))) return false;
        seen.push(key);
        return true;
      }),
    );
  },
  upper: (value) => text(value).toUpperCase(),
  wordcount: (value) => text(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0,
};

/** Refuses a filter, or a test read as one, that is not here. */
export function checkFilter(name: string): void {
  const test = /^is (?:not )?(.*)$/.exec(name)?.[1];
  if (test !== undefined) {
    if (!Object.hasOwn(TESTS, test)) throw new Unsupported(`the test ${test}`);
  } else if (!Object.hasOwn(FILTERS, name)) throw new Unsupported(`the filter ${name}`);
}

/** `value | name(...)`, or `value is name(...)` under the name "is name". */
export function applyFilter(name: string, value: Value, call: Call): Value {
  checkFilter(name);
  const test = /^is (not )?(.*)$/.exec(name);
  if (!test && value instanceof Safe && name !== "safe") {
    throw new Unsupported(`the filter ${name} of text marked safe`);
  }
  if (!test) return FILTERS[name](value, call);
  if (call.kwargs.size > 0) throw new Unsupported(`named arguments of a test`);
  return TESTS[test[2]](value, call.args) !== (test[1] !== undefined);
}

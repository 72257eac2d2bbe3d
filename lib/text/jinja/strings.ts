import {
  bind,
  type Call,
  Func,
  iterate,
  JinjaError,
  lengthOf,
  numeric,
  repr,
  SPACE,
  text,
  Tuple,
  typeName,
  Undefined,
  Unsupported,
  type Value,
} from "./values.ts";

/** Python's `str.strip`: from one end or both, white space or a set of characters. */
export function strip(value: string, chars: Value | undefined, ends = "both"): string {
  const set = chars === undefined || chars === null ? null : new Set(string("strip", chars));
  const letters = set ? [...value] : value; // white space is one unit a character
  const drop = (char: string) => set ? set.has(char) : IS_SPACE.test(char);
  let [start, end] = [0, letters.length];
  if (ends !== "right") { while (start < end && drop(letters[start])) start++; }
  if (ends !== "left") { while (end > start && drop(letters[end - 1])) end--; }
  const kept = letters.slice(start, end);
  return typeof kept === "string" ? kept : kept.join("");
}

const IS_SPACE = new RegExp(`[${SPACE}]`);
const SPACE_RUN = new RegExp(`[${SPACE}]+`);
// deno-lint-ignore no-control-regex -- what str.splitlines ends a line at
const LINE = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;

function string(method: string, value: Value | undefined): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  throw new JinjaError(`${method}: a str is needed, not ${typeName(value ?? null)}`);
}

/** An integer argument. */
export function whole(value: Value | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  throw new JinjaError(`'${typeName(value)}' object cannot be interpreted as an integer`);
}

/** First letter large, the others small. */
export function capitalize(value: string): string {
  const [first = "", ...rest] = value;
  return titled(first) + rest.join("").toLowerCase();
}

function titled(letter: string): string {
  if (/[Ǆ-ǌǱ-ǳ]/.test(letter)) throw new Unsupported(`the title case of ${letter}`);
  const [first = "", ...rest] = letter.toUpperCase();
  return first + rest.join("").toLowerCase();
}

const title = (value: string) =>
  value.replace(/\p{Cased}+/gu, (word) => {
    const [first, ...rest] = word;
    return titled(first) + rest.join("").toLowerCase();
  });

/** Python's `str.replace`; a negative count means all. */
export function replace(value: string, from: string, to: string, count = -1): string {
  const parts = from === "" ? ["", ...value, ""] : value.split(from);
  const times = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  return parts.slice(0, times + 1).join(to) +
    (times + 1 < parts.length ? (times >= 0 ? from : "") : "") +
    parts.slice(times + 1).join(from);
}

function split(value: string, { args, kwargs }: Call, fromRight: boolean): string[] {
  const bound = bind("split", { args, kwargs }, ["sep", "maxsplit"]);
  const most = whole(bound.maxsplit, -1);
  if (bound.sep === undefined || bound.sep === null) {
    const trimmed = strip(value, undefined, fromRight ? "right" : "left");
    const words = strip(value, undefined);
    if (words === "") return [];
    const parts = words.split(SPACE_RUN);
    if (most < 0 || parts.length <= most) return parts;
    // The part that is left whole keeps its inner and outer blanks.
    let rest = trimmed;
    const cut: string[] = [];
    for (let i = 0; i < most; i++) {
      const at = fromRight
        ? rest.length - [...rest].reverse().join("").search(IS_SPACE)
        : rest.search(IS_SPACE);
      cut.push(fromRight ? rest.slice(at) : rest.slice(0, at));
      rest = strip(
        fromRight ? rest.slice(0, at) : rest.slice(at),
        undefined,
        fromRight ? "right" : "left",
      );
    }
    return fromRight ? [rest, ...cut.reverse()] : [...cut, rest];
  }
  const sep = string("split", bound.sep);
  if (sep === "") throw new JinjaError("empty separator");
  const parts = value.split(sep);
  if (most < 0 || parts.length <= most + 1) return parts;
  return fromRight
    ? [parts.slice(0, parts.length - most).join(sep), ...parts.slice(parts.length - most)]
    : [...parts.slice(0, most), parts.slice(most).join(sep)];
}

function partition(value: string, sep: string, at: number, right: boolean): Tuple {
  if (sep === "") throw new JinjaError("empty separator");
  if (at < 0) return new Tuple(right ? ["", "", value] : [value, "", ""]);
  return new Tuple([value.slice(0, at), sep, value.slice(at + sep.length)]);
}

/** Lines without their ends. */
export function lines(value: string, keepEnds = false): string[] {
  const out: string[] = [];
  let from = 0;
  for (const { 0: end, index } of value.matchAll(LINE)) {
    out.push(value.slice(from, keepEnds ? index + end.length : index));
    from = index + end.length;
  }
  return from < value.length ? [...out, value.slice(from)] : out;
}

function affixed(value: string, { args }: Call, method: "startsWith" | "endsWith"): boolean {
  if (args.length !== 1) throw new Unsupported(`${method.toLowerCase()} with a range`);
  const affixes = args[0] instanceof Tuple ? args[0].items : [args[0]];
  return affixes.some((affix) => value[method](string(method.toLowerCase(), affix)));
}

function find(value: string, call: Call, { name, last = false }: { name: string; last?: boolean }) {
  if (call.args.length !== 1) throw new Unsupported(`${name} with a range`);
  const wanted = string(name, call.args[0]);
  const at = last ? value.lastIndexOf(wanted) : value.indexOf(wanted);
  if (at < 0 && name.endsWith("index")) throw new JinjaError("substring not found");
  return at < 0 ? -1 : [...value.slice(0, at)].length;
}

function padded(value: string, call: Call, side: "left" | "right" | "both"): string {
  const { width, fillchar = " " } = bind("just", call, ["width", "fillchar"]);
  const fill = string("fillchar", fillchar);
  const missing = Math.max(0, whole(width, 0) - lengthOf(value));
  if (side === "left") return fill.repeat(missing) + value;
  if (side === "right") return value + fill.repeat(missing);
  // CPython puts the odd blank left where the width is odd.
  const left = (missing >> 1) + (missing & whole(width, 0) & 1);
  return fill.repeat(left) + value + fill.repeat(missing - left);
}

/** `{}` and `{name}` of `str.format`. */
function format(value: string, { args, kwargs }: Call): string {
  let next = 0;
  return value.replace(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (all, field?: string) => {
    if (all === "{{" || all === "}}") return all[0];
    if (field === undefined) throw new JinjaError("single brace in format string");
    if (!/^\w*$/.test(field)) throw new Unsupported(`the format field {${field}}`);
    const found = field === ""
      ? args[next++]
      : /^\d+$/.test(field)
      ? args[Number(field)]
      : kwargs.get(field);
    if (found === undefined) throw new JinjaError(`format: no argument for {${field}}`);
    return text(found);
  });
}

/** `"..." % values`. */
export function percent(pattern: string, values: Value): string {
  const rest = values instanceof Tuple ? [...values.items] : [values];
  const out = pattern.replace(/%([^%sdir]?)([%sdir]?)/g, (all, odd: string, kind: string) => {
    if (odd !== "" || kind === "") throw new Unsupported(`the format ${all}`);
    if (kind === "%") return "%";
    if (rest.length === 0) throw new JinjaError("not enough arguments for format string");
    const value = rest.shift()!;
    if (kind === "s") return text(value);
    if (kind === "r") return repr(value);
    const number = numeric(value);
    if (number === undefined) throw new JinjaError(`%${kind} format: a number is required`);
    return String(Math.trunc(number));
  });
  const single = typeof values === "string" || values === null || numeric(values) !== undefined;
  if (rest.length > 0 && (single || values instanceof Tuple)) {
    throw new JinjaError("not all arguments converted during string formatting");
  }
  return out;
}

const every = (value: string, pattern: RegExp) =>
  value !== "" && [...value].every((c) => pattern.test(c));
const cased = (value: string, to: "toLowerCase" | "toUpperCase") =>
  /\p{Cased}/u.test(value) &&
  [...value].every((c) =>
    !(to === "toLowerCase" ? /[\p{Uppercase}\p{Lt}]/u : /[\p{Lowercase}\p{Lt}]/u).test(c)
  );

const METHODS: Readonly<Record<string, (value: string, call: Call) => Value>> = {
  capitalize,
  count: (value, { args }) => {
    if (args.length !== 1) throw new Unsupported("count with a range");
    const wanted = string("count", args[0]);
    return wanted === "" ? lengthOf(value) + 1 : value.split(wanted).length - 1;
  },
  center: (value, call) => padded(value, call, "both"),
  endswith: (value, call) => affixed(value, call, "endsWith"),
  find: (value, call) => find(value, call, { name: "find" }),
  format,
  index: (value, call) => find(value, call, { name: "index" }),
  isalnum: (value) => every(value, /[\p{L}\p{N}]/u),
  isalpha: (value) => every(value, /\p{L}/u),
  isascii: (value) => !/[^\0-\x7f]/.test(value),
  isdecimal: (value) => every(value, /\p{Nd}/u),
  isdigit: (value) => {
    if (/[\p{No}\p{Nl}]/u.test(value)) throw new Unsupported("str.isdigit of other than 0 to 9");
    return every(value, /\p{Nd}/u);
  },
  islower: (value) => cased(value, "toLowerCase"),
  isspace: (value) => every(value, IS_SPACE),
  isupper: (value) => cased(value, "toUpperCase"),
  join: (value, { args }) =>
    iterate(args[0] ?? null).map((item) => string("join", item)).join(value),
  ljust: (value, call) => padded(value, call, "right"),
  lower: (value) => value.toLowerCase(),
  lstrip: (value, { args }) => strip(value, args[0], "left"),
  partition: (value, { args }) => {
    const sep = string("partition", args[0]);
    return partition(value, sep, value.indexOf(sep), false);
  },
  removeprefix: (value, { args }) => {
    const prefix = string("removeprefix", args[0]);
    return value.startsWith(prefix) ? value.slice(prefix.length) : value;
  },
  removesuffix: (value, { args }) => {
    const suffix = string("removesuffix", args[0]);
    return suffix !== "" && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value;
  },
  replace: (value, call) => {
    const bound = bind("replace", call, ["old", "new", "count"]);
    return replace(
      value,
      string("replace", bound.old),
      string("replace", bound.new),
      whole(bound.count, -1),
    );
  },
  rfind: (value, call) => find(value, call, { name: "rfind", last: true }),
  rindex: (value, call) => find(value, call, { name: "rindex", last: true }),
  rjust: (value, call) => padded(value, call, "left"),
  rpartition: (value, { args }) => {
    const sep = string("rpartition", args[0]);
    return partition(value, sep, value.lastIndexOf(sep), true);
  },
  rsplit: (value, call) => split(value, call, true),
  rstrip: (value, { args }) => strip(value, args[0], "right"),
  split: (value, call) => split(value, call, false),
  splitlines: (value, call) =>
    lines(value, bind("splitlines", call, ["keepends"]).keepends === true),
  startswith: (value, call) => affixed(value, call, "startsWith"),
  strip: (value, { args }) => strip(value, args[0]),
  title,
  upper: (value) => value.toUpperCase(),
  zfill: (value, { args }) => {
    const sign = /^[+-]/.exec(value)?.[0] ?? "";
    const width = whole(args[0], 0) - sign.length;
    return sign + "0".repeat(Math.max(0, width - lengthOf(value.slice(sign.length)))) +
      value.slice(sign.length);
  },
};

const OTHERS = "casefold encode expandtabs format_map isidentifier isnumeric isprintable " +
  "istitle maketrans swapcase translate";

/**
 * A method of Python's `str`, undefined where it has none of that name.
 *
 * @throws Unsupported for one that is not here.
 */
export function stringMethod(value: string, name: string): Func | undefined {
  if (Object.hasOwn(METHODS, name)) {
    return new Func(name, (call) => METHODS[name](value, call));
  }
  if (OTHERS.split(" ").includes(name)) throw new Unsupported(`str.${name}`);
  return undefined;
}

/** The title filter of Jinja2, which has other words than `str.title`. */
export function titleFilter(value: string): string {
  return value.split(new RegExp(`([-${SPACE}({\\[<]+)`)).map((word) => {
    const [first = "", ...rest] = word;
    return first.toUpperCase() + rest.join("").toLowerCase();
  }).join("");
}

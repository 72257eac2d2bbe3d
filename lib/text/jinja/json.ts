import {
  bind,
  type Call,
  Float,
  floatText,
  isDict,
  isList,
  JinjaError,
  truth,
  Tuple,
  typeName,
  Unsupported,
  type Value,
} from "./values.ts";
import { sorted } from "./numbers.ts";

/** `tojson` of transformers: Python's `json.dumps` without Jinja2's escapes of HTML. */
export function toJson(value: Value, call: Call): string {
  const options = bind("tojson", call, ["ensure_ascii", "indent", "separators", "sort_keys"]);
  const { ensure_ascii = false, indent = null, separators = null, sort_keys = false } = options;
  const step = typeof indent === "number" ? " ".repeat(Math.max(0, indent)) : indent;
  if (step !== null && typeof step !== "string") throw new JinjaError("indent is no integer");
  const parts = separators instanceof Tuple ? separators.items : separators;
  if (parts !== null && !(isList(parts) && parts.length === 2)) {
    throw new JinjaError("separators are no pair");
  }
  const [between, after] = parts ?? [step === null ? ", " : ",", ": "];
  if (typeof between !== "string" || typeof after !== "string") {
    throw new JinjaError("separators are no strings");
  }
  const quoted = (text: string) => {
    const plain = JSON.stringify(text);
    return truth(ensure_ascii)
      ? plain.replace(
        /[^\0-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      )
      : plain;
  };
  const write = (item: Value, depth: number): string => {
    if (item === null || typeof item === "number" || typeof item === "boolean") {
      return JSON.stringify(item);
    }
    if (typeof item === "string") return quoted(item);
    if (item instanceof Float) return floatText(item.value);
    const [start, end] = step === null
      ? ["", ""]
      : [`\n${step.repeat(depth + 1)}`, `\n${step.repeat(depth)}`];
    const block = (open: string, items: string[], close: string) =>
      items.length === 0 ? open + close : open + start + items.join(between + start) + end + close;
    if (isList(item) || item instanceof Tuple) {
      const items = item instanceof Tuple ? item.items : item;
      return block("[", items.map((each) => write(each, depth + 1)), "]");
    }
    if (isDict(item)) {
      const keys = [...item.keys()];
      const ordered = truth(sort_keys) ? sorted(keys, (key) => key, false) : keys;
      return block(
        "{",
        ordered.map((key) => {
          if (typeof key !== "string") throw new Unsupported("tojson of keys that are no text");
          return `${quoted(key)}${after}${write(item.get(key)!, depth + 1)}`;
        }),
        "}",
      );
    }
    throw new JinjaError(`Object of type ${typeName(item)} is not JSON serializable`);
  };
  return write(value, 0);
}

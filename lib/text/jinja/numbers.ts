import { strip } from "./strings.ts";
import {
  compare,
  Float,
  JinjaError,
  numeric,
  Undefined,
  Unsupported,
  type Value,
} from "./values.ts";

/** `int(...)` of the filter. */
export function toInt(value: Value, fallback: Value): Value {
  const number = parsed(value);
  if (number === undefined || !Number.isFinite(number)) return fallback;
  return Math.trunc(number) + 0;
}

/** `float(...)` of the filter. */
export function toFloat(value: Value, fallback: Value): Value {
  const number = parsed(value);
  return number === undefined ? fallback : new Float(number);
}

function parsed(value: Value): number | undefined {
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  if (typeof value !== "string") return numeric(value);
  const plain = strip(value, undefined);
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][+-]?\d+)?$/.test(plain)) {
    if (/^[+-]?(nan|inf|infinity)$/i.test(plain)) throw new Unsupported(`the number ${plain}`);
    if (/[^\0-\x7f]/.test(plain)) throw new Unsupported("the number in text that is not ASCII");
    return undefined;
  }
  return Number(plain.replaceAll("_", ""));
}

/** Items in order, without regard to case where the filter says so. */
export function sorted(
  items: readonly Value[],
  key: (value: Value) => Value,
  reverse: boolean,
): Value[] {
  const keyed = items.map((value) => ({ value, by: key(value) }));
  keyed.sort((a, b) => (reverse ? -1 : 1) * compare(a.by, b.by));
  return keyed.map(({ value }) => value);
}

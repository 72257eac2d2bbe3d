import { contains } from "./objects.ts";
import {
  compare,
  equals,
  Float,
  Func,
  isDict,
  isList,
  iterate,
  JinjaError,
  Loop,
  Namespace,
  numeric,
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
import { stringMethod } from "./strings.ts";

type Test = (value: Value, args: readonly Value[]) => boolean;

const ordering = (operator: string, holds: (order: number) => boolean): Test => (value, [other]) =>
  holds(compare(value, other, operator));

function remainder(value: Value, by: Value | undefined): number {
  const [number, divisor] = [numeric(value), numeric(by ?? null)];
  if (value instanceof Undefined) throw new JinjaError(value.reason);
  if (typeof value === "string") throw new JinjaError("not all arguments converted");
  if (number === undefined || divisor === undefined) {
    throw new JinjaError(`unsupported operand type(s) for %: '${typeName(value)}'`);
  }
  if (divisor === 0) throw new JinjaError("integer modulo by zero");
  return ((number % divisor) + divisor) % divisor;
}

const none = { args: [], kwargs: new Map<string, Value>() };
const eq: Test = (value, [other]) => equals(value, other);
const ne: Test = (value, [other]) => !equals(value, other);
const [lt, le] = [ordering("<", (order) => order < 0), ordering("<=", (order) => order <= 0)];
const [gt, ge] = [ordering(">", (order) => order > 0), ordering(">=", (order) => order >= 0)];

/** Jinja2's tests: https://jinja.palletsprojects.com/en/stable/templates/#builtin-tests */
export const TESTS: Readonly<Record<string, Test>> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Func || value instanceof Loop || value instanceof Undefined,
  defined: (value) => !(value instanceof Undefined),
  divisibleby: (value, [by]) => remainder(value, by) === 0,
  even: (value) => remainder(value, 2) === 0,
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  in: (value, [container]) => contains(container, value),
  integer: (value) => typeof value === "number",
  iterable: (value) => {
    if (value instanceof Once) return true;
    if (value instanceof Loop || value instanceof Namespace || value instanceof Func) return false;
    try {
      iterate(value);
      return true;
    } catch (error) {
      if (error instanceof JinjaError) return false;
      throw error;
    }
  },
  lower: (value) => stringMethod(text(value), "islower")!.call(none) === true,
  mapping: isDict,
  none: (value) => value === null,
  number: (value) => numeric(value) !== undefined,
  odd: (value) => remainder(value, 2) === 1,
  sameas: (value, [other]) => {
    if (
      value === null || typeof value === "boolean" || other === null || typeof other === "boolean"
    ) {
      return value === other;
    }
    throw new Unsupported("the test sameas of other things than true, false and none");
  },
  sequence: (value) =>
    typeof value === "string" || isList(value) || isDict(value) || value instanceof Tuple ||
    value instanceof Undefined || (value instanceof View && value.name === "range"),
  string: (value) => typeof value === "string" || value instanceof Safe,
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: (value) => stringMethod(text(value), "isupper")!.call(none) === true,
  eq,
  "==": eq,
  equalto: eq,
  ne,
  "!=": ne,
  lt,
  "<": lt,
  lessthan: lt,
  le,
  "<=": le,
  gt,
  ">": gt,
  greaterthan: gt,
  ge,
  ">=": ge,
};

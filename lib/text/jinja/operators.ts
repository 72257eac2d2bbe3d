import { contains } from "./objects.ts";
import { percent } from "./strings.ts";
import {
  compare,
  equals,
  Float,
  int,
  isList,
  JinjaError,
  numeric,
  Safe,
  text,
  Tuple,
  typeName,
  Undefined,
  Unsupported,
  type Value,
} from "./values.ts";

/** `left operator right`, but for `and` and `or`, which do not always read the right. */
export function binary(operator: string, left: Value, right: Value): Value {
  switch (operator) {
    case "==":
      return equals(left, right);
    case "!=":
      return !equals(left, right);
    case "<":
      return compare(left, right, operator) < 0;
    case "<=":
      return compare(left, right, operator) <= 0;
    case ">":
      return compare(left, right, operator) > 0;
    case ">=":
      return compare(left, right, operator) >= 0;
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    case "~":
      return text(left) + text(right);
  }
  if (left instanceof Safe || right instanceof Safe) {
    throw new Unsupported(`${operator} with text marked safe`);
  }
  const [a, b] = [numeric(left), numeric(right)];
  if (a !== undefined && b !== undefined) {
    const float = left instanceof Float || right instanceof Float;
    return arithmetic(operator, a, b, float);
  }
  if (operator === "+") {
    if (typeof left === "string" && typeof right === "string") return left + right;
    if (isList(left) && isList(right)) return [...left, ...right];
    if (left instanceof Tuple && right instanceof Tuple) {
      return new Tuple([...left.items, ...right.items]);
    }
  }
  if (operator === "*") {
    const [times, value] = numeric(left) === undefined ? [right, left] : [left, right];
    if (typeof times === "number" || typeof times === "boolean") {
      const copies = Array.from({ length: Math.max(0, Number(times)) });
      if (typeof value === "string") return value.repeat(copies.length);
      if (isList(value)) return copies.flatMap(() => value);
      if (value instanceof Tuple) return new Tuple(copies.flatMap(() => value.items));
    }
  }
  if (operator === "%" && typeof left === "string") return percent(left, right);
  for (const value of [left, right]) {
    if (value instanceof Undefined) throw new JinjaError(value.reason);
  }
  throw new JinjaError(
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function arithmetic(operator: string, a: number, b: number, float: boolean): Value {
  const made = (value: number): Value => float ? new Float(value) : int(value);
  switch (operator) {
    case "+":
      return made(a + b);
    case "-":
      return made(a - b);
    case "*":
      return made(a * b);
    case "**":
      if (a === 0 && b < 0) throw new JinjaError("0.0 cannot be raised to a negative power");
      if (Number.isNaN(a ** b)) throw new Unsupported("complex numbers");
      return b < 0 ? new Float(a ** b) : made(a ** b);
  }
  if (b === 0) throw new JinjaError("division by zero");
  if (operator === "/") return new Float(a / b);
  const rest = a % b;
  const remainder = rest !== 0 && (rest < 0) !== (b < 0) ? rest + b : rest; // has the divisor's sign
  return made(operator === "//" ? Math.floor((a - remainder) / b) : remainder);
}

/** `-value`, `+value` and `not value`. */
export function unary(operator: string, value: Value): Value {
  const number = numeric(value);
  if (number === undefined) {
    throw new JinjaError(
      value instanceof Undefined
        ? value.reason
        : `bad operand type for unary ${operator}: '${typeName(value)}'`,
    );
  }
  const signed = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(signed) : signed + 0;
}

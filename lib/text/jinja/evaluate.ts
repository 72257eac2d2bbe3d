import { applyFilter } from "./filters.ts";
import { attributeOf, itemOf, refusePrivate, sliceOf } from "./objects.ts";
import { loopOf } from "./loop.ts";
import { binary, unary } from "./operators.ts";
import { Scope } from "./scope.ts";
import {
  type CallNode,
  filterCall,
  type Name,
  type Node,
  nodesIn,
  type Parameter,
} from "./syntax.ts";
import {
  type Call,
  equals,
  Float,
  Func,
  int,
  isDict,
  iterate,
  JinjaError,
  Loop,
  Namespace,
  text,
  truth,
  Tuple,
  typeName,
  Undefined,
  Unsupported,
  type Value,
} from "./values.ts";

type Left = "break" | "continue" | undefined;

/** The text of a block whose names no one outside sees. */
function captured(nodes: readonly Node[], scope: Scope): string {
  const out: string[] = [];
  run(nodes, scope, out);
  return out.join("");
}

/**
 * Runs statements as Jinja2 runs them, each name in Python's meaning.
 *
 * @param out Grows by what is written, which stays whatever ends the block.
 * @returns What ended the block early, undefined at its end.
 */
export function run(nodes: readonly Node[], scope: Scope, out: string[]): Left {
  for (const node of nodes) {
    let left: Left;
    switch (node.type) {
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "If":
        left = run(truth(evaluate(node.test, scope)) ? node.body : node.alternate, scope, out);
        break;
      case "For":
        runFor(node, scope, out);
        break;
      case "Set":
        if (node.value) assign(node.assignee, evaluate(node.value, scope), scope);
        else assignBlock(node.assignee, captured(node.body, new Scope(scope)), scope);
        break;
      case "Macro":
        scope.set(node.name.value, macro(node.name.value, node.args, node.body, scope));
        break;
      case "CallStatement": {
        const caller = macro("caller", node.callerArgs ?? [], node.body, scope);
        const { args, kwargs } = callOf(node.call.args, scope);
        const call = { args, kwargs: new Map([...kwargs, ["caller", caller]]) };
        out.push(text(invoke(evaluate(node.call.callee, scope), call)));
        break;
      }
      case "FilterStatement":
        out.push(text(filtered(captured(node.body, new Scope(scope)), node.filter, scope)));
        break;
      default:
        out.push(text(evaluate(node, scope)));
    }
    if (left) return left;
  }
  return undefined;
}

function runFor(node: Extract<Node, { type: "For" }>, scope: Scope, out: string[]): void {
  const select = node.iterable.type === "SelectExpression" ? node.iterable : null;
  const items = iterate(evaluate(select?.lhs ?? node.iterable, scope)).values();
  const taken: Value[] = [];
  // An item is asked for when it is needed, since a turn may change what the condition reads.
  const reaches = (count: number): boolean => {
    while (taken.length < count) {
      const { value, done } = items.next();
      if (done) return false;
      const inner = new Scope(scope);
      if (select) assign(node.loopvar, value, inner);
      if (!select || truth(evaluate(select.test, inner))) taken.push(value);
    }
    return true;
  };
  let whole = false; // an iteration that came to its end
  let before: readonly Value[] | undefined;
  const changed = (values: readonly Value[]) => {
    const same = before !== undefined && equals(before, values);
    before = values;
    return !same;
  };
  for (let i = 0; reaches(i + 1); i++) {
    const item = taken[i];
    const inner = new Scope(scope);
    inner.set("loop", loopOf(i, { taken, reaches, changed }));
    assign(node.loopvar, item, inner);
    const left = run(node.body, inner, out);
    if (left === "break") break;
    if (left === undefined) whole = true;
  }
  if (!whole) run(node.defaultBlock, new Scope(scope), out);
}

/** `{% set name | filter %}...{% endset %}`; the filter written last comes last. */
function assignBlock(target: Node, value: Value, scope: Scope): void {
  if (target.type !== "FilterExpression") return assign(target, value, scope);
  const filters: (Name | CallNode)[] = [];
  let name: Node = target;
  for (; name.type === "FilterExpression"; name = name.operand) filters.unshift(name.filter);
  assign(name, filters.reduce((text, filter) => filtered(text, filter, scope), value), scope);
}

function assign(target: Node, value: Value, scope: Scope): void {
  if (target.type === "Identifier") scope.set(target.value, value);
  else if (target.type === "TupleLiteral") {
    const values = iterate(value);
    if (values.length !== target.value.length) {
      throw new JinjaError(`${values.length} values for ${target.value.length} names`);
    }
    target.value.forEach((part, i) => assign(part, values[i], scope));
  } else if (target.type === "MemberExpression" && target.property.type === "Identifier") {
    const object = evaluate(target.object, scope);
    if (!(object instanceof Namespace)) {
      throw new JinjaError("cannot assign attribute on non-namespace object");
    }
    refusePrivate(target.property.value);
    object.attributes.set(target.property.value, value);
  } else throw new JinjaError("cannot assign to this");
}

function macro(name: string, parameters: readonly Parameter[], body: Node[], scope: Scope): Func {
  const used = new Set<string>();
  for (const node of nodesIn(body)) if (node.type === "Identifier") used.add(node.value);
  return new Func(name, ({ args, kwargs }) => {
    const inner = new Scope(scope);
    const rest = new Map(kwargs);
    const caller = rest.get("caller");
    if (!parameters.some((one) => nameOf(one) === "caller")) rest.delete("caller");
    inner.set("caller", caller ?? new Undefined("No caller defined"));
    const defaults: [string, Node][] = [];
    parameters.forEach((parameter, i) => {
      const key = nameOf(parameter);
      const given = i < args.length ? args[i] : rest.get(key);
      if (i < args.length && rest.has(key)) {
        throw new JinjaError(`macro '${name}' got multiple values for argument '${key}'`);
      }
      rest.delete(key);
      inner.set(key, given ?? new Undefined(`parameter '${key}' was not provided`));
      if (given === null) inner.set(key, null);
      if (given === undefined && parameter.type !== "Identifier") {
        defaults.push([key, parameter.value]);
      }
    });
    if (kwargs.has("caller") && !used.has("caller")) {
      throw new JinjaError(`macro '${name}' does not use the caller that a call block gives it`);
    }
    if (used.has("kwargs")) inner.set("kwargs", new Map<Value, Value>(rest));
    else if (rest.size > 0) {
      throw new JinjaError(`macro '${name}' takes no keyword argument '${[...rest.keys()][0]}'`);
    }
    if (used.has("varargs")) inner.set("varargs", new Tuple(args.slice(parameters.length)));
    else if (args.length > parameters.length) {
      throw new JinjaError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    }
    for (const [key, value] of defaults) inner.set(key, evaluate(value, inner));
    return captured(body, inner);
  });
}

const nameOf = (parameter: Parameter): string =>
  parameter.type === "Identifier" ? parameter.value : parameter.key.value;

function callOf(nodes: readonly Node[], scope: Scope): Call {
  const args: Value[] = [];
  const kwargs = new Map<string, Value>();
  for (const node of nodes) {
    if (node.type === "KeywordArgumentExpression") {
      kwargs.set(node.key.value, evaluate(node.value, scope));
    } else if (node.type === "SpreadExpression") {
      args.push(...iterate(evaluate(node.argument, scope)));
    } else if (node.type === "KeywordSpreadExpression") {
      const more = evaluate(node.argument, scope);
      if (!isDict(more)) throw new JinjaError("argument after ** must be a mapping");
      for (const [key, value] of more) kwargs.set(text(key), value);
    } else args.push(evaluate(node, scope));
  }
  return { args, kwargs };
}

function invoke(callee: Value, call: Call): Value {
  if (callee instanceof Func) return callee.call(call);
  if (callee instanceof Undefined) throw new JinjaError(callee.reason);
  if (callee instanceof Loop) throw new Unsupported("a recursive loop");
  throw new JinjaError(`'${typeName(callee)}' object is not callable`);
}

function filtered(value: Value, filter: Name | CallNode, scope: Scope): Value {
  const { name, args } = filterCall(filter);
  return applyFilter(name, value, callOf(args, scope));
}

const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

function evaluate(node: Node, scope: Scope): Value {
  switch (node.type) {
    case "StringLiteral":
      return node.value;
    case "IntegerLiteral":
      return int(node.value);
    case "FloatLiteral":
      return new Float(node.value);
    case "Identifier":
      return Object.hasOwn(CONSTANTS, node.value) ? CONSTANTS[node.value] : scope.get(node.value);
    case "ArrayLiteral":
      return node.value.map((item) => evaluate(item, scope));
    case "TupleLiteral":
      return new Tuple(node.value.map((item) => evaluate(item, scope)));
    case "ObjectLiteral": {
      const dict = new Map<Value, Value>();
      for (const [key, value] of node.value) {
        const name = evaluate(key, scope);
        if (typeof name !== "string" && typeof name !== "number" && name !== null) {
          throw new Unsupported(`a dict with a ${typeName(name)} as key`);
        }
        dict.set(name, evaluate(value, scope));
      }
      return dict;
    }
    case "MemberExpression": {
      const object = evaluate(node.object, scope);
      const { property } = node;
      if (property.type === "SliceExpression") {
        const bounds = [property.start, property.stop, property.step];
        return sliceOf(object, bounds.map((bound) => bound && evaluate(bound, scope)));
      }
      if (node.computed) return itemOf(object, evaluate(property, scope));
      return property.type === "Identifier"
        ? attributeOf(object, property.value)
        : itemOf(object, evaluate(property, scope));
    }
    case "CallExpression":
      return invoke(evaluate(node.callee, scope), callOf(node.args, scope));
    case "FilterExpression":
      return filtered(evaluate(node.operand, scope), node.filter, scope);
    case "Ternary":
      return evaluate(
        truth(evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr,
        scope,
      );
    case "SelectExpression":
      return truth(evaluate(node.test, scope)) ? evaluate(node.lhs, scope) : new Undefined(
        "the inline if-expression evaluated to false and no else section was defined.",
      );
    case "UnaryExpression": {
      const value = evaluate(node.argument, scope);
      return node.operator.value === "not" ? !truth(value) : unary(node.operator.value, value);
    }
    case "BinaryExpression": {
      const left = evaluate(node.left, scope);
      const operator = node.operator.value;
      if (operator === "and") return truth(left) ? evaluate(node.right, scope) : left;
      if (operator === "or") return truth(left) ? left : evaluate(node.right, scope);
      if (
        operator === "**" && node.left.type === "UnaryExpression" &&
        !/Literal$/.test(node.right.type)
      ) {
        // Jinja2 writes a negative constant into Python's code without brackets.
        throw new Unsupported("a sign before a number and **");
      }
      return binary(operator, left, evaluate(node.right, scope));
    }
  }
  throw new Unsupported(`the syntax of ${node.type}`);
}

import { parse } from "@huggingface/jinja";
import { tokens } from "./lexer.ts";
import { JinjaError, Unsupported } from "./values.ts";

/** The parser's nodes, which `@huggingface/jinja` does not name. */
export type Node =
  | { readonly type: "If"; test: Node; body: Node[]; alternate: Node[] }
  | { readonly type: "For"; loopvar: Node; iterable: Node; body: Node[]; defaultBlock: Node[] }
  | { readonly type: "Set"; assignee: Node; value: Node | null; body: Node[] }
  | { readonly type: "Macro"; name: Name; args: Parameter[]; body: Node[] }
  | {
    readonly type: "CallStatement";
    call: { callee: Node; args: Node[] };
    callerArgs: Parameter[] | null;
    body: Node[];
  }
  | { readonly type: "FilterStatement"; filter: Name | CallNode; body: Node[] }
  | { readonly type: "Break" | "Continue" }
  | { readonly type: "MemberExpression"; object: Node; property: Node; computed: boolean }
  | CallNode
  | Name
  | { readonly type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { readonly type: "StringLiteral"; value: string }
  | { readonly type: "ArrayLiteral" | "TupleLiteral"; value: Node[] }
  | { readonly type: "ObjectLiteral"; value: Map<Node, Node> }
  | { readonly type: "BinaryExpression"; operator: { value: string }; left: Node; right: Node }
  | { readonly type: "UnaryExpression"; operator: { value: string }; argument: Node }
  | { readonly type: "FilterExpression"; operand: Node; filter: Name | CallNode }
  | { readonly type: "SelectExpression"; lhs: Node; test: Node }
  | { readonly type: "Ternary"; condition: Node; trueExpr: Node; falseExpr: Node }
  | { readonly type: "SliceExpression"; start?: Node; stop?: Node; step?: Node }
  | Keyword
  | { readonly type: "SpreadExpression" | "KeywordSpreadExpression"; argument: Node };

export interface Name {
  readonly type: "Identifier";
  value: string;
}
export interface CallNode {
  readonly type: "CallExpression";
  callee: Node;
  args: Node[];
}
export interface Keyword {
  readonly type: "KeywordArgumentExpression";
  key: Name;
  value: Node;
}
export type Parameter = Name | Keyword;

/** Name and arguments of a filter, or of a test read as one. */
export function filterCall(filter: Name | CallNode): { name: string; args: Node[] } {
  if (filter.type === "Identifier") return { name: filter.value, args: [] };
  if (filter.callee.type !== "Identifier") throw new Unsupported("a filter whose name is no word");
  return { name: filter.callee.value, args: filter.args };
}

/**
 * The statements of a template.
 *
 * @throws JinjaError when it is damaged.
 */
export function statements(source: string): Node[] {
  const cut = tokens(source);
  try {
    return parse(cut as Parameters<typeof parse>[0]).body as unknown as Node[];
  } catch (cause) {
    // The parser runs over the end of a template whose block or bracket is not closed.
    if (cause instanceof TypeError) {
      throw new JinjaError("a block or a bracket is not closed", { cause });
    }
    const unknown = /^Unknown statement type: (\w+)/.exec((cause as Error).message)?.[1];
    if (unknown && !unknown.startsWith("end") && unknown !== "else" && unknown !== "elif") {
      throw new Unsupported(`the tag {% ${unknown} %}`);
    }
    throw new JinjaError((cause as Error).message, { cause });
  }
}

/** Every node under some. @param enter Whether to look under a node. */
export function* nodesIn(nodes: unknown, enter = (_: Node) => true): Generator<Node> {
  if (nodes instanceof Map) yield* nodesIn([...nodes].flat(), enter);
  else if (nodes && typeof nodes === "object") {
    const node = "type" in nodes ? nodes as Node : null;
    if (node) yield node;
    if (!node || enter(node)) {
      for (const child of Object.values(nodes)) yield* nodesIn(child, enter);
    }
  }
}

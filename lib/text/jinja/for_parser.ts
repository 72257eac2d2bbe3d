import { JinjaError, Unsupported } from "./values.ts";

/** A token as the parser of `@huggingface/jinja` takes it. */
export interface Token {
  value: string;
  type: string;
}

/** What parts the operands of a comparison or a sum. */
const PARTS = ["Comma", "Colon", "Equals"];
const WORDS = ["and", "or", "not", "if", "else", "in", "set", "for", "elif"];

/** Whether a token ends an operand, so that what follows is no sign and no bracket of a tuple. */
const operand = (token: Token | undefined): boolean =>
  token !== undefined && /^(Identifier|.*Literal|Close.*)$/.test(token.type) &&
  !(token.type === "Identifier" && [...KEYWORDS, ...WORDS].includes(token.value));

const KEYWORDS = ["else", "or", "and", "if", "in", "not", "is"];

/**
 * The tokens of a tag so that the parser of `@huggingface/jinja` reads them as Jinja2 does.
 *
 * @throws Unsupported for what it cannot be made to read so.
 */
export function forParser(inner: readonly Token[]): Token[] {
  refuse(inner);
  return concatFirst(testsAsFilters(inner));
}

/**
 * `x is test(y)` as `x | is test(y)`: Jinja2 reads tests and filters at one level, and the parser knows
 * arguments of filters only.
 */
function testsAsFilters(inner: readonly Token[]): Token[] {
  const out: Token[] = [];
  const name = (i: number, value?: string) =>
    inner[i]?.type === "Identifier" && (value === undefined || inner[i].value === value);
  for (let i = 0; i < inner.length; i++) {
    // An attribute may be called "is".
    if (!name(i, "is") || inner[i - 1]?.type === "Dot") {
      out.push(inner[i]);
      continue;
    }
    const not = name(i + 1, "not");
    i += not ? 2 : 1;
    // `in` is a test as well.
    if (!name(i)) throw new JinjaError("expected the name of a test after 'is'");
    out.push({ value: "|", type: "Pipe" });
    out.push({ value: `is ${not ? "not " : ""}${inner[i].value}`, type: "Identifier" });
    const next = inner[i + 1];
    const bare = next && /^(NumericLiteral|StringLiteral)$/.test(next.type) ||
      (next?.type === "Identifier" && !KEYWORDS.includes(next.value));
    if (bare) {
      if (/^(Dot|Open)/.test(inner[i + 2]?.type ?? "")) {
        throw new Unsupported(`the argument of "is ${inner[i].value}" without brackets`);
      }
      out.push({ value: "(", type: "OpenParen" }, next, { value: ")", type: "CloseParen" });
      i++;
    } else if (next && /^Open(Square|Curly)/.test(next.type)) {
      const end = closing(inner, i + 1);
      if (/^(Dot|Open)/.test(inner[end + 1]?.type ?? "")) {
        throw new Unsupported(`the argument of "is ${inner[i].value}" without brackets`);
      }
      const argument = testsAsFilters(inner.slice(i + 1, end + 1));
      out.push({ value: "(", type: "OpenParen" }, ...argument, { value: ")", type: "CloseParen" });
      i = end;
    }
  }
  return out;
}

/**
 * `a + b ~ c` as `a + (b ~ c)`: Jinja2 reads `~` before `+` and `-`, the parser reads all three from the left.
 */
function concatFirst(inner: readonly Token[]): Token[] {
  if (!inner.some(({ value, type }) => value === "~" && type !== "StringLiteral")) {
    return [...inner];
  }
  const out: Token[] = [];
  const close: Token = { value: ")", type: "CloseParen" };
  // Of each bracket: where its last operand of + or - began, and whether a ~ is in it.
  const groups = [{ from: 0, joined: false }];
  const end = () => {
    const group = groups[groups.length - 1];
    if (group.joined) {
      out.splice(group.from, 0, { value: "(", type: "OpenParen" });
      out.push(close);
    }
  };
  for (const token of inner) {
    const { type, value } = token;
    const parts = PARTS.includes(type) || type === "ComparisonBinaryOperator" ||
      (type === "AdditiveBinaryOperator" && value !== "~" && operand(out.at(-1))) ||
      (type === "Identifier" && WORDS.includes(value) && out.at(-1)?.type !== "Dot");
    if (type.startsWith("Close")) {
      end();
      groups.pop();
    } else if (parts) end();
    out.push(token);
    if (type.startsWith("Open")) groups.push({ from: out.length, joined: false });
    else if (parts) groups[groups.length - 1] = { from: out.length, joined: false };
    else if (type === "AdditiveBinaryOperator" && value === "~") {
      groups[groups.length - 1].joined = true;
    }
  }
  end();
  return out;
}

/** Where the bracket that opens at `from` is closed. */
function closing(inner: readonly Token[], from: number): number {
  let depth = 0;
  return inner.findIndex(({ type }, i) => {
    if (i < from) return false;
    depth += type.startsWith("Open") ? 1 : type.startsWith("Close") ? -1 : 0;
    return depth === 0;
  });
}

/** Refuses comparisons in a chain, which the parser reads from the left, and what it does not know. */
function refuse(inner: readonly Token[]): void {
  const open = [{ compared: false, tuple: false }];
  let loop = inner[0]?.value === "for";
  if (loop && inner.at(-1)!.value === "recursive" && operand(inner.at(-2))) {
    throw new Unsupported("a recursive loop");
  }
  inner.forEach((token, i) => {
    const { type, value } = token;
    const before = inner[i - 1];
    const word = type === "Identifier" && before?.type !== "Dot";
    if (type.startsWith("Open")) {
      open.push({ compared: false, tuple: value === "(" && !operand(before) });
    } else if (type.startsWith("Close")) {
      if (open.pop()?.tuple && ["(", ","].includes(before.value)) {
        throw new Unsupported("a tuple that is empty or ends in a comma");
      }
    } else if (word && value === "in" && (loop || before?.value === "is")) loop = false;
    else if (type === "ComparisonBinaryOperator" || (word && value === "in")) {
      if (open.at(-1)!.compared) throw new Unsupported("comparisons in a chain, such as a < b < c");
      open.at(-1)!.compared = true;
    } else if (PARTS.includes(type) || (word && value !== "not" && WORDS.includes(value))) {
      open.at(-1)!.compared = false;
    }
  });
}

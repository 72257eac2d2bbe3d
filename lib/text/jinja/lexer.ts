import { forParser, type Token } from "./for_parser.ts";
import { JinjaError, SPACE, Unsupported } from "./values.ts";

const SPACES = new RegExp(`[${SPACE}]*`, "y");
const END_SPACES = new RegExp(`[${SPACE}]+$`);
const BLANK = new RegExp(`^[${SPACE}]+$`);
const RAW = new RegExp(`\\{%([-+]?)[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, "y");
const END_RAW = new RegExp(
  `\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
);
const NUMBER =
  /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}]*/uy;
const STRING = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,]/y;

const OPERATOR_TYPES: Readonly<Record<string, string>> = {
  "(": "OpenParen",
  ")": "CloseParen",
  "{": "OpenCurlyBracket",
  "}": "CloseCurlyBracket",
  "[": "OpenSquareBracket",
  "]": "CloseSquareBracket",
  ",": "Comma",
  ".": "Dot",
  ":": "Colon",
  "|": "Pipe",
  "=": "Equals",
  "**": "ExponentiationBinaryOperator",
  "+": "AdditiveBinaryOperator",
  "-": "AdditiveBinaryOperator",
  "~": "AdditiveBinaryOperator",
  "*": "MultiplicativeBinaryOperator",
  "/": "MultiplicativeBinaryOperator",
  "//": "MultiplicativeBinaryOperator",
  "%": "MultiplicativeBinaryOperator",
};

/** The operators and literals of one tag, and where it ends. */
interface Tag {
  readonly tokens: Token[];
  readonly end: number;
}

/**
 * Cuts a template into tokens as Jinja2's lexer does with `trim_blocks` and `lstrip_blocks`, which
 * `transformers` sets: https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control
 *
 * @throws JinjaError for a character or an end that Jinja2 refuses as well.
 */
export function tokens(template: string): Token[] {
  // Every line end becomes \n, in literals too, before anything is read; the last one goes.
  const source = template.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const out: Token[] = [];
  let at = 0;
  let lineStart = true;
  const push = (text: string) => {
    if (text !== "") out.push({ value: text, type: "Text" });
  };
  while (at < source.length) {
    const begin = nextTag(source, at);
    if (begin < 0) {
      push(source.slice(at));
      break;
    }
    const kind = source[begin + 1];
    const sign = source[begin + 2];
    push(before(source.slice(at, begin), { sign, block: kind !== "{", lineStart }));
    RAW.lastIndex = begin;
    const raw = kind === "%" ? RAW.exec(source) : null;
    let end: number;
    if (raw) {
      const start = begin + raw[0].length;
      const close = END_RAW.exec(source.slice(start));
      if (!close) throw new JinjaError("Missing end of raw directive");
      const kept = source.slice(start, start + close.index);
      push(before(kept, { sign: close[1], block: true, lineStart: raw[0].endsWith("\n") }));
      end = start + close.index + close[0].length;
    } else if (kind === "#") {
      const start = begin + (sign === "-" || sign === "+" ? 3 : 2);
      const close = source.indexOf("#}", start);
      if (close < 0) throw new JinjaError("Missing end of comment tag");
      const last = close > start ? source[close - 1] : "";
      end = after(source, { end: close + 2, sign: last, trims: true });
    } else {
      const tag = readTag(source, begin + (sign === "-" || sign === "+" ? 3 : 2), kind);
      out.push(...wrapped(tag.tokens, kind));
      end = tag.end;
    }
    lineStart = source[end - 1] === "\n";
    at = end;
  }
  return out;
}

function nextTag(source: string, from: number): number {
  for (let at = source.indexOf("{", from); at >= 0; at = source.indexOf("{", at + 1)) {
    if ("{%#".includes(source[at + 1] ?? " ")) return at;
  }
  return -1;
}

/** Text before a tag: `-` strips it, and a block strips the blanks of its own line unless `+` says not to. */
function before(
  text: string,
  { sign, block, lineStart }: { sign: string; block: boolean; lineStart: boolean },
): string {
  if (sign === "-") return text.replace(END_SPACES, "");
  if (sign === "+" || !block) return text;
  const line = text.lastIndexOf("\n") + 1;
  return (line > 0 || lineStart) && BLANK.test(text.slice(line)) ? text.slice(0, line) : text;
}

/** Where text goes on after a tag: `-` strips it, and a block drops one line end unless `+` says not to. */
function after(
  source: string,
  { end, sign, trims }: { end: number; sign: string; trims: boolean },
): number {
  if (sign === "-") {
    SPACES.lastIndex = end;
    return end + SPACES.exec(source)![0].length;
  }
  return trims && sign !== "+" && source[end] === "\n" ? end + 1 : end;
}

function readTag(source: string, start: number, kind: string): Tag {
  const close = kind === "{" ? "}}" : "%}";
  const out: Token[] = [];
  const open: string[] = [];
  const read = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  for (let at = start; at < source.length;) {
    at += read(SPACES, at)!.length;
    if (open.length === 0) {
      const signed = source[at] === "-" || (source[at] === "+" && kind === "%") ? 1 : 0;
      if (source.startsWith(close, at + signed)) {
        const sign = signed ? source[at] : "";
        return {
          tokens: out,
          end: after(source, { end: at + signed + 2, sign, trims: kind === "%" }),
        };
      }
    }
    let found: string | undefined;
    if ((found = read(NUMBER, at))) out.push({ value: number(found), type: "NumericLiteral" });
    else if ((found = read(NAME, at))) out.push({ value: found, type: "Identifier" });
    else if ((found = read(STRING, at))) {
      out.push({ value: unescaped(found.slice(1, -1)), type: "StringLiteral" });
    } else if ((found = read(OPERATOR, at))) {
      if ("([{".includes(found)) open.push(found);
      else if (")]}".includes(found)) {
        const opened = open.pop();
        if (opened === undefined || "([{".indexOf(opened) !== ")]}".indexOf(found)) {
          throw new JinjaError(`unexpected '${found}'`);
        }
      }
      out.push({ value: found, type: OPERATOR_TYPES[found] ?? "ComparisonBinaryOperator" });
    } else if (at < source.length) throw new JinjaError(`unexpected char '${source[at]}' at ${at}`);
    at += found?.length ?? 0;
  }
  throw new JinjaError("unexpected end of template");
}

/** The parser tells a float by its point. */
function number(literal: string): string {
  const value = Number(literal.replaceAll("_", ""));
  const float = /[.eE]/.test(literal) && !/^0[xX]/.test(literal);
  if (!float && !Number.isSafeInteger(value)) throw new Unsupported("integers beyond 2**53");
  const plain = String(value);
  if (float && plain.includes("e")) throw new Unsupported(`the number ${literal}`);
  return float && !plain.includes(".") ? `${plain}.0` : plain;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A literal's text: Python's "unicode-escape", which keeps what it does not know. */
function unescaped(literal: string): string {
  return literal.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([^]))/g,
    (all, x, u, long, octal, char) => {
      const hex = x ?? u ?? long;
      if (hex) return String.fromCodePoint(parseInt(hex, 16));
      if (octal) return String.fromCodePoint(parseInt(octal, 8));
      if ("xuUN".includes(char)) throw new Unsupported(`the escape \\${char}`);
      return ESCAPES[char] ?? all;
    },
  );
}

function wrapped(inner: Token[], kind: string): Token[] {
  if (kind === "{") {
    return [
      { value: "{{", type: "OpenExpression" },
      ...forParser(inner),
      { value: "}}", type: "CloseExpression" },
    ];
  }
  // {% generation %} of transformers is a call block that gives its body back.
  const [first] = inner;
  const tag = inner.length === 1 && first.type === "Identifier" ? first.value : "";
  const statement = tag === "generation"
    ? [
      { value: "call", type: "Identifier" },
      { value: GENERATION, type: "Identifier" },
      { value: "(", type: "OpenParen" },
      { value: ")", type: "CloseParen" },
    ]
    : tag === "endgeneration"
    ? [{ value: "endcall", type: "Identifier" }]
    : forParser(inner);
  return [
    { value: "{%", type: "OpenStatement" },
    ...statement,
    { value: "%}", type: "CloseStatement" },
  ];
}

/** Name of the function that a `{% generation %}` block calls; no template can name it. */
export const GENERATION = "{% generation %}";

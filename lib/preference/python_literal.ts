const NAMES: Readonly<Record<string, unknown>> = {
  None: null,
  True: true,
  False: false,
  nan: null,
  inf: null,
};
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", a: "\x07", "\n": "" },
  ...{ "\\": "\\", "'": "'", '"': '"' },
};
const CODES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const CLOSING: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };

/**
 * Reads a Python value as `repr` writes it: lists, tuples, dicts, strings, numbers, `None`, `True`, `False`. It is
 * what pandas' `to_csv` makes of lists of turns. Of numpy's arrays the commas that are left out between elements
 * are not missed, and `array(..., dtype=object)` is its list; other calls, as of a date, are null.
 *
 * @throws {Error} The text is no such value, is cut off, or numpy has left out its middle ("...").
 *
 * Source: https://docs.python.org/3/reference/lexical_analysis.html#literals
 *
 * @example
 * ```ts
 * import { parsePythonLiteral } from "./python_literal.ts";
 * parsePythonLiteral(`[{'role': 'user', 'content': "It's 5"}]`); // [{ role: "user", content: "It's 5" }]
 * ```
 */
export function parsePythonLiteral(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

class Reader {
  #at = 0;
  constructor(readonly text: string) {}

  value(): unknown {
    const c = this.#next();
    if (c === "[" || c === "(") return this.#list(CLOSING[c]);
    if (c === "{") return this.#dict();
    const [opening] = this.#match(/(?:[uUrRbB]{0,2})(?="|')/y) ?? [null];
    if (opening !== null) return this.#string(/r/i.test(opening));
    const [number] = this.#match(/[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y) ?? [null];
    if (number !== null) return Number(number.replaceAll("_", ""));
    const [name] = this.#match(/-?[A-Za-z_][\w.]*/y) ?? [null];
    if (name === null) throw this.#unexpected();
    if (this.#next() === "(") return this.#call(name);
    const plain = name.replace(/^-/, "");
    if (Object.hasOwn(NAMES, plain)) return NAMES[plain];
    throw new Error(`${name} is no Python value`);
  }

  end(): void {
    if (this.#next() !== "") throw this.#unexpected();
  }

  /** `array([...], dtype=object)` is its list; of another call nothing is known. */
  #call(name: string): unknown {
    const [first] = this.#list(")");
    return /(^|\.)array$/.test(name) ? first : null;
  }

  #list(closing: string): unknown[] {
    this.#at++;
    const items: unknown[] = [];
    while (this.#next() !== closing) {
      this.#match(/[A-Za-z_]\w*\s*=(?!=)/y); // dtype=object
      const isName = this.#match(/object\b/y) !== null;
      items.push(isName ? null : this.value());
      if (this.#next() === ",") this.#at++;
    }
    this.#at++;
    return items;
  }

  #dict(): Record<string, unknown> {
    this.#at++;
    const entries: [string, unknown][] = [];
    while (this.#next() !== "}") {
      const key = this.value();
      if (this.#next() !== ":") throw this.#unexpected();
      this.#at++;
      entries.push([String(key), this.value()]);
      if (this.#next() === ",") this.#at++;
      else if (this.#next() !== "}") throw this.#unexpected();
    }
    this.#at++;
    return Object.fromEntries(entries);
  }

  #string(raw: boolean): string {
    const quote = this.text[this.#at++];
    let value = "";
    for (;;) {
      const start = this.#at;
      while (this.#at < this.text.length && !`\\${quote}`.includes(this.text[this.#at])) this.#at++;
      value += this.text.slice(start, this.#at);
      const c = this.text[this.#at++];
      if (c === undefined) throw new Error("a string is never closed");
      if (c === quote) return value;
      value += raw ? c + this.text[this.#at++] : this.#escape();
    }
  }

  #escape(): string {
    const c = this.text[this.#at++] ?? "";
    const digits = CODES[c];
    if (digits !== undefined) {
      const hex = this.text.slice(this.#at, this.#at += digits);
      const code = /^[\da-fA-F]+$/.test(hex) && hex.length === digits ? parseInt(hex, 16) : NaN;
      if (!(code <= 0x10ffff)) throw new Error(`\\${c}${hex} is no character`);
      return c === "u" ? String.fromCharCode(code) : String.fromCodePoint(code);
    }
    if (/[0-7]/.test(c)) {
      const [rest] = this.#match(/[0-7]{0,2}/y, false) ?? [""];
      return String.fromCharCode(parseInt(c + rest, 8));
    }
    return ESCAPES[c] ?? `\\${c}`;
  }

  /** The next character after blanks, not yet taken; "" at the end. */
  #next(): string {
    while (/\s/.test(this.text[this.#at] ?? "")) this.#at++;
    return this.text[this.#at] ?? "";
  }

  #match(pattern: RegExp, skipBlanks = true): RegExpExecArray | null {
    if (skipBlanks) this.#next();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #unexpected(): Error {
    const rest = this.text.slice(this.#at, this.#at + 20);
    if (rest.startsWith("...")) return new Error('its middle is left out ("...")');
    return new Error(rest === "" ? "it is cut off" : `unexpected ${JSON.stringify(rest)}`);
  }
}

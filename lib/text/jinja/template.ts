import { run } from "./evaluate.ts";
import { checkFilter } from "./filters.ts";
import { GENERATION } from "./lexer.ts";
import { entries, namespace, range } from "./objects.ts";
import { Scope } from "./scope.ts";
import { strftime } from "./strftime.ts";
import { filterCall, type Node, nodesIn, statements } from "./syntax.ts";
import { Func, JinjaError, Raised, text, Unsupported, type Value } from "./values.ts";

/** What a template may be given. */
export type Data =
  | string
  | number
  | boolean
  | null
  | readonly Data[]
  | { readonly [key: string]: Data };

/**
 * A Jinja2 template in the environment of transformers' `apply_chat_template`: trim_blocks,
 * lstrip_blocks, loop controls, generation blocks, the sandbox.
 *
 * The parser is that of `@huggingface/jinja`; its lexer and interpreter differ from Jinja2 in what a
 * chat template can print (line ends, text before `continue`, white space of `strip`, characters outside
 * the basic plane, `None`, scopes), so both are here, by Jinja2 3.1's rules.
 */
export class JinjaTemplate {
  readonly #statements: readonly Node[];

  /**
   * @throws JinjaError for a template that Jinja2 refuses, Unsupported for one with a filter, test or tag that
   * is not here.
   */
  constructor(source: string) {
    this.#statements = statements(source);
    check(this.#statements);
  }

  /**
   * The text for these values.
   *
   * @param now What `strftime_now` tells. @default the time it is
   * @throws Raised when the template calls `raise_exception`, JinjaError where Jinja2 fails too, Unsupported for
   * what is not here.
   */
  render(values: Readonly<Record<string, Data>>, now = new Date()): string {
    const scope = new Scope();
    for (const [name, call] of Object.entries(GLOBALS)) scope.set(name, new Func(name, call));
    scope.set(
      "strftime_now",
      new Func("strftime_now", ({ args }) => strftime(now, args[0])),
    );
    for (const [name, value] of Object.entries(values)) scope.set(name, valueOf(value));
    const out: string[] = [];
    try {
      run(this.#statements, scope, out);
    } catch (cause) {
      // A macro that calls itself without end, or a text beyond what fits in a string.
      if (cause instanceof RangeError) throw new JinjaError(cause.message, { cause });
      throw cause;
    }
    return out.join("");
  }
}

const missing = (name: string) => (): Value => {
  throw new Unsupported(`the function ${name}`);
};

const GLOBALS: Readonly<Record<string, Func["call"]>> = {
  range,
  namespace,
  dict: entries,
  raise_exception: ({ args }) => {
    throw new Raised(text(args[0] ?? ""));
  },
  [GENERATION]: ({ kwargs }) =>
    (kwargs.get("caller") as Func).call({ args: [], kwargs: new Map() }),
  self: missing("self"),
  lipsum: missing("lipsum"),
  cycler: missing("cycler"),
  joiner: missing("joiner"),
};

function valueOf(data: Data): Value {
  if (Array.isArray(data)) return data.map(valueOf);
  if (data === null || typeof data !== "object") return data as string | number | boolean | null;
  return new Map<Value, Value>(Object.entries(data).map(([key, value]) => [key, valueOf(value)]));
}

/**
 * Refuses filters and tests that are not here. Like Jinja2 it leaves those under a condition for when they
 * are met: templates ask so for what only some hosts have.
 */
function check(nodes: readonly Node[]): void {
  const always = (node: Node) => !["If", "Ternary", "SelectExpression"].includes(node.type);
  for (const node of nodesIn(nodes, always)) {
    if (node.type === "FilterExpression" || node.type === "FilterStatement") {
      checkFilter(filterCall(node.filter).name);
    }
  }
}

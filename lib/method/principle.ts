import { z } from "zod";
import defaults from "../../data/principles.json" with { type: "json" };
import { UserError } from "../base/error.ts";
import { DEFAULT_LAYOUT, type JudgeLayout } from "./layout.ts";

/** One point of view from which two answers are compared. */
export interface Principle {
  /** What reports call it, for example "helpfulness". */
  readonly name: string;
  /** The question that ends the user's turn, about "Answer A" and "Answer B"; a principle with its own turn needs none. */
  readonly question?: string;
  /** How the assistant's reply begins; the very next token is the label of an answer. */
  readonly verdict: string;
  /** A system turn of its own. @default that of the judge's settings */
  readonly system?: string;
  /** A user's turn of its own; holds `{dialogue}`, `{first}` and `{second}`, once, in this order. @default the layout's */
  readonly turn?: string;
}

const PRINCIPLES = z.array(
  z.strictObject({
    name: z.string().trim().min(1),
    question: z.string().trim().min(1).optional(),
    // The label brings its own space: one at the end here would split it into two tokens.
    verdict: z.string().min(1).regex(/\S$/, "must not end in white space"),
    system: z.string().optional(),
    turn: z.string().min(1).optional(),
  }).refine(({ question, turn }) => question !== undefined || turn !== undefined, {
    path: ["question"],
    message: "is needed where there is no turn",
  }),
).min(1);

const roleWords = z.string().nullable();

/** A file of principles with the words around what is judged. */
const WORDING = z.strictObject({
  source: z.string().optional(),
  turn: z.string().min(1).optional(),
  roles: z.strictObject({ system: roleWords, user: roleWords, assistant: roleWords }).optional(),
  between: z.string().optional(),
  rationale: z.string().optional(),
  principles: z.unknown(),
});

/** What a file of principles says. */
export interface Wording {
  readonly principles: readonly Principle[];
  /** Words around the parts, where they are not those of {@linkcode DEFAULT_LAYOUT}. */
  readonly layout?: JudgeLayout;
}

/** The principles that come with the project, by name. */
export const PRINCIPLE_DEFAULTS: readonly Principle[] = parsePrinciples(
  defaults,
  "data/principles.json",
);

/**
 * The principles with these names, in this order.
 *
 * @example
 * ```ts
 * import { principlesNamed } from "./principle.ts";
 * const [overall] = principlesNamed(["overall"]);
 * ```
 * @throws {UserError} When a name is not among `known`.
 */
export function principlesNamed(
  names: readonly string[],
  known: readonly Principle[] = PRINCIPLE_DEFAULTS,
): Principle[] {
  return names.map((name) => {
    const found = known.find((principle) => principle.name === name);
    if (found) return found;
    throw new UserError(
      `there is no principle named "${name}"`,
      `choose among ${known.map((principle) => `"${principle.name}"`).join(", ")}`,
    );
  });
}

/** How a subset's name ends within a path: there, or at a file's ending or split. */
const NAME_END = "(?=$|[/.@]|[-_.](?:train|test|validation|valid|eval|dev))";

/** What the subsets of HH-RLHF were labelled by, as they are called in a named set, a Hub name or a file's path. */
const LABELLED_BY: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`(?:^|[/_.-])harmless[-_]base${NAME_END}`, "i"), "harmlessness"],
  [
    new RegExp(`(?:^|[/_.-])helpful[-_](?:base|online|rejection[-_]sampled)${NAME_END}`, "i"),
    "helpfulness",
  ],
];

/**
 * The name of the principle that preferences were labelled by, as far as their source tells it: `harmlessness` for
 * HH-RLHF's harmless-base, `helpfulness` for its helpful subsets, `overall` for all others and for sources that differ.
 *
 * @param sources Named sets, names on the Hub, or paths of files; of a path, the last three parts count.
 *
 * @example
 * ```ts
 * import { defaultPrinciple } from "./principle.ts";
 * defaultPrinciple("hh-rlhf/harmless-base/test"); // "harmlessness"
 * defaultPrinciple("pairs.jsonl"); // "overall"
 * ```
 */
export function defaultPrinciple(...sources: readonly string[]): string {
  const names = new Set(sources.map((source) => {
    const end = source.split(/[/\\]/).slice(-3).join("/");
    return LABELLED_BY.find(([pattern]) => pattern.test(end))?.[1] ?? "overall";
  }));
  return names.size === 1 ? [...names][0] : "overall";
}

/**
 * Reads a JSON file of principles, in place of the defaults: an array of `{name, question, verdict}`, or an object
 * with such an array as `principles` and the words around what is judged, as `data/recipes/hh-principles.json`.
 *
 * @throws {UserError} When the file cannot be read or a field is wrong; names the file and field.
 */
export async function loadPrinciples(path: string): Promise<Wording> {
  let content: unknown;
  try {
    content = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `${path} cannot be read as JSON: ${reason}`,
      "give a readable JSON file; data/principles.json shows the form",
      { cause: error },
    );
  }
  const inObject = typeof content === "object" && content !== null && "principles" in content;
  if (!inObject) return { principles: parsePrinciples(content, path) };
  const file = WORDING.safeParse(content);
  if (!file.success) {
    const [issue] = file.error.issues;
    throw new UserError(
      `${path}, field ${issue.path.join(".") || "the whole file"}: ${issue.message}`,
      'write an array of {"name", "question", "verdict"}, or an object as data/recipes/hh-principles.json',
    );
  }
  const { principles, source: _, ...words } = file.data;
  return {
    principles: parsePrinciples(principles, path),
    layout: { ...DEFAULT_LAYOUT, ...words },
  };
}

/** Checks what a file held; `path` is only named in errors. */
function parsePrinciples(content: unknown, path: string): Principle[] {
  const parsed = PRINCIPLES.safeParse(content, { reportInput: true });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue.path.length > 0 ? issue.path.join(".") : "the whole file";
    const value = issue.input === undefined ? "" : ` (found ${JSON.stringify(issue.input)})`;
    throw new UserError(
      `${path}, field ${field}: ${issue.message}${value}`,
      'write an array of {"name", "question", "verdict"}, each a text that is not empty',
    );
  }
  const names = parsed.data.map((principle) => principle.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UserError(`${path} has two principles named "${twice}"`, "rename one of them");
  }
  return parsed.data;
}

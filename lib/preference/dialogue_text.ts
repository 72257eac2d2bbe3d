import type { Turn } from "../text/chat.ts";
import { type Parsed, parseJson, quote } from "./record.ts";
import { parsePythonLiteral } from "./python_literal.ts";

const ROLES = {
  human: "user",
  user: "user",
  assistant: "assistant",
  system: "system",
} as const;
type Speaker = keyof typeof ROLES;

/**
 * How chat templates open a text and end one: what has such marks has been rendered for one model, and holds several
 * turns, or an end of turn that the model's own template writes too.
 */
const TEMPLATE_STARTS =
  /^\s*(<[|｜][\w▁ ]+[|｜]>|<s>|\[INST\]|<start_of_turn>|<bos>|<(?:human|bot|user|assistant)>:)/i;
const TEMPLATE_ENDS =
  /(<[|｜][\w▁ ]+[|｜]>|<\/s>|<end_of_turn>|\[\/INST\]|(?:^|\n)#{2,3} ?(?:Response|Assistant|Answer):)\s*$/i;

/** The start of a list of turns, or of one turn, as JSON, Python's `repr` or numpy write it. */
const SERIALISED = /^\s*(?:(?:np\.)?array\(\s*)?(?:[[(]\s*)?\{\s*[uU]?(["'])(\w+)\1\s*:/;
const TURN_FIELDS: ReadonlySet<string> = new Set(["role", "from", "content"]);

/**
 * A dialogue's turns, neighbours of one role joined; `undefined` when text stands before the first
 * marker or there is no marker.
 *
 * @example
 * ```ts
 * import { parseDialogue } from "./dialogue_text.ts";
 * parseDialogue("\n\nHuman: Hi\n\nAssistant: Hello!");
 * // [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello!" }]
 * ```
 */
export function parseDialogue(text: string): Turn[] | undefined {
  return split(text, /\n\n(Human|Assistant):/);
}

/**
 * What a text of a data set really is: a dialogue written out with speakers' names (`Human: ...`, `Assistant: ...`),
 * a list of turns written out as JSON or Python, or just text.
 *
 * @returns The value behind a list; the turns of a dialogue, the last one empty where its answer is to follow; the
 * text itself; or why it must not be learned as text.
 */
export function structureOf(
  text: string,
): { text: string } | { value: unknown } | { turns: Turn[] } | { reason: string; detail?: string } {
  if (isSerialised(text)) {
    const value = parseSerialised(text);
    return "reason" in value ? value : { value: value.value };
  }
  const written = writtenDialogue(text);
  if (written !== undefined) return written;
  const [, mark] = TEMPLATE_STARTS.exec(text) ?? TEMPLATE_ENDS.exec(text) ?? [];
  // Struck out text in HTML ends so too.
  if (mark !== undefined && !(mark === "</s>" && text.includes("<s>") && !/^\s*<s>/.test(text))) {
    return {
      reason: "holds the marks of a chat template; give the turns as a list, or plain text",
      detail: quote(mark),
    };
  }
  return { text };
}

/** Whether a text is plainly a list of turns, or one turn, written out: a speaker or what is said is named. */
function isSerialised(text: string): boolean {
  const [, , field] = SERIALISED.exec(text) ?? [];
  if (field === undefined) return false;
  return TURN_FIELDS.has(field) ||
    /(["'])(role|from)\1\s*:/.test(text) && /(["'])(content|value)\1\s*:/.test(text);
}

/** A list written out as JSON or as Python's `repr`. */
export function parseSerialised(text: string): Parsed<unknown> {
  const json = parseJson(text);
  if ("value" in json) return json;
  if (/^\s*[[{]\s*\{?\s*"/.test(text) && !/:\s*'|\bNone\b|\bTrue\b|\bFalse\b|\}\s+\{/.test(text)) {
    return { reason: "is not a JSON list", detail: json.detail };
  }
  try {
    return { value: parsePythonLiteral(text) };
  } catch (error) {
    return {
      reason: "is not a JSON list nor a Python list",
      detail: `${(error as Error).message}: ${quote(text)}`,
    };
  }
}

/** A dialogue with speakers' names; undefined for other text. */
function writtenDialogue(text: string): ReturnType<typeof structureOf> | undefined {
  const [, first] = /^\s*(?:#{1,3} ?)?(human|user|assistant|system):/i.exec(text) ?? [];
  if (first === undefined) return undefined;
  const begun = `\n\n${text.trimStart()}`;
  for (
    const marker of [/\n\n(Human|Assistant):/, /\n(?:#{1,3} ?)?(human|user|assistant|system):/i]
  ) {
    const turns = split(begun, marker);
    if (turns === undefined || turns.length < 2) continue;
    return { turns };
  }
  if (/\b(?:assistant|human|user):/i.test(text.trimStart().slice(first.length + 1))) {
    return {
      reason: "is a dialogue on one line, which cannot be divided safely; " +
        "put each speaker on a line of its own, or give the turns as a list",
      detail: quote(text),
    };
  }
  // One speaker's mark alone is HH-RLHF's where it is written as there.
  return /^\n\n(Human|Assistant):/.test(text)
    ? { turns: split(text, /\n\n(Human|Assistant):/)! }
    : undefined;
}

function split(text: string, marker: RegExp): Turn[] | undefined {
  const [before, ...parts] = text.split(marker);
  if (before.trim() !== "" || parts.length === 0) return undefined;
  const turns: Turn[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const role = ROLES[parts[i].toLowerCase() as Speaker];
    const content = parts[i + 1].trim();
    const last = turns.at(-1);
    if (last?.role !== role) turns.push({ role, content });
    else turns[turns.length - 1] = { role, content: `${last.content}\n\n${content}`.trim() };
  }
  return turns;
}

import type { Turn } from "../text/chat.ts";
import { parseDialogue, structureOf } from "./dialogue_text.ts";
import { type Parsed, quote } from "./record.ts";

const ROLES: Readonly<Record<string, Turn["role"]>> = {
  ...{ system: "system", user: "user", assistant: "assistant" },
  // ShareGPT's: https://github.com/lm-sys/FastChat, https://llamafactory.readthedocs.io
  ...{
    human: "user",
    gpt: "assistant",
    chatgpt: "assistant",
    bing: "assistant",
    bard: "assistant",
  },
  ...{ model: "assistant", bot: "assistant", prompter: "user" },
};

/** What a prompt or an answer of a record was found to be. */
export interface Dialogue {
  readonly turns: readonly Turn[];
  /** Whether it was written out in one text, with speakers' names, of which the blanks around a turn are a part. */
  readonly written: boolean;
}

/** What is asked of a prompt. */
const PROMPT = "must be text or a list of {role, content} with role system, user or assistant";
/** What is asked of an answer. */
export const ANSWER = "must be text or a list of one assistant turn";

/**
 * Reads a prompt: text (one user turn), a list of turns (`{role, content}`, ShareGPT's `{from, value}`, content as
 * parts of text), or either of them written out in a text (see `structureOf`).
 */
export function readPrompt(value: unknown, name = "prompt"): Parsed<Dialogue> {
  const found = readDialogue(value, name, PROMPT);
  if ("reason" in found) return found;
  if ("text" in found.value) {
    return { value: { turns: [{ role: "user", content: found.value.text }], written: false } };
  }
  const { turns, written } = found.value;
  const last = turns.at(-1);
  const open = written && last?.role === "assistant" && last.content === "";
  return { value: { turns: open ? turns.slice(0, -1) : turns, written } };
}

/** Reads an answer: its text, or the turns of a whole dialogue that ends with it. Forms as {@linkcode readPrompt}. */
export function readAnswer(value: unknown, name: string): Parsed<{ text: string } | Dialogue> {
  const found = readDialogue(value, name, ANSWER);
  if ("reason" in found || "text" in found.value) return found;
  const { turns, written } = found.value;
  const [turn] = turns;
  return turns.length === 1 && turn.role === "assistant"
    ? { value: { text: turn.content } }
    : { value: { turns, written } };
}

/** A list of turns, for columns that hold nothing else. */
export function readTurns(value: unknown, name: string): Parsed<readonly Turn[]> {
  const list = Array.isArray(value) ? value : isByColumns(value) ? byTurn(value) : [value];
  const turns: Turn[] = [];
  for (const [i, turn] of list.entries()) {
    const read = readTurn(turn);
    if ("reason" in read) {
      return {
        reason: `"${name}": ${name === "chosen" || name === "rejected" ? ANSWER : PROMPT}`,
        detail: `${list === value ? `turn ${i + 1}: ` : ""}${read.reason}`,
      };
    }
    turns.push(read.value);
  }
  return { value: turns };
}

/** Turns by columns, as `datasets` keeps a Sequence of dicts: `{role: [...], content: [...]}`. */
function isByColumns(value: unknown): value is Record<string, unknown[]> {
  if (typeof value !== "object" || value === null) return false;
  const lists = Object.values(value);
  return ("role" in value || "from" in value) && lists.length > 1 &&
    lists.every((list) => Array.isArray(list) && list.length === lists[0].length);
}

const byTurn = (columns: Record<string, unknown[]>): Record<string, unknown>[] =>
  Object.values(columns)[0].map((_, i) =>
    Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list[i]]))
  );

function readDialogue(
  value: unknown,
  name: string,
  expected: string,
): Parsed<{ text: string } | Dialogue> {
  if (value === undefined) return { reason: `"${name}" is missing` };
  if (typeof value === "string") {
    const structure = structureOf(value);
    if ("text" in structure) return { value: structure };
    if ("turns" in structure) return { value: { turns: structure.turns, written: true } };
    if ("reason" in structure) {
      return { ...structure, reason: `"${name}" ${structure.reason}` };
    }
    return readDialogue(structure.value, name, expected);
  }
  if (typeof value !== "object" || value === null) {
    return { reason: `"${name}": ${expected}`, detail: quote(value) };
  }
  // A request's messages, with its tools beside them.
  const list = "messages" in value && Array.isArray(value.messages) ? value.messages : value;
  const turns = readTurns(list, name);
  return "reason" in turns ? turns : { value: { turns: turns.value, written: false } };
}

function readTurn(turn: unknown): Parsed<Turn> {
  if (typeof turn !== "object" || turn === null || Array.isArray(turn)) {
    return { reason: `${quote(turn)} is no turn` };
  }
  const {
    role = "from" in turn ? turn.from : undefined,
    content = "value" in turn ? turn.value : undefined,
  } = turn as { role?: unknown; content?: unknown };
  const known = typeof role === "string" && Object.hasOwn(ROLES, role.toLowerCase())
    ? ROLES[role.toLowerCase()]
    : undefined;
  if (known === undefined) return { reason: `its role is ${quote(role) || "missing"}` };
  const text = textOf(content);
  return text === undefined
    ? { reason: `its content is ${quote(content) || "missing"}` }
    : { value: { role: known, content: text } };
}

/** The text of a turn's content: a string, or a list of parts that are all text. */
function textOf(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content) || content.length === 0) return undefined;
  const parts = content.map((part) =>
    typeof part === "string"
      ? part
      : part?.type === "text" || part?.type === undefined
      ? part?.text
      : undefined
  );
  return parts.every((part) => typeof part === "string") ? parts.join("") : undefined;
}

/** Whether an answer goes on with another speaker's turn, as HH-RLHF writes it. */
export function runsOn(answer: string): boolean {
  return /\n\n(Human|Assistant):/.test(answer) &&
    parseDialogue(`\n\nAssistant:${answer}`) !== undefined;
}

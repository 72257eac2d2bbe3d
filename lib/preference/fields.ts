import { z } from "zod";
import type { Turn } from "../text/chat.ts";
import { type Parsed, parseRecord, quote } from "./record.ts";
import { readPrompt } from "./turns.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a record may say beside prompt and answers. */
const Extra = z.object({
  id: z.union([z.string(), z.number()]).nullish(),
  source: z.string().nullish(),
  strength: z.number().min(0).max(1).nullish(),
  principle: z.string().min(1).nullish(),
  use: z.enum(["both", "answers", "judgments"]).nullish(),
  rationale_chosen: z.string().min(1).nullish(),
  rationale_rejected: z.string().min(1).nullish(),
});

/** Checked optional fields of a record. */
export const readExtra = (fields: Fields) => parseRecord(Extra, fields);

/** Names of a better and a worse answer, as data sets have them, each pair of names with that of their scores. */
const ANSWERS = [
  ["chosen", "rejected"],
  ["chosen_response", "rejected_response"],
  ["response_chosen", "response_rejected"],
  ["preferred_output", "non_preferred_output"],
] as const;
const SCORES = [
  ["score_chosen", "score_rejected"],
  ["chosen_score", "rejected_score"],
  ["chosen-rating", "rejected-rating"],
  ["chosen_rating", "rejected_rating"],
  ["chosen_avg_rating", "rejected_avg_rating"],
] as const;

/** Names of two answers that nobody chose between: those of tools for comparing, and lists of two. */
const UNCHOSEN = [
  ["output_1", "output_2"],
  ["response_1", "response_2"],
  ["answer_1", "answer_2"],
  ["response_a", "response_b"],
  ["answer_a", "answer_b"],
  ["completion_a", "completion_b"],
  ["response_0", "response_1"],
] as const;
const UNCHOSEN_LISTS = ["responses", "answers", "completions", "outputs"];

/** All names of two answers without a choice, for messages. */
export const UNCHOSEN_NAMES: readonly string[] = [
  ...UNCHOSEN.map(([first, second]) => `${first} and ${second}`),
  ...UNCHOSEN_LISTS.map((name) => `${name} (a list of two)`),
];

/** The names under which a record has its prompt, in the order in which they are looked for. */
export const PROMPT_NAMES = ["prompt", "conversations", "messages", "instruction", "question"];
/** The names under which a record has one answer to imitate. */
export const ANSWER_NAMES = ["completion", "response", "output", "answer"];
/** The names of answers to compare. */
export const COMPARED_NAMES: readonly (readonly string[])[] = ANSWERS;

/** The better and the worse answer of a record, by the names it has for them; undefined where it compares none. */
export function comparedAnswers(
  fields: Fields,
): { chosen: unknown; rejected: unknown; names: readonly [string, string] } | undefined {
  const { messages } = fields;
  if (Array.isArray(messages) && !has(fields, "chosen") && !has(fields, "chosen_response")) {
    // ms-swift's: the better answer ends the messages.
    const rejected = has(fields, "rejected_response")
      ? [...messages.slice(0, -1), { role: "assistant", content: fields.rejected_response }]
      : fields.rejected_messages;
    if (rejected !== undefined) {
      const name = has(fields, "rejected_response") ? "rejected_response" : "rejected_messages";
      return { chosen: messages, rejected, names: ["messages", name] };
    }
  }
  const names = ANSWERS.find((pair) => pair.some((name) => has(fields, name)));
  if (names !== undefined) return { chosen: fields[names[0]], rejected: fields[names[1]], names };
  // LLaMA-Factory's older form of alpaca pairs: the better answer first.
  const { output } = fields;
  return has(fields, "instruction") && Array.isArray(output) && output.length === 2
    ? { chosen: output[0], rejected: output[1], names: ["output.0", "output.1"] }
    : undefined;
}

/** Two answers of a record that chooses neither, in its own order; undefined where it has none. */
export function unchosenAnswers(fields: Fields): ReturnType<typeof comparedAnswers> {
  const names = UNCHOSEN.find((pair) => pair.every((name) => has(fields, name)));
  if (names !== undefined) return { chosen: fields[names[0]], rejected: fields[names[1]], names };
  const name = UNCHOSEN_LISTS.find((name) => Array.isArray(fields[name]));
  const list = name === undefined ? [] : fields[name] as unknown[];
  if (list.length !== 2 || !list.every((answer) => typeof answer === "string")) return undefined;
  return { chosen: list[0], rejected: list[1], names: [`${name}.0`, `${name}.1`] };
}

/** How the scores of a source order its answers, "better" where it has none. @returns a reason where they disagree */
export function orderByScore(fields: Fields): Parsed<"better" | "equal"> {
  for (const [chosen, rejected] of SCORES) {
    const [a, b] = [number(fields[chosen]), number(fields[rejected])];
    if (a === undefined || b === undefined) continue;
    if (a === b) return { value: "equal" };
    if (a < b) {
      return { reason: `"${chosen}" is below "${rejected}"`, detail: `${a} and ${b}` };
    }
  }
  return { value: "better" };
}

/**
 * The prompt of a record: `prompt`, ShareGPT's `conversations`, `messages`, Alpaca's `instruction` with `input` and
 * `history`, or `question`; before it, where it has none, the text of `system`.
 *
 * @returns undefined where the record has no prompt of its own.
 */
export function promptOf(
  fields: Fields,
): Parsed<{ turns: readonly Turn[]; written: boolean; isText: boolean }> | undefined {
  // OpenAI's preference format has the dialogue in input.messages.
  if (isObject(fields.input) && !PROMPT_NAMES.some((name) => has(fields, name))) {
    return promptOf(fields.input);
  }
  const name = PROMPT_NAMES.find((name) => has(fields, name) && !isEmptyList(fields[name]));
  if (name === undefined) return undefined;
  let value = fields[name];
  if (name === "instruction" && has(fields, "input")) {
    if (typeof fields.input !== "string") {
      return { reason: '"input": must be text beside an instruction', detail: quote(fields.input) };
    }
    // As LLaMA-Factory joins them.
    if (typeof value === "string") {
      value = [value, fields.input].filter((part) => part !== "").join("\n");
    }
  }
  const read = readPrompt(value, name);
  if ("reason" in read) return read;
  const history = readHistory(fields.history);
  if ("reason" in history) return history;
  const { written } = read.value;
  const turns = withSystem([...history.value, ...read.value.turns], fields);
  return { value: { turns, written, isText: typeof value === "string" && !written } };
}

/** Turns after the system turn that a record has in a field of its own, where they have none. */
export function withSystem(turns: readonly Turn[], { system }: Fields): readonly Turn[] {
  return typeof system === "string" && system.trim() !== "" && turns[0]?.role !== "system"
    ? [{ role: "system", content: system }, ...turns]
    : turns;
}

/** Alpaca's earlier exchanges: a list of [question, answer]. */
function readHistory(value: unknown): Parsed<Turn[]> {
  if (value === undefined || value === null) return { value: [] };
  const pairs = z.array(z.tuple([z.string(), z.string()])).safeParse(value);
  return pairs.success
    ? {
      value: pairs.data.flatMap(([question, answer]): Turn[] => [
        { role: "user", content: question },
        { role: "assistant", content: answer },
      ]),
    }
    : { reason: '"history": must be a list of [question, answer]', detail: quote(value) };
}

const number = (value: unknown): number | undefined => {
  if (typeof value === "bigint") return Number(value);
  const read = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof read === "number" && Number.isFinite(read) ? read : undefined;
};

const has = (fields: Fields, name: string): boolean =>
  fields[name] !== undefined && fields[name] !== null;
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

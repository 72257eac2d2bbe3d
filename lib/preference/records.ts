import { z } from "zod";
import type { Turn } from "../text/chat.ts";
import {
  ANSWER_NAMES,
  COMPARED_NAMES,
  comparedAnswers,
  orderByScore,
  promptOf,
  readExtra,
  UNCHOSEN_NAMES,
  unchosenAnswers,
  withSystem,
} from "./fields.ts";
import type { Found, RecordPlace } from "./found.ts";
import { stem } from "./lines.ts";
import { type Pair, splitDialogues } from "./pair.ts";
import { type Parsed, parseRecord, quote } from "./record.ts";
import { ANSWER, type Dialogue, readAnswer, runsOn } from "./turns.ts";
import { ratedRecords } from "./ultrafeedback.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The training records in one record of a file, whatever its container. Known forms:
 *
 * | form | fields |
 * |---|---|
 * | pairs, TRL's explicit prompt | `prompt` (text or turns), `chosen`, `rejected` (text or one assistant turn) |
 * | TRL's implicit prompt, HH-RLHF, argilla's | whole dialogues in `chosen` and `rejected` |
 * | UltraFeedback-binarized | the same beside a `prompt`, which is then set aside as in TRL, and scores |
 * | ShareGPT-like, LLaMA-Factory's | `conversations` or `messages`, `chosen`, `rejected` as turns |
 * | Alpaca-like, LLaMA-Factory's | `instruction`, `input`, `history`, `system`, `chosen` and `rejected`, or `output: [chosen, rejected]` |
 * | ms-swift's | `messages` that end with the better answer, `rejected_response` or `rejected_messages` |
 * | OpenAI's | `input.messages`, `preferred_output`, `non_preferred_output` |
 * | UltraFeedback | `instruction`, `completions` with ratings, see {@linkcode ratedRecords} |
 * | demonstrations | a prompt and `completion`, `response` or `output`, or `messages` that end with an answer |
 *
 * Equal scores of a pair are a tie. A dialogue or a list of turns written out in a text is read as what it is.
 *
 * Sources: https://huggingface.co/docs/trl/dataset_formats,
 * https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html,
 * https://platform.openai.com/docs/guides/direct-preference-optimization
 */
export function recordsIn(value: unknown, place: RecordPlace): Found {
  const object = parseRecord(z.record(z.string(), z.unknown()), value);
  if ("reason" in object) return { ...object, reason: object.reason.replace("record", "object") };
  const fields = object.value;
  const unchosen = place.unlabelled ? unchosenAnswers(fields) : undefined;
  if (fields.completions !== undefined && fields.chosen === undefined && unchosen === undefined) {
    return ratedRecords(fields, place);
  }
  const extra = readExtra(fields);
  if ("reason" in extra) return extra;
  const { id, source, strength, principle, use, rationale_chosen, rationale_rejected } =
    extra.value;
  const name = stem(place.path);
  const own = String(id ?? "");
  const named = {
    id: own.trim() === "" ? `${name}:${place.line}` : own,
    source: source ?? name,
  };
  const answers = comparedAnswers(fields) ?? unchosen;
  if (answers === undefined && place.unlabelled) {
    const names = [...COMPARED_NAMES.map((pair) => pair.join(" and ")), ...UNCHOSEN_NAMES];
    return { reason: "there are no two answers", detail: `they are called ${names.join(", ")}` };
  }
  if (answers === undefined) {
    const shown = demonstration(fields);
    return "reason" in shown ? shown : { records: [{ ...named, ...shown.value }] };
  }
  const parts = pairParts(fields, answers);
  if ("reason" in parts) return parts;
  const order = orderByScore(fields);
  if ("reason" in order) return order;
  if (order.value === "equal" && !place.unlabelled) return { tie: true };
  const pair: Pair = {
    id: named.id,
    ...parts.value,
    source: named.source,
    ...(strength == null ? {} : { strength }),
    ...(principle == null ? {} : { principle }),
    ...(use == null ? {} : { use }),
    ...(rationale_chosen == null || rationale_rejected == null
      ? {}
      : { rationale: { chosen: rationale_chosen, rejected: rationale_rejected } }),
  };
  return { records: [pair] };
}

function pairParts(
  fields: Fields,
  { chosen, rejected, names }: NonNullable<ReturnType<typeof comparedAnswers>>,
): Parsed<Pick<Pair, "prompt" | "chosen" | "rejected">> {
  const prompt = names[0] === "messages" ? undefined : promptOf(fields);
  const better = readAnswer(chosen, names[0]);
  const worse = readAnswer(rejected, names[1]);
  // A prompt is missed where the answers are no dialogues, which would bring their own.
  if (prompt === undefined && !("value" in better && "turns" in better.value)) {
    return { reason: '"prompt" is missing' };
  }
  for (const part of [prompt, better, worse]) {
    if (part !== undefined && "reason" in part) return part;
  }
  const [a, b] = [better, worse].map((part) =>
    (part as { value: { text: string } | Dialogue }).value
  );
  if ("turns" in a && "turns" in b) return wholeDialogues({ prompt, fields }, a, b);
  for (const [part, name] of [[a, names[0]], [b, names[1]]] as const) {
    if ("turns" in part) return { reason: `"${name}": ${ANSWER}`, detail: quote(part.turns) };
  }
  if (prompt === undefined || "reason" in prompt || !("text" in a && "text" in b)) {
    return { reason: '"prompt" is missing' };
  }
  const { turns, written } = prompt.value;
  if (!written) return { value: { prompt: turns, chosen: a.text, rejected: b.text } };
  for (const [text, name] of [[a.text, names[0]], [b.text, names[1]]]) {
    if (runsOn(text)) {
      return { reason: `the ${name} response goes on with another turn`, detail: quote(text) };
    }
  }
  return { value: { prompt: turns, chosen: a.text.trim(), rejected: b.text.trim() } };
}

/** Two whole dialogues; a prompt in text beside them says no more than they do, one in turns has to be their start. */
function wholeDialogues(
  { prompt, fields }: { prompt: ReturnType<typeof promptOf>; fields: Fields },
  chosen: Dialogue,
  rejected: Dialogue,
): Parsed<Pick<Pair, "prompt" | "chosen" | "rejected">> {
  const parts = splitDialogues(chosen.turns, rejected.turns);
  if ("reason" in parts) return parts;
  if (prompt !== undefined && "value" in prompt && !prompt.value.isText) {
    const told = withSystem(parts.prompt, fields);
    const missing = prompt.value.turns.find((turn) => !holds(told, turn));
    if (missing !== undefined) {
      return {
        reason: "the prompt is not how the dialogues begin",
        detail: `they have no turn ${quote(missing)}`,
      };
    }
  }
  return { value: { ...parts, prompt: withSystem(parts.prompt, fields) } };
}

const holds = (turns: readonly Turn[], { role, content }: Turn): boolean =>
  turns.some((turn) => turn.role === role && turn.content.trim() === content.trim());

/** Whether an answer is labelled desirable (as for KTO): true, 1, and as tables write them "True", "1.0". */
function readLabel(label: unknown): Parsed<boolean> {
  const text = String(label).trim().toLowerCase();
  if (/^(true|1(\.0*)?)$/.test(text)) return { value: true };
  if (/^(false|0(\.0*)?)$/.test(text)) return { value: false };
  return { reason: '"label": must be true or false', detail: quote(label) };
}

/** A prompt with one answer, or a dialogue that ends with one. */
function demonstration(fields: Fields): Parsed<{ prompt: readonly Turn[]; answer: string }> {
  const desirable = readLabel(fields.label ?? true);
  if ("reason" in desirable) return desirable;
  if (!desirable.value) {
    return { reason: "the answer is labelled undesirable, so that nothing is to imitate" };
  }
  const answerName = ANSWER_NAMES.find((name) => fields[name] !== undefined);
  const dialogue = answerName === undefined &&
    ["messages", "conversations"].some((name) => Array.isArray(fields[name]));
  const prompt = promptOf(dialogue ? { ...fields, prompt: undefined } : fields);
  if (prompt === undefined) return { reason: '"prompt" is missing' };
  if ("reason" in prompt) return prompt;
  const { turns } = prompt.value;
  if (answerName === undefined) {
    const last = turns.at(-1);
    if (last?.role === "assistant") {
      return { value: { prompt: turns.slice(0, -1), answer: last.content } };
    }
    const found = Object.keys(fields).map((key) => `"${key}"`).join(", ");
    return { reason: '"chosen" is missing', detail: `there are ${found}` };
  }
  const answer = readAnswer(fields[answerName], answerName);
  if ("reason" in answer) return answer;
  if ("turns" in answer.value) {
    return { reason: `"${answerName}": ${ANSWER}`, detail: quote(fields[answerName]) };
  }
  const { text } = answer.value;
  return { value: { prompt: turns, answer: prompt.value.written ? text.trim() : text } };
}

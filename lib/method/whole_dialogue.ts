import type { Turn } from "../text/mod.ts";
import {
  type AnswerEncoder,
  conventionsOf,
  encodePrompt,
  encodeText,
  promptText,
  startId,
  type TurnMarkers,
  withSystem,
} from "./encoder.ts";
import { truncatedStart } from "./whole_template.ts";

/** Tokens `[from, to)` of a sequence. */
export type Span = readonly [from: number, to: number];

/** A dialogue's tokens and those of them that are learned, in order and apart. */
export interface LearnedDialogue {
  readonly ids: readonly number[];
  readonly learned: readonly Span[];
}

/**
 * A dialogue as one text, encoded as a whole, with the assistant's turns to be learned.
 *
 * @returns null where the assistant's turns cannot be told: the authors' code ignores such a dialogue in the loss
 */
export function wholeDialogue(
  dialogue: readonly Turn[],
  encoder: AnswerEncoder,
): LearnedDialogue | null {
  const { bos, turns, markers } = conventionsOf(encoder);
  const all = withSystem(dialogue, encoder);
  const start = bos === "always" ? encoder.tokenizer.bosId : null;
  const ids = encodeText(encoder.chat.render(all), encoder, start);
  const spans = markers
    ? markedSpans(ids, markers, encoder)
    : renderedSpans(ids, all, encoder, { start, turns });
  if (spans === null || spans.length === 0) return null;
  return { ids, learned: turns === "all" ? spans : spans.slice(-1) };
}

/**
 * Spans from each mark of an assistant's turn to the next mark of a user's turn, as the authors find them
 * (utils.py `get_conditional_labels`): as many of one as of the other, or none is learned.
 *
 * @returns null where the marks do not match: a text that spells one out
 */
export function markedSpans(
  ids: readonly number[],
  { user, assistant, skipFirst }: TurnMarkers,
  { tokenizer }: AnswerEncoder,
): Span[] | null {
  const mark = (text: string) => tokenizer.encode(text).slice(Number(skipFirst));
  const [users, assistants] = [mark(user), mark(assistant)];
  const starts = placesOf(users, ids);
  const froms = placesOf(assistants, ids).map((at) => at + assistants.length);
  if (starts.length !== froms.length) return null;
  return froms.map((from, i): Span => [from, starts[i + 1] ?? ids.length])
    .filter(([from, to]) => from < to);
}

/** Spans from where each assistant's turn begins to the end token that it ends with, by the template's own text. */
function renderedSpans(
  ids: readonly number[],
  turns: readonly Turn[],
  { chat, tokenizer }: AnswerEncoder,
  { start, turns: wanted }: { start: number | null; turns: "last" | "all" },
): Span[] | null {
  const spans: Span[] = [];
  const last = turns.findLastIndex(({ role }) => role === "assistant");
  for (const [i, { role }] of turns.entries()) {
    if (role !== "assistant" || (i < last && wanted === "last")) continue;
    const before = chat.render(turns.slice(0, i), { addGenerationPrompt: true });
    const head = encodeText(before, { tokenizer }, start);
    const through = encodeText(chat.render(turns.slice(0, i + 1)), { tokenizer }, start);
    // Templates that rewrite earlier turns, and tokens that reach over the seam.
    if (!isPrefix(head, ids) || !isPrefix(through, ids)) return null;
    const end = through.findLastIndex((id, at) =>
      at >= head.length && tokenizer.endIds.includes(id)
    );
    spans.push([head.length, end < 0 ? through.length : end + 1]);
  }
  return spans;
}

/**
 * A prompt and an answer that was sampled, as text, made one sequence again: prompt, answer and end token, cut at
 * its start, of which what follows the prompt is learned (the authors' trainer.py `get_batch_inputs`).
 *
 * @returns `from` is the length of the sequence where the prompt is not found in it, since its start was cut: the
 * authors' code then learns nothing of it
 */
export function wholeAnswer(
  { prompt, answer }: { prompt: readonly Turn[]; answer: string },
  encoder: AnswerEncoder,
): { ids: number[]; from: number } {
  const { maxTokens, tokenizer } = encoder;
  const text = promptText(prompt, encoder) + answer + tokenizer.eosToken;
  const bosId = startId(encoder);
  const ids = truncatedStart(encodeText(text, encoder, bosId), maxTokens, bosId);
  const asked = truncatedStart(encodePrompt(prompt, encoder), maxTokens, bosId);
  const at = placesOf(asked, ids).at(-1);
  return { ids, from: at === undefined ? ids.length : at + asked.length };
}

/** The places at which some ids stand in others. */
function placesOf(part: readonly number[], ids: readonly number[]): number[] {
  const places: number[] = [];
  for (let at = ids.indexOf(part[0]); at >= 0; at = ids.indexOf(part[0], at + 1)) {
    if (part.every((id, i) => ids[at + i] === id)) places.push(at);
  }
  return places;
}

function isPrefix(head: readonly number[], ids: readonly number[]): boolean {
  return head.length <= ids.length && head.every((id, i) => ids[i] === id);
}

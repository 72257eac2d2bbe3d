import type { ChatTemplate, TextTokenizer, Turn } from "../text/mod.ts";
import { truncatedStart } from "./whole_template.ts";

/** Texts that begin a turn, by which the assistant's turns are found among tokens. */
export interface TurnMarkers {
  readonly user: string;
  readonly assistant: string;
  /** Leave out the first token of each, which an encoding within a text may not have. */
  readonly skipFirst: boolean;
}

/** How dialogues become tokens, where there is more than one right way. */
export interface Conventions {
  /** System turn of dialogues that have none; null for none. */
  readonly system: string | null;
  /** "parts": prompt and answer are encoded apart, as they are sampled. "whole": the dialogue is encoded as one text. */
  readonly text: "parts" | "whole";
  /**
   * Start token: where the template writes it; before prompts to answer and to judge, if the tokenizer itself puts one
   * before a text, or in any case; or before all sequences.
   */
  readonly bos: "template" | "tokenizer" | "prompts" | "always";
  /** Assistant turns learned of a dialogue. */
  readonly turns: "last" | "all";
  /** An answer cut at its limit still learns to end there; a dialogue encoded whole always has its end. */
  readonly endCutAnswers: boolean;
  /** A judgment learns to end after its rationale. */
  readonly endRationale: boolean;
  /** What finds the assistant's turns in a dialogue encoded whole. @default where the template's own text says */
  readonly markers?: TurnMarkers;
}

/** What the project does unless a recipe says otherwise. */
export const OUR_CONVENTIONS: Conventions = {
  system: null,
  text: "parts",
  bos: "template",
  turns: "last",
  endCutAnswers: false,
  endRationale: true,
};

/** What the authors' code does (https://github.com/oddqueue/self-judge: preprocess.py, utils.py, trainer.py). */
export const AUTHORS_CONVENTIONS: Conventions = {
  system: null,
  text: "whole",
  bos: "tokenizer",
  turns: "all",
  endCutAnswers: true,
  endRationale: false,
  markers: { user: "\n<|user|>\n", assistant: "\n<|assistant|>\n", skipFirst: true },
};

/** Turns dialogues and answers into token ids, within a length. */
export interface AnswerEncoder {
  readonly tokenizer: TextTokenizer;
  readonly chat: ChatTemplate;
  /** Most tokens of prompt and answer together. */
  readonly maxTokens: number;
  /**
   * What to do with a longer one: "truncate" cuts the answer's end, "truncate-start" the prompt's start, "leave-out"
   * makes no example of it, "refuse" is an error.
   */
  readonly overflow: "truncate" | "truncate-start" | "leave-out" | "refuse";
  /** @default {@linkcode OUR_CONVENTIONS} */
  readonly conventions?: Conventions;
}

/** What encodes a prompt: an encoder, whose limit does not count here. */
export type PromptEncoder = Pick<AnswerEncoder, "tokenizer" | "chat" | "conventions">;

/** How an encoder turns dialogues into tokens. */
export function conventionsOf({ conventions }: Pick<AnswerEncoder, "conventions">): Conventions {
  return conventions ?? OUR_CONVENTIONS;
}

/** Ids of a dialogue up to where the assistant's next turn begins. */
export function encodePrompt(prompt: readonly Turn[], encoder: PromptEncoder): number[] {
  return encodeText(promptText(prompt, encoder), encoder, startId(encoder));
}

/** The same, without its start where it is over the encoder's limit and that is cut. */
export function encodePromptToFit(prompt: readonly Turn[], encoder: AnswerEncoder): number[] {
  const ids = encodePrompt(prompt, encoder);
  return encoder.overflow === "truncate-start"
    ? truncatedStart(ids, encoder.maxTokens, startId(encoder))
    : ids;
}

/** Text of a dialogue up to where the assistant's next turn begins. */
export function promptText(prompt: readonly Turn[], encoder: PromptEncoder): string {
  return encoder.chat.render(withSystem(prompt, encoder), { addGenerationPrompt: true });
}

/** A dialogue with the system turn that heads it, unless it has one. */
export function withSystem(turns: readonly Turn[], encoder: PromptEncoder): readonly Turn[] {
  const { system } = conventionsOf(encoder);
  if (system === null || turns[0]?.role === "system") return turns;
  return [{ role: "system", content: system }, ...turns];
}

/** Ids of a text that a template wrote, with `start` at its head unless that is null. */
export function encodeText(
  text: string,
  { tokenizer }: { readonly tokenizer: Pick<TextTokenizer, "encode"> },
  start: number | null,
): number[] {
  const ids = tokenizer.encode(text);
  return start !== null && ids[0] !== start ? [start, ...ids] : ids;
}

/** The start token of prompts, which stays at the head of what is cut at its start; null for none. */
export function startId(encoder: Pick<AnswerEncoder, "tokenizer" | "conventions">): number | null {
  const { bos } = conventionsOf(encoder);
  if (bos === "template") return null;
  return bos === "tokenizer" ? encoder.tokenizer.startId : encoder.tokenizer.bosId;
}

/**
 * The token that an answer is learned to end with: the one that the chat template writes behind an assistant's turn,
 * or the tokenizer's end token where it writes none. Sampling stops there and at all of the tokenizer's `endIds`.
 */
export function endOfAnswer(tokenizer: TextTokenizer): number {
  return tokenizer.answerEndId;
}

import { requestedWords } from "./prompts.ts";
import { WORD_OF } from "./vocabulary.ts";

/** Words that a sentence has at least, and at most, at no cost. */
export const LENGTH = { least: 6, most: 15 } as const;

/** Words beyond the limit that cost something. */
const MOST_BEYOND = 20;

/** What an answer says, counted. */
export interface SentenceReading {
  /** Words asked for. */
  readonly asked: number;
  /** Of them, those there in one of their forms. */
  readonly present: number;
  /** Words of the answer. */
  readonly length: number;
  /** Whether it is exactly one finished sentence. */
  readonly sentence: boolean;
}

/** Points of view on an answer; they add up to its reward. */
const SENTENCE_VIEWS = ["coverage", "form", "brevity"] as const;
/** Name of a point of view. */
export type SentenceView = typeof SENTENCE_VIEWS[number];

/**
 * One finished sentence: begins with a capital, ends with one of . ! ? (three dots are one end), has none of them and
 * no colon, line or list mark before; quotation marks may stand around it.
 */
const SENTENCE = /^["'“‘]?\p{Lu}[\p{L}\p{M}\p{N} ,;'’"“”‘()–—-]*(?:[.!?]|\.{3}|…)["'”’]?$/u;

/** A word: letters, with apostrophes and hyphens inside ("dog's" holds the word dog, "ice-cream" is one word). */
export const WORD = /\p{L}+(?:[’'-]\p{L}+)*/gu;

/**
 * Reads an answer against its request, exactly; any text can be read as an answer.
 *
 * @throws {UserError} see {@linkcode requestedWords}
 */
export function readSentence(prompt: string, answer: string): SentenceReading {
  const asked = requestedWords(prompt);
  const text = answer.trim();
  const present = knownWords(answer);
  return {
    asked: asked.length,
    present: asked.filter((word) => present.has(word)).length,
    length: wordsOf(text).length,
    sentence: SENTENCE.test(text),
  };
}

/** The words of the vocabulary that a text holds in one of their forms. */
export function knownWords(text: string): ReadonlySet<string | undefined> {
  return new Set(spokenWords(text).map(({ known }) => known));
}

/** A text's words in their order, and which of the vocabulary each is a form of. */
export function spokenWords(text: string): { word: string; known: string | undefined }[] {
  return wordsOf(text).map((word) => ({ word, known: knownAs(word) }));
}

/** The word of the vocabulary that a word in small letters is a form of. */
export const knownAs = (word: string) => WORD_OF.get(word.replace(/[’']s$/, ""));

const wordsOf = (text: string) => (text.match(WORD) ?? []).map((word) => word.toLowerCase());

/** The reward's part from each point of view. */
export function sentenceViews(reading: SentenceReading): Record<SentenceView, number> {
  const { asked, present, length, sentence } = reading;
  return {
    coverage: 2 * present / asked,
    form: sentence ? 0 : -0.5,
    brevity: -0.3 * Math.max(0, LENGTH.least - length) -
      0.05 * Math.min(MOST_BEYOND, Math.max(0, length - LENGTH.most)),
  };
}

/**
 * The true reward of an answer: 2 x (share of the words asked for that are there, in any of their forms) - 0.5 unless it
 * is exactly one finished sentence - 0.3 per word short of six - 0.05 per word beyond fifteen (twenty such words at
 * most). At most 2; at least -2.3, that of silence.
 *
 * It pays for words, form and length, and for nothing else: a sentence need not be true, and its grammar is looked at
 * no further than its ends.
 *
 * @throws {UserError} see {@linkcode requestedWords}
 *
 * @example
 * ```ts
 * const prompt = "Write one short sentence with the words dog and run.";
 * sentenceReward(prompt, "My dog ran all the way home."); // 2
 * sentenceReward(prompt, "The dog."); // 1 - 0.3 x 4 = -0.2
 * ```
 */
export function sentenceReward(prompt: string, answer: string): number {
  const views = sentenceViews(readSentence(prompt, answer));
  return SENTENCE_VIEWS.reduce((sum, view) => sum + views[view], 0);
}

import { eng } from "stopword";

/** A phrase of key content, in small letters, and its score. */
export interface Keyword {
  readonly phrase: string;
  readonly score: number;
}

/** What ends a phrase beside stopwords. */
const SENTENCE_ENDS = /[.!?,;:\t\\"()'’–\n]|\s-\s/u;

/**
 * Keywords of a text by RAKE (Rose, Engel, Cramer and Cowley 2010, Automatic keyword extraction from individual
 * documents): phrases between stopwords and marks; a word scores its degree over its frequency, a phrase the sum of its
 * words.
 *
 * @param options.stopwords In small letters. @default those of the package `stopword`
 * @param options.maxWords Longer phrases are no keywords. @default 5
 * @returns the highest score first; among equals the earlier one
 *
 * @example
 * ```ts
 * rakeKeywords("The cat sat on the red mat.")[0]; // { phrase: "red mat", score: 4 }
 * ```
 */
export function rakeKeywords(
  text: string,
  { stopwords = eng, maxWords = 5 }: { stopwords?: readonly string[]; maxWords?: number } = {},
): Keyword[] {
  const phrases = candidatePhrases(text, new Set(stopwords), maxWords);
  const frequency = new Map<string, number>();
  const degree = new Map<string, number>();
  const add = (to: Map<string, number>, word: string, more: number) =>
    to.set(word, (to.get(word) ?? 0) + more);
  for (const phrase of phrases) {
    const words = wordsOf(phrase);
    for (const word of words) {
      add(frequency, word, 1);
      add(degree, word, words.length);
    }
  }
  const score = (phrase: string) =>
    wordsOf(phrase).reduce((sum, word) => sum + degree.get(word)! / frequency.get(word)!, 0);
  return [...new Set(phrases)]
    .map((phrase) => ({ phrase, score: score(phrase) }))
    .sort((a, b) => b.score - a.score);
}

function candidatePhrases(text: string, stopwords: ReadonlySet<string>, most: number): string[] {
  return text.split(SENTENCE_ENDS).flatMap((sentence) => {
    const phrases: string[][] = [[]];
    for (const word of sentence.toLowerCase().split(/\s+/).filter(Boolean)) {
      if (stopwords.has(word)) phrases.push([]);
      else phrases.at(-1)!.push(word);
    }
    return phrases.filter((words) => words.length > 0 && words.length <= most)
      .map((words) => words.join(" "));
  });
}

/** Words that count: a number stays in its phrase and scores nothing. */
function wordsOf(phrase: string): string[] {
  return phrase.split(/[^\p{L}\p{N}_]+/u)
    .filter((word) => word !== "" && !/^[+-]?\d+(\.\d+)?$/.test(word));
}

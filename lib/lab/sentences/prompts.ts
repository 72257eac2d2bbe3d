import { UserError } from "../../base/error.ts";
import { Rng } from "../../base/random.ts";
import { type Part, VOCABULARY, WORD_OF } from "./vocabulary.ts";

/** What a prompt asks for: parts of speech of its words. Each asks for a verb; the reward looks for a form of it and not for its use. */
export const KINDS: readonly (readonly Part[])[] = [
  ["noun", "verb"],
  ["noun", "noun", "verb"],
  ["noun", "verb", "adjective"],
];

/** Prompts of each split, kinds in equal numbers. */
export const SPLITS = { train: 600, validation: 120, held_out: 180 } as const;
/** Name of a split. */
export type Split = keyof typeof SPLITS;

/** Words that one sentence is to hold, and the request for it. */
export interface SentencePrompt {
  readonly id: string;
  readonly words: readonly string[];
  readonly prompt: string;
}

/**
 * The prompts of every split by a seed. No set of words is asked for twice, in whatever order.
 *
 * @param counts Prompts of each split; whole multiples of three keep the kinds equal. @default SPLITS
 */
export function drawPrompts(
  seed: number,
  counts: Readonly<Record<Split, number>> = SPLITS,
): Record<Split, SentencePrompt[]> {
  const rng = Rng.named(seed, "sentences/prompts");
  const taken = new Set<string>();
  const pick = (part: Part) => {
    const words = [...VOCABULARY[part].keys()];
    return words[rng.int(words.length)];
  };
  const draw = (kind: readonly Part[]): string[] => {
    for (;;) {
      const words = rng.shuffle(kind.map(pick));
      const key = [...words].sort().join(" ");
      if (new Set(words).size < words.length || taken.has(key)) continue;
      taken.add(key);
      return words;
    }
  };
  const split = (name: Split): SentencePrompt[] =>
    Array.from({ length: counts[name] }, (_, i) => {
      const words = draw(KINDS[i % KINDS.length]);
      return { id: `${name.replace("_", "-")}-${i}`, words, prompt: promptOf(words) };
    });
  // The held-out prompts first: more training prompts leave them as they are.
  const held_out = split("held_out");
  const validation = split("validation");
  return { train: split("train"), validation, held_out };
}

/** The request for a sentence with these words. */
export function promptOf(words: readonly string[]): string {
  return `Write one short sentence with the words ${words.slice(0, -1).join(", ")} and ${
    words.at(-1)
  }.`;
}

/**
 * The words that a request asks for.
 *
 * @throws {UserError} where it is no request of this world, or asks for a word that the world does not know
 */
export function requestedWords(prompt: string): string[] {
  const [, list] = /with the words (.+)\.$/.exec(prompt.trim()) ?? [];
  const words = list?.split(/, | and /) ?? [];
  const unknown = words.find((word) => WORD_OF.get(word) !== word);
  if (words.length > 0 && unknown === undefined) return words;
  throw new UserError(
    unknown === undefined
      ? `"${prompt}" asks for no words, so no answer to it has a reward`
      : `"${prompt}" asks for "${unknown}", which is not in the vocabulary`,
    `write ${
      promptOf(["dog", "run"])
    }, with words of data/sentences/vocabulary.json in their plain form`,
  );
}

import vocabulary from "../../../data/sentences/vocabulary.json" with { type: "json" };

/** Parts of speech of the given words. */
export type Part = keyof typeof vocabulary;

/** Everyday words by part of speech, each with the forms that count as the word, its own the first. */
export const VOCABULARY: Readonly<Record<Part, ReadonlyMap<string, readonly string[]>>> = {
  noun: formsOf(vocabulary.noun),
  verb: formsOf(vocabulary.verb),
  adjective: formsOf(vocabulary.adjective),
};

/** Every form, and the word that it is a form of. No form is one of two words. */
export const WORD_OF: ReadonlyMap<string, string> = new Map(
  Object.values(VOCABULARY).flatMap((words) =>
    [...words].flatMap(([word, forms]) => forms.map((form) => [form, word] as const))
  ),
);

function formsOf(words: Readonly<Record<string, string>>): Map<string, string[]> {
  return new Map(Object.entries(words).map(([word, forms]) => [word, forms.split(" ")]));
}

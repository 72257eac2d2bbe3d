import { z } from "zod";

/** An entry of `added_tokens` in a `tokenizer.json`. */
export const addedTokenSchema = z.object({
  id: z.int().nonnegative(),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(false),
});

export type AddedToken = z.infer<typeof addedTokenSchema>;

/** A token, or the text between two; where it starts, so that the start of a text is known. */
export type Part = { readonly id: number } | { readonly text: string; readonly start: number };

/** What Rust's regular expressions call \w and \s, after Unicode's TS 18; JavaScript's are other sets. */
const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";
const [WORD_BEFORE, WORD_AFTER] = [new RegExp(`${WORD}$`, "u"), new RegExp(`^${WORD}`, "u")];

/**
 * Cuts a text at the added tokens in it, as `tokenizers` does: the first and longest content counts, and only
 * then what the token says of its surroundings.
 *
 * @param tokens Content that is looked for, and what the added token says of its surroundings.
 * @returns For a text its parts in order.
 */
export function addedTokenCutter(tokens: readonly AddedToken[]): (text: string) => Part[] {
  const wanted = new Map(
    tokens.filter((token) => token.content !== "").map((token) => [token.content, token]),
  );
  if (wanted.size === 0) return (text) => text === "" ? [] : [{ text, start: 0 }];
  const longestFirst = [...wanted.keys()].sort((a, b) => b.length - a.length);
  const contents = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  const pattern = new RegExp(contents.join("|"), "gu");
  return (text) => {
    const parts: Part[] = [];
    let done = 0;
    for (const { 0: content, index } of text.matchAll(pattern)) {
      const { id, single_word, lstrip, rstrip } = wanted.get(content)!;
      const before = text.slice(0, index);
      const after = text.slice(index + content.length);
      if (single_word && (WORD_BEFORE.test(before.slice(-2)) || WORD_AFTER.test(after))) continue;
      const start = lstrip ? Math.max(done, index - spacesAtEnd(before)) : index;
      if (done < start) parts.push({ text: text.slice(done, start), start: done });
      parts.push({ id });
      done = index + content.length + (rstrip ? /^\p{White_Space}*/u.exec(after)![0].length : 0);
    }
    if (done < text.length) parts.push({ text: text.slice(done), start: done });
    return parts;
  };
}

function spacesAtEnd(text: string): number {
  let start = text.length;
  while (start > 0 && /\p{White_Space}/u.test(text[start - 1])) start--;
  return text.length - start;
}

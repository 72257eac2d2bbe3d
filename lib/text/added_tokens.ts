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

/**
 * Cuts a text at the added tokens in it, the longest where several could stand.
 *
 * @param tokens Content that is looked for, and what the added token says of its surroundings.
 * @returns For a text its parts in order: a token's id, or the text between two tokens; empty texts too, so
 * that a part at index 0 is the start of the text.
 */
export function addedTokenCutter(
  tokens: readonly AddedToken[],
): (text: string) => (string | number)[] {
  const wanted = tokens.filter((token) => token.content !== "");
  if (wanted.length === 0) return (text) => [text];
  const ids = new Map(wanted.map((token) => [token.content, token.id]));
  const word = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]"; // \w of Unicode's TS 18
  const alternatives = wanted.toSorted((a, b) => b.content.length - a.content.length)
    .map(({ content, single_word: single, lstrip, rstrip }) =>
      (lstrip ? "\\s*" : "") + (single ? `(?<!${word})` : "") +
      content.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&") +
      (single ? `(?!${word})` : "") + (rstrip ? "\\s*" : "")
    );
  const pattern = new RegExp(`(${alternatives.join("|")})`, "u");
  // The pattern has one group, so every second part is an added token.
  return (text) =>
    text.split(pattern).map((part, i) =>
      i % 2 === 0 ? part : ids.get(part) ?? ids.get(part.trim()) ?? part
    );
}

/**
 * Length of a text in characters: Unicode code points, as Python's `len` and so AlpacaEval count them. An
 * emoji is one character here and two in JavaScript's `length`.
 *
 * @example
 * ```ts
 * import { characters } from "./characters.ts";
 * characters("caf\u00e9 \u{1F600}"); // 6
 * ```
 */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

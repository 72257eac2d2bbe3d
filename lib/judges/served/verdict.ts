/**
 * The letter that a reply in words decides for, or null where it names none or both.
 *
 * The first of these that the reply has counts, and nothing if it names both letters: a letter in double
 * brackets; a letter at the start, alone or before punctuation or "is"; "A is better"; a letter after
 * "Answer", "Response", "Assistant" or "Option"; "is A" at the end; a letter in bold or quotes. "A" as an
 * article counts for nothing.
 *
 * @example
 * ```ts
 * import { parseVerdict } from "./verdict.ts";
 * parseVerdict("B."); // "B"
 * parseVerdict("A good answer would say more."); // null
 * ```
 */
export function parseVerdict(reply: string): "A" | "B" | null {
  // A model that reasons aloud decides after its thoughts; cut off within them, it has not decided.
  const text = reply.replace(/^\s*<think>[^]*?(?:<\/think>|$)/, "").trim();
  const forms = [
    /\[\[([AB])\]\]/g,
    /^["'“‘`*_([{]*([AB])(?:["'”’`*_)\]}]*(?:\s*$|[.,:;!\n])|["'”’`*_)\]}]+\s|\s+is\b)/g,
    /\b([AB])["”`*]*\s+is\s+(?:(?:the|much|slightly|clearly|far|a|bit|little)\s+)*better\b/g,
    /\b(?:answer|response|assistant|option)\s*:?\s*["'“‘`*_([{]*([AB])\b/gi,
    /\bis:?\s+["'“‘`*_([{]*([AB])["'”’`*_)\]}]*\s*[.!]?\s*$/g,
    /(?:\*\*|["“`])([AB])(?:\*\*|["”`])/g,
  ];
  for (const form of forms) {
    // Case matters for the letter, not for the word before it: "the answer a friend would give".
    const letters = new Set(
      [...text.matchAll(form)].map(([, letter]) => letter).filter((letter) => /[AB]/.test(letter)),
    );
    if (letters.size === 1) return [...letters][0] as "A" | "B";
    if (letters.size > 1) return null;
  }
  return null;
}

import type { Pair } from "./pair.ts";

/** Everyday matters; a prompt must speak of one. */
const TOPICS = /\b(hello|weather|cook|dance|garden|recipe|vacation|book)\b/i;

/** Beginnings of words that spoil the mood, in the prompt or in an answer. */
const SPOILERS =
  /\b(steal|sneak|attack|hit|hurt|kill|dead|die|blood|gross|swear|dirty|drug|weapon|gun|hate|sex|anus|naked|meat|prank|bull(y|ies))/i;

/**
 * The shortest pairs about everyday matters, for showing data that holds offensive text: a single
 * question, which names such a matter, and two answers, none of them with a word of a second short list. The same pairs give the same
 * choice; ties in length go by id.
 *
 * It is a choice of examples and no filter: of what passes, only the shortest few have been read by anybody.
 *
 * @returns `count` pairs, or as many as there are
 */
export function mildPairs(pairs: readonly Pair[], count: number): Pair[] {
  const size = ({ prompt, chosen, rejected }: Pair) =>
    prompt[0].content.length + chosen.length + rejected.length;
  return pairs
    .filter(({ prompt, chosen, rejected }) =>
      prompt.length === 1 && TOPICS.test(prompt[0].content) &&
      !SPOILERS.test([prompt[0].content, chosen, rejected].join("\n"))
    )
    .sort((a, b) => size(a) - size(b) || (a.id < b.id ? -1 : 1))
    .slice(0, count);
}

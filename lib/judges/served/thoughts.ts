import { lastMark } from "./marks.ts";

/** How models mark thoughts before a reply: openings and ends, of which templates may write the first themselves. */
const OPENING =
  /<\|?(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis|seed:think)\|?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel>thought|<unused94>/i;
const END =
  /<\|?\/(?:think|thinking|thoughts?|reasoning|reflection|scratchpad|analysis|seed:think)\|?>|\[\/THINK\]|◁\/think▷|<\|end_of_thought\|>|<channel\|>|<unused95>/gi;

/** The reply proper of gpt-oss, by its control tokens or, where a server drops these, by what is left of them. */
const CHANNELS = /<\|channel\|>/;
const FINAL = /^[^]*<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>/;
const BARE_FINAL = /^\s*analysis[^]*assistant(?:final)(?=\S)/;
const BARE_THOUGHTS = /^\s*analysis(?=[A-Z"'“])/;

/** Whether a text has what judges are told to write: a mark, a number in brackets, or a letter alone. */
const decided = (text: string): boolean =>
  lastMark(text) !== null || /\[\s*[*_]*-?\d/.test(text) || /^\W*[ABC]\W*$/i.test(text);

/**
 * A reply without the thoughts before it; null where it ends within them.
 *
 * Of thoughts that open the reply everything up to their last end is left out. The chat templates of DeepSeek-R1 and
 * Qwen3 write the opening into the prompt, so that only the end is in the reply; but a judge may also speak of an answer's
 * tags. So any other tag counts only where the verdict is all on the reply's side of it.
 *
 * @param decides Whether a text has a verdict. @default whether it has what judges are told to write
 * @example
 * ```ts
 * import { afterThoughts } from "./thoughts.ts";
 * afterThoughts("A is short, but wrong.\n</think>\n\nB"); // "B"
 * afterThoughts("<think>A is"); // null
 * ```
 */
export function afterThoughts(
  reply: string,
  decides: (text: string) => boolean = decided,
): string | null {
  if (CHANNELS.test(reply)) {
    const [, final] = FINAL.exec(reply) ? reply.split(FINAL) : [];
    return final === undefined
      ? null
      : final.replace(/<\|(?:end|return|start|call)\|>[^]*$/, "").trim();
  }
  if (BARE_FINAL.test(reply)) return reply.replace(BARE_FINAL, "").trim();
  if (BARE_THOUGHTS.test(reply)) return null;
  const opened = reply.trimStart().search(OPENING) === 0;
  const [last] = [...reply.matchAll(END)].slice(-1);
  const end = last === undefined ? 0 : last.index + last[0].length;
  const rest = (opened || decides(reply.slice(end)) ? reply.slice(end) : reply).trim();
  const opening = rest.search(OPENING);
  if (opening === 0) return null;
  const before = rest.slice(0, Math.max(0, opening)).trim();
  return decides(before) && !decides(rest.slice(opening)) ? before : rest;
}

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

/**
 * A reply without the thoughts before it; null where it ends within them.
 *
 * Everything up to the last end of thoughts is left out, whether they have an opening or not: the chat templates of
 * DeepSeek-R1 and Qwen3 write the opening into the prompt, so that only the end is in the reply.
 *
 * @example
 * ```ts
 * import { afterThoughts } from "./thoughts.ts";
 * afterThoughts("A is short, but wrong.\n</think>\n\nB"); // "B"
 * afterThoughts("<think>A is"); // null
 * ```
 */
export function afterThoughts(reply: string): string | null {
  if (CHANNELS.test(reply)) {
    const [, final] = FINAL.exec(reply) ? reply.split(FINAL) : [];
    return final === undefined
      ? null
      : final.replace(/<\|(?:end|return|start|call)\|>[^]*$/, "").trim();
  }
  if (BARE_FINAL.test(reply)) return reply.replace(BARE_FINAL, "").trim();
  if (BARE_THOUGHTS.test(reply)) return null;
  const [last] = [...reply.matchAll(END)].slice(-1);
  const rest = last === undefined ? reply : reply.slice(last.index + last[0].length);
  const opening = OPENING.exec(rest);
  if (opening === null) return rest.trim();
  const before = rest.slice(0, opening.index).trim();
  return before === "" ? null : before;
}

import type { ChatTemplate } from "./chat.ts";

/** What a template is tried on. */
const ANSWER = "An answer.";

/** What {@linkcode turnEndId} needs of a tokenizer. */
export interface TurnEndTokenizer {
  encode(text: string): readonly number[];
  isSpecial(id: number): boolean;
}

/**
 * The special token that a chat template writes behind an assistant's turn: ChatML's "<|im_end|>", Llama 3's
 * "<|eot_id|>". A model tuned on the template ends its answers with it, whatever its tokenizer calls its end token.
 *
 * @returns null where the template writes none, or takes no dialogue of two turns
 */
export function turnEndId(tokenizer: TurnEndTokenizer, chat: ChatTemplate): number | null {
  let text: string;
  try {
    text = chat.render([{ role: "user", content: "A question?" }, {
      role: "assistant",
      content: ANSWER,
    }]);
  } catch {
    return null; // it refuses dialogues that the run does not have, or will say so itself
  }
  const at = text.lastIndexOf(ANSWER);
  if (at < 0) return null;
  return tokenizer.encode(text.slice(at + ANSWER.length)).find((id) => tokenizer.isSpecial(id)) ??
    null;
}

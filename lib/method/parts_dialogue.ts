import { UserError } from "../base/error.ts";
import type { Turn } from "../text/mod.ts";
import {
  type AnswerEncoder,
  conventionsOf,
  encodeText,
  endOfAnswer,
  withSystem,
} from "./encoder.ts";
import type { LearnedDialogue, Span } from "./whole_dialogue.ts";

/**
 * A dialogue whose prompts and answers are encoded apart, as they are when answers are sampled; of the earlier
 * answers, which the convention `turns: "all"` learns too, the template writes the ends.
 *
 * @throws {UserError} where all turns are learned and the template writes an earlier answer otherwise
 */
export function partsDialogue(dialogue: readonly Turn[], encoder: AnswerEncoder): LearnedDialogue {
  const { bos, turns } = conventionsOf(encoder);
  const { tokenizer, chat } = encoder;
  const all = withSystem(dialogue, encoder);
  const last = all.length - 1;
  const ids: number[] = [];
  const learned: Span[] = [];
  let written = ""; // what has become ids of the text that the template writes
  for (const [i, { role, content }] of all.entries()) {
    if (role !== "assistant" || (i < last && turns === "last")) continue;
    const before = chat.render(all.slice(0, i), { addGenerationPrompt: true });
    if (!before.startsWith(written)) {
      throw new UserError(
        "the chat template writes an earlier answer otherwise than as it was given",
        "learn the last turn only: chat.turns=last",
      );
    }
    const between = encodeText(
      before.slice(written.length),
      encoder,
      written === "" && bos === "always" ? tokenizer.bosId : null,
    );
    const earlier = learned.at(-1);
    if (earlier && tokenizer.endIds.includes(between[0])) {
      learned[learned.length - 1] = [earlier[0], earlier[1] + 1];
    }
    ids.push(...between);
    const from = ids.length;
    ids.push(...tokenizer.encode(content));
    learned.push([from, ids.length]);
    written = before + content;
  }
  ids.push(endOfAnswer(tokenizer));
  const answer = learned.at(-1)!;
  learned[learned.length - 1] = [answer[0], answer[1] + 1];
  return { ids, learned };
}

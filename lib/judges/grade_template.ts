import { UserError } from "../base/error.ts";
import type { Turn } from "../text/chat.ts";
import { PlainEncoder } from "../text/plain_text.ts";
import { type JudgeChat, type JudgeTokenizer, labelId } from "../method/template.ts";

/** Settings of a {@linkcode ListTemplate}. */
export interface ListTemplateOptions {
  readonly tokenizer: JudgeTokenizer;
  readonly chat: JudgeChat;
  /** What is asked, after the dialogue and the answers. */
  readonly question: string;
  /** How the reply begins; its very next token is one of `labels`. No space at its end. */
  readonly verdict: string;
  /** What the next token may say, each one token there, such as `[" A", " B", " C"]` or `[" 1", " 2"]`. */
  readonly labels: readonly string[];
  /** Names of the answers in the prompt; `"Answer A"`, `"Answer B"`, ... unless said. */
  readonly names?: readonly string[];
  readonly system?: string;
  /** Most tokens of a prompt. Answers are cut alike at their ends, then the dialogue at its start. */
  readonly maxTokens?: number;
}

/** Of Unicode's private use area: marks where the parts go while the chat template is rendered. */
const MARK = "\uE000";

const ROLES: Readonly<Record<Turn["role"], string>> = {
  system: "\n\nSystem: ",
  user: "\n\nUser: ",
  assistant: "\n\nAssistant: ",
};

/**
 * A question about any number of answers to one dialogue, answered by one token. With one answer and digits
 * as labels it asks for a grade, with N answers and letters for the best of them.
 */
export class ListTemplate {
  /** Ids of the labels, in their order. */
  readonly labelIds: readonly number[];
  /** Prompts made, and those from which something was cut. */
  readonly counts = { prompts: 0, truncated: 0 };
  readonly #options: ListTemplateOptions;
  readonly #plain: PlainEncoder;
  readonly #head: readonly number[];
  readonly #tail: readonly number[];

  /** @throws {UserError} When a label is not one token of its own there, or the chat template loses a part. */
  constructor(options: ListTemplateOptions) {
    const { tokenizer, chat, question, verdict, labels, system } = options;
    this.#options = options;
    this.#plain = new PlainEncoder(tokenizer);
    const turns: Turn[] = [{ role: "user", content: `${MARK}\n\n${question}` }];
    if (system !== undefined) turns.unshift({ role: "system", content: system });
    const parts = (chat.render(turns, { addGenerationPrompt: true }) + verdict).split(MARK);
    if (parts.length !== 2) {
      throw new UserError(
        "the chat template does not keep a user's turn as it is written",
        "use a chat template that writes the content of every turn once and unchanged",
      );
    }
    [this.#head, this.#tail] = parts.map((part) => tokenizer.encode(part));
    this.labelIds = labels.map((label) => labelId(tokenizer, parts[1], label));
    if (new Set(this.labelIds).size !== labels.length || labels.length < 2) {
      throw new UserError(
        `the labels ${labels.map((label) => `"${label}"`).join(", ")} are not told apart`,
        "choose two or more labels that are different tokens",
      );
    }
  }

  /** @throws {UserError} When `maxTokens` leaves no room for the answers. */
  prompt(dialogue: readonly Turn[], answers: readonly string[]): number[] {
    const { tokenizer, names, maxTokens = Infinity } = this.#options;
    const titles = answers.map((_, i) =>
      tokenizer.encode(`\n\n${names?.[i] ?? `Answer ${String.fromCharCode(65 + i)}`}:\n`)
    );
    const turns = dialogue.flatMap(({ role, content }) =>
      this.#plain.encode(ROLES[role] + content.trim()).ids
    );
    const texts = answers.map((answer) => this.#plain.encode(answer.trim()).ids);
    const size = (lists: readonly (readonly number[])[]) =>
      lists.reduce((sum, ids) => sum + ids.length, 0);
    const room = maxTokens - this.#head.length - this.#tail.length - size(titles);
    if (room < 8 * (answers.length + 1)) {
      throw new UserError(
        `a limit of ${maxTokens} tokens is too short for a prompt with ${answers.length} answers`,
        `raise it by ${8 * (answers.length + 1) - room} at least`,
      );
    }
    this.counts.prompts++;
    if (turns.length + size(texts) > room) this.counts.truncated++;
    // The dialogue may squeeze the answers to half of the room, not further.
    const kept = turns.slice(-Math.max(1, room - Math.min(size(texts), Math.floor(room / 2))));
    const cap = equalCap(texts.map((ids) => ids.length), room - kept.length);
    return [
      ...this.#head,
      ...kept,
      ...texts.flatMap((ids, i) => [...titles[i], ...ids.slice(0, cap)]),
      ...this.#tail,
    ];
  }
}

/** The largest cap under which lengths, each cut to the cap, sum to at most `room`. */
export function equalCap(lengths: readonly number[], room: number): number {
  const sorted = [...lengths].sort((a, b) => a - b);
  let left = room;
  for (const [i, length] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - i));
    if (length > share) return share;
    left -= length;
  }
  return Infinity;
}

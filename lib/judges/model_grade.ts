/** Grades of single answers by a language model that is asked for a mark. */
import { UserError } from "../base/error.ts";
import type { TokenScorer } from "../method/mod.ts";
import { type JudgeChat, type JudgeTokenizer, labelId } from "../method/template.ts";
import type { Turn } from "../text/chat.ts";
import { PlainEncoder } from "../text/plain_text.ts";
import type { Grade, MarkedGrade } from "./pointwise.ts";

/** Settings of a {@linkcode GradeTemplate}. */
export interface GradeTemplateOptions {
  readonly tokenizer: JudgeTokenizer;
  readonly chat: JudgeChat;
  /**
   * The marks from worst to best, each one token after "The mark is".
   *
   * @default letters from " E" to " A", since some tokenizers cut numbers off their space
   */
  readonly marks?: readonly string[];
  /** @default the chat template's own system turn */
  readonly system?: string;
  /** Most tokens of a prompt: the answer is cut at its end, then the dialogue at its start. @default no limit */
  readonly maxTokens?: number;
  /** Start token put before a prompt that the chat template does not begin with it. @default none */
  readonly bosId?: number | null;
}

const MARKS = [" E", " D", " C", " B", " A"];
const REPLY = "The mark is";

/** Of Unicode's private use area: marks where dialogue and answer go while the chat template is rendered. */
const PLACE = "\uE000";

/** Tokens that a limit must leave for dialogue and answer together. */
const LEAST_ROOM = 16;

const ROLES: Readonly<Record<Turn["role"], string>> = {
  system: "\n\nSystem: ",
  user: "\n\nUser: ",
  assistant: "\n\nAssistant: ",
};

/** The question for the mark of one answer, which the next token gives. */
export class GradeTemplate {
  /** Ids of the marks, worst first. */
  readonly labelIds: readonly number[];
  /** Prompts made, and those from which something was cut. */
  readonly counts = { prompts: 0, truncated: 0 };
  readonly #plain: PlainEncoder;
  readonly #maxTokens: number;
  readonly #head: readonly number[];
  readonly #title: readonly number[];
  readonly #tail: readonly number[];

  /** @throws {UserError} When a mark is not one token there, or the chat template loses a part. */
  constructor(options: GradeTemplateOptions) {
    const { tokenizer, chat, marks = MARKS, system, maxTokens = Infinity, bosId = null } = options;
    this.#plain = new PlainEncoder(tokenizer);
    this.#maxTokens = maxTokens;
    const [worst, best] = [marks[0], marks.at(-1)].map((mark) => mark?.trim());
    const question = `Mark the answer above: ${best} is the best mark, ${worst} is the worst.`;
    const turns: Turn[] = [{ role: "user", content: `${PLACE}\n\n${question}` }];
    if (system !== undefined) turns.unshift({ role: "system", content: system });
    const parts = (chat.render(turns, { addGenerationPrompt: true }) + REPLY).split(PLACE);
    if (parts.length !== 2) {
      throw new UserError(
        "the chat template does not keep a user's turn as it is written",
        "use a chat template that writes the content of every turn once and unchanged",
      );
    }
    const [head, tail] = parts.map((part) => tokenizer.encode(part));
    this.#head = bosId === null || head[0] === bosId ? head : [bosId, ...head];
    this.#tail = tail;
    this.#title = tokenizer.encode("\n\nAnswer:\n");
    this.labelIds = marks.map((mark) => labelId(tokenizer, parts[1], mark));
    if (new Set(this.labelIds).size !== marks.length || marks.length < 2) {
      throw new UserError(
        `the marks ${marks.map((mark) => `"${mark}"`).join(", ")} are not distinct tokens`,
        "choose two or more marks, each a token of its own",
      );
    }
  }

  /** @throws {UserError} When `maxTokens` leaves no room for the answer. */
  prompt(dialogue: readonly Turn[], answer: string): number[] {
    const turns = dialogue.flatMap(({ role, content }) =>
      this.#plain.encode(ROLES[role] + content.trim()).ids
    );
    const { ids } = this.#plain.encode(answer.trim());
    const frame = this.#head.length + this.#title.length + this.#tail.length;
    const room = this.#maxTokens - frame;
    if (room < LEAST_ROOM) {
      throw new UserError(
        `a limit of ${this.#maxTokens} tokens is too short for a prompt with an answer`,
        `raise it by ${LEAST_ROOM - room} at least`,
      );
    }
    this.counts.prompts++;
    if (turns.length + ids.length > room) this.counts.truncated++;
    // The dialogue may squeeze the answer to half of the room, not further.
    const kept = turns.slice(-Math.max(1, room - Math.min(ids.length, Math.floor(room / 2))));
    const answered = ids.slice(0, room - kept.length);
    return [...this.#head, ...kept, ...this.#title, ...answered, ...this.#tail];
  }
}

/**
 * Grades answers by a language model: the mean of the marks' numbers 1, 2, ... under its next-token
 * probabilities, so that a grade between two marks can be told (as in G-Eval, Liu et al. 2023, equation 1).
 *
 * @throws {UserError} When called, if the model gives no mark any probability.
 */
export function modelGrade(
  { scorer, template }: { readonly scorer: TokenScorer; readonly template: GradeTemplate },
): Grade<MarkedGrade> {
  return async (answers) => {
    const prompts = answers.map(({ prompt, answer }) => template.prompt(prompt, answer));
    const rows = await scorer.probabilities(prompts, template.labelIds);
    return rows.map((row, i) => {
      const labelProbability = row.reduce((sum, p) => sum + p, 0);
      if (!(labelProbability > 0)) {
        throw new UserError(
          `the model gives no mark any probability for answer ${i} of ${rows.length}`,
          "check the checkpoint, or choose marks that it would write",
        );
      }
      const grade = row.reduce((sum, p, mark) => sum + p * (mark + 1), 0) / labelProbability;
      return { grade, labelProbability };
    });
  };
}

import { UserError } from "../base/error.ts";
import type { Turn } from "../text/chat.ts";
import {
  DEFAULT_LAYOUT,
  dialogueTexts,
  type JudgeLayout,
  judgeTurns,
  rationaleText,
} from "./layout.ts";
import type { Principle } from "./principle.ts";
import {
  type JudgeQuestion,
  type JudgeTemplateOptions,
  labelIdsAfter,
  nothingCounted,
} from "./template.ts";

/** Settings of a {@linkcode WholeTextTemplate}: those of a `JudgeTemplate`, and the start token. */
export interface WholeTextTemplateOptions extends Omit<JudgeTemplateOptions, "overflow"> {
  /** Id put before every prompt that does not begin with it; null for none. */
  readonly bosId: number | null;
  /** @default "truncate-start" */
  readonly overflow?: "truncate-start" | "refuse";
}

/**
 * The question put to the judge as the authors' code puts it (https://github.com/oddqueue/self-judge, utils.py
 * `get_batch_judgments`): one text, encoded as a whole; over `maxTokens` it loses its start, after the start token.
 *
 * `JudgeTemplate` encodes the parts apart, so that both positions have the same length and are cut alike. Here a
 * long prompt can lose its first answer's start, and what an answer spells out as control tokens becomes them.
 */
export class WholeTextTemplate implements JudgeQuestion {
  readonly principle: Principle;
  readonly labels: readonly [string, string];
  readonly labelIds: readonly [number, number];
  readonly counts = nothingCounted();
  readonly #options: WholeTextTemplateOptions;
  readonly #layout: JudgeLayout;

  /** @throws {UserError} When a label is not exactly one token there, or the layout lacks a part. */
  constructor(options: WholeTextTemplateOptions) {
    const { tokenizer, principle, labels = [" A", " B"], layout = DEFAULT_LAYOUT } = options;
    this.#options = options;
    this.#layout = layout;
    this.principle = principle;
    this.labels = labels;
    const text = this.#text([{ role: "user", content: "Hi" }], ["Hi", "Hi"]);
    this.labelIds = labelIdsAfter(text, labels, tokenizer);
  }

  prompt(dialogue: readonly Turn[], first: string, second: string): number[] {
    const ids = this.#encode(this.#text(dialogue, [first, second]));
    const over = this.#over(ids.length);
    return truncatedStart(ids, ids.length - over, this.#options.bosId);
  }

  /** Counts a prompt. @returns how many tokens it is over the limit. @throws {UserError} where that is refused */
  #over(length: number): number {
    const { maxTokens = Infinity, overflow = "truncate-start" } = this.#options;
    this.counts.prompts++;
    if (length <= maxTokens) return 0;
    if (overflow === "refuse") {
      throw new UserError(
        `a judge's prompt of ${length} tokens is over the limit of ${maxTokens}`,
        'raise judge.maxTokens, set judge.overflow to "truncate", or leave this comparison out',
      );
    }
    this.counts.truncated++;
    return length - maxTokens;
  }

  /**
   * Not cut, since what is learned is found by marks, which a cut may take. As in the authors' code (collators.py) the
   * label counts for the limit, and the start token goes with the start: what is left ends as the prompt that is asked.
   */
  judged(
    dialogue: readonly Turn[],
    answers: readonly [string, string],
    { label, rationale }: Parameters<JudgeQuestion["judged"]>[2],
  ): { ids: number[]; from: number; over: number } {
    const text = this.#text(dialogue, answers);
    const reasons = rationale ? rationaleText(this.#layout, rationale) : "";
    const from = this.#encode(text).length;
    const ids = this.#encode(text + this.labels[label] + reasons);
    return { ids, from, over: this.#over(ids.length) };
  }

  #text(dialogue: readonly Turn[], [first, second]: readonly [string, string]): string {
    const { principle, system, chat } = this.#options;
    const parts = { dialogue: dialogueTexts(dialogue, this.#layout).join(""), first, second };
    const turns = judgeTurns({ principle, layout: this.#layout, system }, parts);
    return chat.render(turns, { addGenerationPrompt: true }) + principle.verdict;
  }

  #encode(text: string): number[] {
    const { tokenizer, bosId } = this.#options;
    const ids = tokenizer.encode(text);
    return bosId === null || ids[0] === bosId ? ids : [bosId, ...ids];
  }
}

/** The last `most` ids, the start token kept at their head: what `transformers` does with truncation_side "left". */
export function truncatedStart(
  ids: readonly number[],
  most: number,
  bosId: number | null,
): number[] {
  if (ids.length <= most) return [...ids];
  if (bosId === null || ids[0] !== bosId) return ids.slice(ids.length - most);
  return [bosId, ...ids.slice(ids.length - (most - 1))];
}

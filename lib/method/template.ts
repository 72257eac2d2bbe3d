import { UserError } from "../base/error.ts";
import type { Turn } from "../text/chat.ts";
import { PlainEncoder } from "../text/plain_text.ts";
import {
  DEFAULT_LAYOUT,
  dialogueTexts,
  type JudgeLayout,
  judgeTurns,
  rationaleText,
} from "./layout.ts";
import type { Principle } from "./principle.ts";

/** What a judge's prompt needs from a tokenizer; `TextTokenizer` of the text room fits. */
export interface JudgeTokenizer {
  encode(text: string): number[];
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
}

/** What a judge's prompt needs from a chat template; `ChatTemplate` of the text room fits. */
export interface JudgeChat {
  render(turns: readonly Turn[], options: { addGenerationPrompt: boolean }): string;
}

/** One question put to the judge, by one principle: what a judge and JSFT need of a template. */
export interface JudgeQuestion {
  readonly principle: Principle;
  /** The two verdicts, first position and second position. */
  readonly labels: readonly [string, string];
  /** Their token ids. */
  readonly labelIds: readonly [number, number];
  readonly counts: TemplateCounts;
  /** The token ids after which the judge's next token is read. */
  prompt(dialogue: readonly Turn[], first: string, second: string): number[];
  /**
   * The same with the label that follows, and in the rationale variant what is written of both positions after it.
   *
   * @returns ids, the index of the label, and how many ids at their start are over the limit and to be left out, by
   *   default none
   */
  judged(
    dialogue: readonly Turn[],
    answers: readonly [first: string, second: string],
    verdict: { label: 0 | 1; rationale?: readonly [first: string, second: string] },
  ): { ids: number[]; from: number; over?: number };
}

/** Settings of a {@linkcode JudgeTemplate}. */
export interface JudgeTemplateOptions {
  readonly tokenizer: JudgeTokenizer;
  readonly chat: JudgeChat;
  readonly principle: Principle;
  /** The two verdicts, first position and second position. @default [" A", " B"] */
  readonly labels?: readonly [string, string];
  /** The words around the parts, for a model of few words. @default {@linkcode DEFAULT_LAYOUT} */
  readonly layout?: JudgeLayout;
  /** A system turn for the judge. @default none, so that the chat template's own applies */
  readonly system?: string;
  /** Most tokens of a prompt, the label that follows it not counted. @default no limit */
  readonly maxTokens?: number;
  /** What to do with a longer prompt. @default "truncate" */
  readonly overflow?: "truncate" | "refuse";
  /** Start token put before a prompt that the chat template does not begin with it. @default none */
  readonly bosId?: number | null;
}

/** What was cut from prompts to fit `maxTokens`, and what was left out of them. */
export interface TemplateCounts {
  /** Prompts made. */
  prompts: number;
  /** Prompts from which anything was cut. */
  truncated: number;
  /** Oldest turns dropped, over all prompts. */
  droppedTurns: number;
  /** Tokens cut from the ends of answers, over all prompts. */
  cutAnswerTokens: number;
  /** Tokens cut from the start of the turn that is answered, over all prompts. */
  cutTurnTokens: number;
  /** Demonstrations left out before questions that are too long for them, over all prompts. */
  droppedDemonstrations: number;
  /** Control tokens such as `<|im_end|>` found inside a turn or an answer and left out. */
  controlTokens: number;
}

/** Counts of a template that has made no prompt. */
export function nothingCounted(): TemplateCounts {
  return {
    prompts: 0,
    truncated: 0,
    droppedTurns: 0,
    cutAnswerTokens: 0,
    cutTurnTokens: 0,
    droppedDemonstrations: 0,
    controlTokens: 0,
  };
}

/** What was cut from a template's prompts and left out of them, in words. */
export function cutsInWords(
  { prompts, truncated, droppedDemonstrations }: TemplateCounts,
): string {
  return `${truncated} of ${prompts} prompts cut to fit` +
    (droppedDemonstrations === 0
      ? ""
      : `, ${droppedDemonstrations} demonstrations left out before long questions`);
}

/** Of Unicode's private use area: marks where the parts go while the chat template is rendered. */
const MARK = "\uE000";

/** Tokens that must be left for the last turn and the two answers together. */
const LEAST_ROOM = 48;

/**
 * The question put to the judge: two answers to one dialogue, compared by one principle.
 *
 * A prompt is the user's turn (dialogue, answer A, answer B, question) and the start of the
 * assistant's reply, which ends where one token, the label, names the better answer.
 * The parts are encoded apart and joined, so both positions of a comparison have the same length and are
 * cut alike. Control tokens inside an answer are left out: none can pose as the end of a turn.
 *
 * A prompt over `maxTokens` loses its oldest turns first, then the ends of the answers (the longer
 * one down to the shorter one, then both alike), each down to a quarter of the room at most, then the
 * start of the last turn.
 */
export class JudgeTemplate implements JudgeQuestion {
  readonly principle: Principle;
  readonly labels: readonly [string, string];
  /** The one-token ids of the two labels: first position, second position. */
  readonly labelIds: [number, number];
  readonly counts = nothingCounted();
  readonly #tokenizer: JudgeTokenizer;
  readonly #layout: JudgeLayout;
  readonly #maxTokens: number;
  readonly #overflow: "truncate" | "refuse";
  /** Token ids before, between and after the dialogue and the two answers. */
  readonly #frame: readonly [number[], number[], number[], number[]];
  readonly #plain: PlainEncoder;

  /**
   * @throws {UserError} When a label is not exactly one token there, the chat template loses a part,
   * or `maxTokens` leaves no room for answers.
   */
  constructor(options: JudgeTemplateOptions) {
    const { tokenizer, chat, principle, system, labels = [" A", " B"] } = options;
    this.principle = principle;
    this.labels = labels;
    this.#tokenizer = tokenizer;
    this.#plain = new PlainEncoder(tokenizer);
    this.#maxTokens = options.maxTokens ?? Infinity;
    this.#overflow = options.overflow ?? "truncate";

    const layout = this.#layout = options.layout ?? DEFAULT_LAYOUT;
    const mark = { dialogue: MARK, first: MARK, second: MARK };
    const turns = judgeTurns({ principle, layout, system }, mark);
    const text = chat.render(turns, { addGenerationPrompt: true }) + principle.verdict;
    const parts = text.split(MARK);
    if (parts.length !== 4) {
      throw new UserError(
        "the chat template does not keep a user's turn as it is written",
        "use a chat template that writes the content of every turn once and unchanged",
      );
    }
    const [head, toA, toB, tail] = parts.map((part) => tokenizer.encode(part));
    const { bosId = null } = options;
    const start = bosId === null || head[0] === bosId ? [] : [bosId];
    this.#frame = [[...start, ...head], toA, toB, tail];
    this.labelIds = labelIdsAfter(parts[3], labels, tokenizer);
    const least = this.#frameLength + LEAST_ROOM;
    if (this.#maxTokens < least) {
      throw new UserError(
        `a limit of ${this.#maxTokens} tokens is too short for a judge's prompt`,
        `set maxTokens to ${least} or more (of a run: --set judge.maxTokens=${least}): ` +
          `${this.#frameLength} tokens are the question itself`,
      );
    }
  }

  /**
   * The token ids after which the judge's next token is read.
   *
   * @throws {UserError} When the prompt is over `maxTokens` and `overflow` is `"refuse"`, or when
   * there is no turn to answer.
   */
  prompt(pairPrompt: readonly Turn[], first: string, second: string): number[] {
    const trimmed = pairPrompt.map((turn) => ({ ...turn, content: turn.content.trim() }));
    const turns = dialogueTexts(trimmed, this.#layout).map((text) => this.#encode(text));
    const answers = [first, second].map((answer) => this.#encode(answer.trim()));
    const parts = this.#fit(turns, answers);
    this.counts.prompts++;
    const [head, toA, toB, tail] = this.#frame;
    return [...head, ...parts.dialogue, ...toA, ...parts.first, ...toB, ...parts.second, ...tail];
  }

  judged(
    dialogue: readonly Turn[],
    [first, second]: readonly [string, string],
    { label, rationale }: Parameters<JudgeQuestion["judged"]>[2],
  ): { ids: number[]; from: number } {
    const prompt = this.prompt(dialogue, first, second);
    const reasons = rationale ? this.rationale(...rationale) : [];
    return { ids: [...prompt, this.labelIds[label], ...reasons], from: prompt.length };
  }

  /** What follows the label in the rationale variant: what is written about each position. */
  rationale(first: string, second: string): number[] {
    return this.#tokenizer.encode(rationaleText(this.#layout, [first, second]));
  }

  get #frameLength(): number {
    return this.#frame.reduce((sum, ids) => sum + ids.length, 0);
  }

  /** Cuts the parts so that the prompt fits; the cuts do not depend on which answer comes first. */
  #fit(turns: number[][], [first, second]: number[][]) {
    const room = this.#maxTokens - this.#frameLength;
    const size = (dialogue: number[][]) => dialogue.reduce((sum, ids) => sum + ids.length, 0);
    const length = size(turns) + first.length + second.length;
    if (length <= room) return { dialogue: turns.flat(), first, second };
    if (this.#overflow === "refuse") {
      throw new UserError(
        `a judge's prompt of ${length + this.#frameLength} tokens is over the limit of ` +
          `${this.#maxTokens}; it starts "${this.#tokenizer.decode(turns[0].slice(0, 12))}"`,
        'raise maxTokens, set overflow to "truncate", or leave this comparison out',
      );
    }
    this.counts.truncated++;

    let kept = turns;
    while (kept.length > 1 && size(kept) + first.length + second.length > room) {
      kept = kept.slice(1);
      this.counts.droppedTurns++;
    }
    const last = kept.flat();
    // A long turn may squeeze each answer to a quarter of the room, not further.
    const least = [first, second].map((ids) => Math.min(ids.length, Math.floor(room / 4)));
    const turn = last.slice(Math.max(0, last.length - (room - least[0] - least[1])));
    this.counts.cutTurnTokens += last.length - turn.length;

    const cap = equalCap([first.length, second.length], room - turn.length);
    const cut = [first, second].map((ids) => ids.slice(0, cap));
    this.counts.cutAnswerTokens += first.length - cut[0].length + second.length - cut[1].length;
    return { dialogue: turn, first: cut[0], second: cut[1] };
  }

  /** Encodes text that others wrote: control tokens spelled out in it are left out and counted. */
  #encode(text: string): number[] {
    const { ids, dropped } = this.#plain.encode(text);
    this.counts.controlTokens += dropped;
    return ids;
  }
}

/** The largest cap under which both lengths, each cut to the cap, sum to at most `room`. */
function equalCap([a, b]: [number, number], room: number): number {
  if (a + b <= room) return Math.max(a, b);
  const short = Math.min(a, b);
  return short * 2 <= room ? room - short : Math.floor(room / 2);
}

/**
 * The ids of two labels after `text`.
 *
 * @throws {UserError} When one is not exactly one token there, or they are the same.
 */
export function labelIdsAfter(
  text: string,
  labels: readonly [string, string],
  tokenizer: JudgeTokenizer,
): [number, number] {
  const [first, second] = labels.map((label) => labelId(tokenizer, text, label));
  if (first !== second) return [first, second];
  throw new UserError(
    `the labels "${labels[0]}" and "${labels[1]}" are the same token`,
    "choose two labels that the tokenizer tells apart",
  );
}

/**
 * The id of `label` after `text`, which must add one token and leave those before it alone.
 *
 * @throws {UserError} When it does not.
 */
export function labelId(tokenizer: JudgeTokenizer, text: string, label: string): number {
  const before = tokenizer.encode(text);
  const after = tokenizer.encode(text + label);
  const added = after.slice(before.length);
  if (added.length === 1 && before.every((id, index) => id === after[index])) return added[0];
  throw new UserError(
    `the label "${label}" is ${added.length} tokens after "${
      text.slice(-30)
    }" or changes the ones before it`,
    'choose labels that are one token there, such as " A" and " B", or another verdict',
  );
}

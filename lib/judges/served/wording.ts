import type { Turn } from "../../text/chat.ts";
import type { Principle } from "../../method/principle.ts";
import type { JudgeLayout } from "../../method/layout.ts";
import { type JudgeChat, JudgeTemplate, type JudgeTokenizer } from "../../method/template.ts";
import { CharacterTokenizer } from "./characters.ts";
import type { ServedApi } from "./api.ts";

/** What goes to the server: a text to be continued, or the messages of a chat. */
export type ServedPrompt = { readonly text: string } | { readonly messages: readonly Turn[] };

/** How comparisons are put to a server: templates as every judge has, and what their ids stand for. */
export interface Wording {
  readonly templates: readonly JudgeTemplate[];
  promptOf(ids: readonly number[]): ServedPrompt;
}

/** Settings of {@linkcode servedWording}. */
export interface WordingOptions {
  readonly api: ServedApi;
  readonly principles: readonly Principle[];
  readonly layout?: JudgeLayout;
  readonly system?: string;
  readonly overflow?: "truncate" | "refuse";
  /** Of the served model, for `completions`: then texts are the in-process judge's, token for token. */
  readonly tokenizer?: JudgeTokenizer;
  /** The chat template for `completions`; without one the text is plain. */
  readonly chat?: JudgeChat;
  /** Longest prompt: tokens with a `tokenizer`, else characters. @default no limit */
  readonly maxLength?: number;
}

/** Of Unicode's private use area: mark the start of a turn and the end of its role. */
const [TURN, ROLE] = ["\uE001", "\uE002"];

const MESSAGES: JudgeChat = {
  render: (turns) => turns.map(({ role, content }) => TURN + role + ROLE + content).join(""),
};

const PLAIN: JudgeChat = {
  render: (turns) => turns.map(({ content }) => `${content}\n\n`).join(""),
};

/**
 * Words the questions for an API.
 *
 * `completions` continues the same text as a judge in this process reads, up to the label. The chat APIs
 * cannot begin the assistant's reply, so the question asks for one letter instead.
 */
export function servedWording(options: WordingOptions): Wording {
  const { api, principles, layout, system, overflow, maxLength: maxTokens } = options;
  const more = { layout, system, overflow, maxTokens };
  if (api !== "completions") {
    const labels = ["A", "B"] as const;
    const tokenizer = new CharacterTokenizer(labels, [TURN, ROLE]);
    return {
      templates: principles.map((principle) =>
        new JudgeTemplate({
          tokenizer,
          chat: MESSAGES,
          principle: askedForLetter(principle),
          labels,
          ...more,
        })
      ),
      promptOf: (ids) => ({ messages: messagesOf(tokenizer.decode(ids)) }),
    };
  }
  const labels = [" A", " B"] as const;
  const tokenizer = options.tokenizer ?? new CharacterTokenizer(labels);
  const chat = options.chat ?? PLAIN;
  return {
    templates: principles.map((principle) =>
      new JudgeTemplate({ tokenizer, chat, principle, labels, ...more })
    ),
    promptOf: (ids) => ({ text: tokenizer.decode(ids, { skipSpecial: false }).toWellFormed() }),
  };
}

/** The principle with its verdict moved into the question, to be answered by a letter. */
export function askedForLetter(principle: Principle): Principle {
  const { question, turn, verdict } = principle;
  const letter = "Complete this sentence by one letter, A or B, and write only the " +
    `letter: "${verdict} ..."`;
  if (turn !== undefined) {
    return { ...principle, turn: `${turn.trimEnd()}\n\n${letter}`, verdict: "" };
  }
  return { ...principle, question: `${question} ${letter}`, verdict: "" };
}

function messagesOf(text: string): Turn[] {
  return text.split(TURN).slice(1).map((turn) => {
    const [role, content] = turn.split(ROLE);
    return { role: role as Turn["role"], content: content.toWellFormed() };
  });
}

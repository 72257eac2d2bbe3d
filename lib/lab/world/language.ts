import type { JudgeLayout, Principle } from "../../method/mod.ts";
import { ChatTemplate, TextTokenizer } from "../../text/mod.ts";
import { type View, VIEWS } from "./reward.ts";
import { SPECIAL, VOCABULARY } from "./words.ts";

/** Turns as the world's models read them: a mark, the words, and an end after each answer. */
const CHAT_TEMPLATE = "{% for message in messages %}" +
  "{% if message['role'] == 'assistant' %}" +
  `${SPECIAL.assistant} {{ message['content'] }} ${SPECIAL.end} ` +
  `{% else %}${SPECIAL.user} {{ message['content'] }} {% endif %}{% endfor %}` +
  `{% if add_generation_prompt %}${SPECIAL.assistant}{% endif %}`;

/** The world's `tokenizer.json`: one token a word, words parted by blanks. */
export function tokenizerJson(): Record<string, unknown> {
  const vocab = Object.fromEntries(VOCABULARY.map((word, id) => [word, id]));
  const special = Object.values(SPECIAL);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab, unk_token: SPECIAL.unknown },
  };
}

/** Tokenizer and chat template of the world. */
export function worldLanguage(): { tokenizer: TextTokenizer; chat: ChatTemplate } {
  const tokenizer = TextTokenizer.fromJson(tokenizerJson(), {
    file: "the world's tokenizer",
    eosToken: SPECIAL.end,
    padToken: SPECIAL.pad,
    chatTemplate: CHAT_TEMPLATE,
  });
  return { tokenizer, chat: ChatTemplate.of(tokenizer) };
}

/** Judge prompts in the world's few words. */
export const WORLD_LAYOUT: JudgeLayout = {
  turn: "compare {dialogue} A : {first} B : {second} {question}",
  roles: { system: "", user: "", assistant: "" },
  rationale: ". A : {first} B : {second}",
};

/** What is asked of two answers from each point of view. */
export const VIEW_PHRASES: Readonly<Record<View, string>> = {
  completeness: "names more",
  accuracy: "adds less",
  manners: "is more polite",
  brevity: "has less chatter",
  form: "has better form",
};

const asked = (name: string, phrase: string): Principle => ({
  name,
  question: `which ${phrase} ?`,
  verdict: "answer",
});

/** The question for the better answer, and one for each point of view. */
export const WORLD_PRINCIPLES: readonly Principle[] = [
  asked("overall", "is better"),
  ...VIEWS.map((view) => asked(view, VIEW_PHRASES[view])),
];

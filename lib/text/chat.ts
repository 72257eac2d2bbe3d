import { Template } from "@huggingface/jinja";
import { UserError } from "../base/error.ts";

/** One turn of a dialogue. */
export interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Tokens that a template may write. */
export interface ChatTokens {
  readonly bosToken?: string | null;
  readonly eosToken?: string | null;
  readonly padToken?: string | null;
}

/** Settings of {@linkcode ChatTemplate.render}. */
export interface RenderOptions {
  /** Whether the start of an assistant's turn follows, for the model to complete. @default false */
  readonly addGenerationPrompt?: boolean;
}

/**
 * A model's chat template: turns to the text it was tuned on.
 *
 * Templates are Jinja, as `transformers` renders them:
 * https://huggingface.co/docs/transformers/chat_templating
 *
 * @example
 * ```ts
 * import { ChatTemplate } from "./chat.ts";
 * const template = new ChatTemplate(
 *   "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}{{ eos_token }}{% endfor %}",
 *   { eosToken: "</s>" },
 * );
 * template.render([{ role: "user", content: "Hi" }]); // "[user] Hi</s>"
 * ```
 */
export class ChatTemplate {
  readonly #template: Template;
  readonly #tokens: ChatTokens;

  /**
   * @param source Jinja source.
   * @param tokens Texts for `bos_token`, `eos_token` and `pad_token`.
   * @throws UserError when the source is not a template.
   */
  constructor(readonly source: string, tokens: ChatTokens) {
    this.#tokens = tokens;
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new UserError(
        `the chat template cannot be read: ${cause instanceof Error ? cause.message : cause}`,
        "correct chat_template in tokenizer_config.json",
        { cause },
      );
    }
  }

  /** The template of a tokenizer. @throws UserError when it has none. */
  static of(tokenizer: ChatTokens & { readonly chatTemplate: string | null }): ChatTemplate {
    if (tokenizer.chatTemplate !== null) return new ChatTemplate(tokenizer.chatTemplate, tokenizer);
    throw new UserError(
      "the tokenizer has no chat template",
      "choose an instruction-tuned model, or add chat_template to tokenizer_config.json",
    );
  }

  /**
   * The text of a dialogue.
   *
   * @throws UserError when there is no turn, a role is unknown or the template refuses the turns.
   */
  render(turns: readonly Turn[], options: RenderOptions = {}): string {
    const roles = ["system", "user", "assistant"];
    const bad = turns.findIndex((turn) => !roles.includes(turn.role));
    if (turns.length === 0 || bad >= 0) {
      throw new UserError(
        bad < 0
          ? "a dialogue has no turns"
          : `turn ${bad + 1} has role ${JSON.stringify(turns[bad].role)}`,
        `give at least one turn, each with role ${roles.join(", ")}`,
      );
    }
    try {
      return this.#template.render({
        messages: turns,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        bos_token: this.#tokens.bosToken ?? "",
        eos_token: this.#tokens.eosToken ?? "",
        pad_token: this.#tokens.padToken ?? "",
      });
    } catch (cause) {
      throw new UserError(
        `the chat template refuses the turns (${turns.map((t) => t.role).join(", ")}): ` +
          `${cause instanceof Error ? cause.message : cause}`,
        "give turns in the order the model was tuned on",
        { cause },
      );
    }
  }
}

import { UserError } from "../base/error.ts";
import { CHAT_PRESETS } from "./chat_presets.ts";
import { JinjaTemplate } from "./jinja/template.ts";
import { JinjaError, Unsupported } from "./jinja/values.ts";

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

/** A chat template's own refusal of a dialogue, such as "Conversation roles must alternate". */
export class TemplateRefusal extends UserError {
  override name = "TemplateRefusal";

  /**
   * @param reason The template's own words.
   * @param roles The dialogue's roles, in order.
   */
  constructor(
    readonly reason: string,
    readonly roles: readonly Turn["role"][],
    options?: ErrorOptions,
  ) {
    super(
      `the chat template refuses the turns (${roles.join(", ")}): ${reason}`,
      refusalRemedy(reason, roles),
      options,
    );
  }

  /** Whether the dialogue has a system turn, without which the template may take it. */
  get hasSystem(): boolean {
    return this.roles.includes("system");
  }
}

function refusalRemedy(reason: string, roles: readonly string[]): string {
  const token = /^'(\w+_token)' is undefined$/.exec(reason)?.[1];
  if (token) {
    return `name ${token} in tokenizer_config.json (for a judge on a server, give its tokenizer), or choose ` +
      "a chat template that does not write it";
  }
  const others = roles.filter((role) => role !== "system");
  const alternate = others.every((role, i) => role === (i % 2 === 0 ? "user" : "assistant"));
  if (roles.includes("system") && (alternate || /system/i.test(reason))) {
    return "leave the system turn out, or choose a chat template that takes one";
  }
  if (alternate) return "choose a chat template that takes these turns";
  return "let user and assistant turns alternate, the user first";
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
  readonly #template: JinjaTemplate;
  readonly #tokens: ChatTokens;
  readonly #now: Date | undefined;

  /**
   * @param source Jinja source.
   * @param tokens Texts for `bos_token`, `eos_token` and `pad_token`.
   * @param options.now What templates that write the day take it from. @default the time when it renders
   * @throws UserError when the source is not a template.
   */
  constructor(readonly source: string, tokens: ChatTokens, { now }: { now?: Date } = {}) {
    this.#tokens = tokens;
    this.#now = now;
    try {
      this.#template = new JinjaTemplate(source);
    } catch (cause) {
      if (cause instanceof Unsupported) throw unsupported(cause);
      if (!(cause instanceof JinjaError)) throw cause;
      throw new UserError(
        `the chat template cannot be read: ${cause.message}`,
        "correct chat_template in tokenizer_config.json, or the file that it comes from",
        { cause },
      );
    }
  }

  /**
   * The template of a tokenizer.
   *
   * @param options `template`: Jinja source to use instead of the tokenizer's own; see `chatTemplateSource`. `now`: see
   *   the constructor.
   * @throws UserError when there is none.
   */
  static of(
    tokenizer: ChatTokens & { readonly chatTemplate: string | null },
    { template = tokenizer.chatTemplate, now }: { template?: string | null; now?: Date } = {},
  ): ChatTemplate {
    if (template !== null) return new ChatTemplate(template, tokenizer, { now });
    throw new UserError(
      "the tokenizer has no chat template: the model is a base model",
      "name one with the setting chat.template: a Jinja file or one of the presets " +
        `${Object.keys(CHAT_PRESETS).join(", ")}; or choose an instruction-tuned model`,
    );
  }

  /**
   * The text of a dialogue.
   *
   * @throws UserError when there is no turn or a role is unknown; TemplateRefusal when the template
   * refuses the turns.
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
    const { bosToken, eosToken, padToken } = this.#tokens;
    const named = Object.entries({ bos_token: bosToken, eos_token: eosToken, pad_token: padToken });
    try {
      return this.#template.render({
        // transformers gives a template only the tokens that there are, and null where it is given neither.
        ...Object.fromEntries(named.filter(([, token]) => token != null)) as Record<string, string>,
        messages: turns.map(({ role, content }) => ({ role, content })),
        tools: null,
        documents: null,
        add_generation_prompt: options.addGenerationPrompt ?? false,
      }, this.#now);
    } catch (cause) {
      if (cause instanceof Unsupported) throw unsupported(cause);
      if (!(cause instanceof JinjaError)) throw cause;
      throw new TemplateRefusal(cause.message, turns.map((turn) => turn.role), { cause });
    }
  }
}

function unsupported(cause: Unsupported): UserError {
  return new UserError(
    `the chat template uses what is not rendered here: ${cause.message}`,
    "write the template without it, and name that file with the setting chat.template",
    { cause },
  );
}

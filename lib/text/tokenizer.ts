import { type PreTokenizer, Tokenizer } from "tokenizers";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { readJson } from "../model/json_file.ts";
import { addedTokenCutter, addedTokenSchema } from "./added_tokens.ts";
import { ChatTemplate } from "./chat.ts";
import { withConfigTokens } from "./config_tokens.ts";
import { memoised } from "./memo.ts";
import { readTokenizerConfig } from "./tokenizer_config.ts";
import { turnEndId } from "./turn_end.ts";
import { unreadablePart } from "./unreadable_part.ts";
import { type WordModel, wordModel } from "./word_model.ts";

const tokenizerSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  model: z.unknown(),
  pre_tokenizer: z.unknown().optional(),
});

/** What a `tokenizer.json` leaves open. */
export interface TokenizerOptions {
  /** Name of the source, for messages. @default "tokenizer.json" */
  readonly file?: string;
  /** Text of the token that ends a turn or a text. */
  readonly eosToken: string;
  /** Text of the token that starts a text, null for none. @default null */
  readonly bosToken?: string | null;
  /** Text of the token that fills rows of a batch. @default the end token */
  readonly padToken?: string | null;
  /** Jinja source of the chat template, null for none. @default null */
  readonly chatTemplate?: string | null;
  /** Ids that end a turn beside the end token's. @default none */
  readonly endIds?: readonly number[];
}

/**
 * A Hugging Face tokenizer: text to token ids and back.
 *
 * Nothing is added to a text (no start token, no template); the text of a special token, such as
 * "<|im_start|>", is its one id wherever it stands.
 *
 * @example
 * ```ts
 * import { TextTokenizer } from "./tokenizer.ts";
 * const tokenizer = await TextTokenizer.fromFile("SmolLM2-135M-Instruct/tokenizer.json");
 * const ids = tokenizer.encode("<|im_start|>user");
 * tokenizer.decode(ids, { skipSpecial: true }); // "user"
 * ```
 */
export class TextTokenizer {
  /** The `tokenizer.json` as an object. */
  readonly json: unknown;
  readonly bosToken: string | null;
  readonly eosToken: string;
  readonly padToken: string;
  readonly bosId: number | null;
  readonly eosId: number;
  readonly padId: number;
  /** Jinja source of the model's chat template, null where it has none. */
  readonly chatTemplate: string | null;
  /** Tokens in the vocabulary, added ones included. */
  readonly size: number;
  readonly #file: string;
  readonly #statedEnds: readonly number[];
  #answerEndId: number | undefined;
  readonly #native: Tokenizer;
  readonly #model: WordModel;
  readonly #added: ReadonlyMap<string, number>;
  readonly #special: ReadonlySet<number>;
  /** Cuts a text as it is written at its added tokens. */
  readonly #cut: ReturnType<typeof addedTokenCutter>;
  /** Cuts a normalised text at those that are looked for there. */
  readonly #cutNormal: ReturnType<typeof addedTokenCutter>;
  /** Cuts the start of a text into words, and what follows an added token. */
  readonly #preTokenizers: readonly [start: PreTokenizer | null, later: PreTokenizer | null];
  readonly #memoised = memoised((text) => this.#encode(text));

  private constructor(json: unknown, options: TokenizerOptions) {
    const { file = "tokenizer.json", eosToken, chatTemplate = null } = options;
    const parsed = tokenizerSchema.safeParse(json);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0];
      throw new UserError(
        `${file}: "${path.join(".")}" is not that of a tokenizer (${message})`,
        "give the tokenizer.json of a model",
      );
    }
    const { added_tokens: added, model, pre_tokenizer } = parsed.data;
    // First: what is refused here can end the process in native code.
    this.#model = wordModel(model, file);
    try {
      this.#native = Tokenizer.fromString(JSON.stringify(json));
    } catch (cause) {
      const part = unreadablePart(json);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UserError(
        `${file} is not a usable tokenizer: ${part === null ? "" : `its ${part}: `}${reason}`,
        part === null
          ? "fetch tokenizer.json again"
          : "choose a tokenizer made of what tokenizers 0.23 knows, or fetch tokenizer.json again",
        { cause },
      );
    }
    this.json = json;
    this.#added = new Map(added.map((token) => [token.content, token.id]));
    this.#special = new Set(added.filter((token) => token.special).map((token) => token.id));
    this.#cut = addedTokenCutter(added.filter((token) => !token.normalized));
    this.#cutNormal = addedTokenCutter(
      added.filter((token) => token.normalized)
        .map((token) => ({ ...token, content: this.#normal(token.content) })),
    );
    this.#preTokenizers = [this.#native.getPreTokenizer(), preTokenizerInside(pre_tokenizer)];
    this.size = this.#native.getVocabSize(true);
    const id = (token: string) => {
      const found = this.tokenId(token);
      if (found !== undefined) return found;
      throw new UserError(
        `${file}: token ${JSON.stringify(token)} is not in the vocabulary`,
        "name tokens of this tokenizer in tokenizer_config.json",
      );
    };
    this.bosToken = options.bosToken ?? null;
    this.eosToken = eosToken;
    this.padToken = options.padToken ?? eosToken;
    this.bosId = this.bosToken === null ? null : id(this.bosToken);
    this.eosId = id(eosToken);
    this.padId = id(this.padToken);
    const outside = options.endIds?.find((end) => this.#native.idToToken(end) === null);
    if (outside !== undefined) {
      throw new UserError(
        `${file}: end id ${outside} is not below ${this.size}`,
        "use the tokenizer that belongs to the model, or correct eos_token_id in its config.json or generation_config.json",
      );
    }
    this.#statedEnds = options.endIds ?? [];
    this.chatTemplate = chatTemplate;
    this.#file = file;
  }

  /**
   * Builds the tokenizer that a `tokenizer.json` object describes (model "BPE" or "WordLevel").
   *
   * @throws UserError when it is damaged, of another kind, or lacks one of the named tokens.
   */
  static fromJson(json: unknown, options: TokenizerOptions): TextTokenizer {
    return new TextTokenizer(json, options);
  }

  /**
   * Reads a `tokenizer.json` and what is beside it, see `readTokenizerConfig`.
   *
   * @param options.endIds Ids that end a turn beside the end token's. @default none
   * @param options.chatTemplate Jinja source to use instead of the folder's. @default the folder's
   * @throws UserError when a file is missing, damaged, or names no end token.
   */
  static async fromFile(
    path: string,
    { endIds, chatTemplate }: Pick<TokenizerOptions, "endIds" | "chatTemplate"> = {},
  ): Promise<TextTokenizer> {
    const config = await readTokenizerConfig(path.replace(/[^/\\]*$/, ""), chatTemplate);
    const json = withConfigTokens(await readJson(path), config.tokens, config.file);
    return new TextTokenizer(json, { ...config, file: path, endIds });
  }

  /** The start token's id where the tokenizer's own processing puts it before a text, as `transformers` then does. */
  get startId(): number | null {
    const { post_processor: processor = null } = this.json as { post_processor?: unknown };
    const puts = this.bosToken !== null &&
      JSON.stringify(processor).includes(JSON.stringify(this.bosToken));
    return puts ? this.bosId : null;
  }

  /**
   * Ids that end an answer, `eosId` first: the end token's, what the chat template writes behind an answer, and those
   * that the model's files name.
   */
  get endIds(): readonly number[] {
    return [...new Set([this.eosId, this.answerEndId, ...this.#statedEnds])];
  }

  /**
   * The id that an answer is learned to end with: the special token that the chat template writes behind an
   * assistant's turn, or the end token's where it writes none. They differ where `eos_token` ends a text and not a
   * turn: "<|end_of_text|>" against "<|eot_id|>".
   */
  get answerEndId(): number {
    return this.#answerEndId ??= this.chatTemplate === null
      ? this.eosId
      : turnEndId(this, ChatTemplate.of(this)) ?? this.eosId;
  }

  /** Token ids of a text, none for the empty text; the caller may keep and change them. */
  encode(text: string): number[] {
    return this.#memoised(text);
  }

  /** This tokenizer with another chat template or more end ids; see {@linkcode TokenizerOptions}. */
  with(change: Pick<TokenizerOptions, "chatTemplate" | "endIds">): TextTokenizer {
    const { bosToken, eosToken, padToken, chatTemplate, endIds } = this;
    const same = { file: this.#file, bosToken, eosToken, padToken, chatTemplate };
    return new TextTokenizer(this.json, {
      ...same,
      ...change,
      endIds: [...endIds, ...change.endIds ?? []],
    });
  }

  #encode(text: string): number[] {
    const ids: number[] = [];
    for (const part of this.#cut(text)) {
      const pieces = "id" in part ? [part] : this.#cutNormal(this.#normal(part.text));
      for (const piece of pieces) {
        if ("id" in piece) ids.push(piece.id);
        else {
          const start = "start" in part && part.start === 0 && piece.start === 0 &&
            !this.#losesStart(part.text);
          const words = this.#preTokenizers[start ? 0 : 1]?.preTokenizeString(piece.text);
          for (const [word] of words ?? [[piece.text]]) {
            for (const id of this.#model.encode(word)) ids.push(id);
          }
        }
      }
    }
    return ids;
  }

  /** Whether the normaliser takes away the first character, after which no piece is the text's start. */
  #losesStart(text: string): boolean {
    if (this.#preTokenizers[0] === null || this.#native.getNormalizer() === null) return false;
    const [first] = text;
    return this.#normal(`${first}x`) === this.#normal("x");
  }

  #normal(text: string): string {
    return this.#native.getNormalizer()?.normalizeString(text) ?? text;
  }

  /**
   * Text of token ids; bytes that are no whole character become U+FFFD.
   *
   * @throws RangeError when an id is outside the vocabulary.
   */
  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): string {
    const tokens: string[] = [];
    for (const id of ids) {
      if (options.skipSpecial && this.#special.has(id)) continue;
      const token = this.#native.idToToken(id);
      if (token === null) throw new RangeError(`token id ${id} is not below ${this.size}`);
      tokens.push(token);
    }
    return this.#native.getDecoder()?.decode(tokens) ?? tokens.join(" ");
  }

  /** Whether an id is a special token's, which `skipSpecial` leaves out. */
  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  /** Id of a token by its spelling in the vocabulary, undefined where there is none. */
  tokenId(token: string): number | undefined {
    return this.#added.get(token) ?? this.#model.vocabulary.get(token);
  }
}

/**
 * The pre-tokeniser for text after an added token: Metaspace with `prepend_scheme` "first" adds its blank at
 * the start of the whole text only (https://github.com/huggingface/tokenizers/pull/1357).
 */
function preTokenizerInside(json: unknown): PreTokenizer | null {
  const pre_tokenizer = JSON.parse(
    JSON.stringify(json ?? null),
    (key, value) => key === "prepend_scheme" && value === "first" ? "never" : value,
  );
  const model = { type: "WordLevel", vocab: {}, unk_token: "" };
  return Tokenizer.fromString(JSON.stringify({ version: "1.0", pre_tokenizer, model }))
    .getPreTokenizer();
}

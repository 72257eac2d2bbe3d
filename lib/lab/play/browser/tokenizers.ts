/**
 * What stands for the native package `tokenizers` in the page's bundle: as much of it as the text room asks for, of the
 * one tokenizer that the page has, whose tokens are words parted by blanks.
 *
 * @module
 */

/** Cuts a text into words. */
export class PreTokenizer {
  preTokenizeString(text: string): [string, [number, number]][] {
    return [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => [word, [
      index,
      index + word.length,
    ]]);
  }
}

/** The part of a `tokenizer.json` that the page needs. */
interface Json {
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
  readonly normalizer?: unknown;
  readonly decoder?: unknown;
  readonly pre_tokenizer?: { readonly type: string } | null;
  readonly model: { readonly type: string; readonly vocab: Readonly<Record<string, number>> };
}

/** A word-level tokenizer. */
export class Tokenizer {
  readonly #tokens = new Map<number, string>();

  private constructor(readonly json: Json) {
    for (const [token, id] of Object.entries(json.model.vocab)) this.#tokens.set(id, token);
    for (const { content, id } of json.added_tokens ?? []) this.#tokens.set(id, content);
  }

  /** @throws {Error} for any other kind of tokenizer */
  static fromString(text: string): Tokenizer {
    const json = JSON.parse(text) as Json;
    const { pre_tokenizer: pre, model, normalizer, decoder } = json;
    const known = model.type === "WordLevel" && (pre == null || pre.type === "WhitespaceSplit") &&
      normalizer == null && decoder == null;
    if (!known) throw new Error("the page reads word-level tokenizers alone");
    return new Tokenizer(json);
  }

  getPreTokenizer(): PreTokenizer | null {
    return this.json.pre_tokenizer == null ? null : new PreTokenizer();
  }

  getNormalizer(): null {
    return null;
  }

  getDecoder(): null {
    return null;
  }

  getVocabSize(_withAdded: boolean): number {
    return this.#tokens.size;
  }

  idToToken(id: number): string | null {
    return this.#tokens.get(id) ?? null;
  }
}

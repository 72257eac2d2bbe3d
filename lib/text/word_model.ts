import { BPE, WordPiece } from "@huggingface/tokenizers";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { unigram } from "./unigram.ts";

/** How one pre-tokenised word becomes token ids. */
export interface WordModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  encode(word: string): readonly number[];
}

const vocab = z.record(z.string(), z.int());

const modelSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("WordLevel"), vocab, unk_token: z.string() }),
  z.strictObject({
    type: z.literal("BPE"),
    vocab,
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    unk_token: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    dropout: z.literal(0).nullish(), // other ones cut a text at random
    continuing_subword_prefix: z.literal("").nullish(),
    end_of_word_suffix: z.string().nullish(),
  }),
  z.strictObject({
    type: z.literal("WordPiece"),
    vocab,
    unk_token: z.string(),
    continuing_subword_prefix: z.string(),
    max_input_chars_per_word: z.int(),
  }),
  z.strictObject({
    type: z.literal("Unigram"),
    vocab: z.array(z.tuple([z.string(), z.number()])),
    unk_id: z.int().nullish(),
    byte_fallback: z.boolean().nullish(),
  }),
]);

type Model = z.infer<typeof modelSchema>;
type Encode = WordModel["encode"];

/** The type of a model that does not say it, as files before 2021 do not; `tokenizers` tells it by the fields. */
function typed(json: unknown): unknown {
  if (typeof json !== "object" || json === null || "type" in json) return json;
  const type = "merges" in json
    ? "BPE"
    : "max_input_chars_per_word" in json
    ? "WordPiece"
    : "vocab" in json && Array.isArray(json.vocab)
    ? "Unigram"
    : "WordLevel";
  return { ...json, type };
}

/**
 * The `model` of a `tokenizer.json`: byte-pair encoding (https://arxiv.org/abs/1508.07909), WordPiece,
 * Unigram or whole words.
 *
 * `npm:tokenizers` encodes only through promises, one a call; data building, truncation and templates
 * need ids at once. So BPE and WordPiece are those of `@huggingface/tokenizers`, which are synchronous; its
 * other parts differ from `npm:tokenizers` (digits outside ASCII, bytes that are no character, no WordLevel).
 *
 * @param json The `model` object.
 * @param file For messages.
 * @throws UserError when the model is of another type or has a setting that is not read.
 */
export function wordModel(json: unknown, file: string): WordModel {
  const parsed = modelSchema.safeParse(typed(json));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const odd = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
    const path = [...issue.path, ...odd];
    const value = path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown>)?.[key],
      json,
    );
    throw new UserError(
      `${file} is not a usable tokenizer: ${["model", ...path].join(".")} is ${
        JSON.stringify(value)?.slice(0, 80)
      }`,
      'choose a tokenizer whose model is "BPE", "Unigram", "WordPiece" or "WordLevel", without settings ' +
        "beyond those of tokenizers 0.23, dropout and continuing_subword_prefix",
    );
  }
  const model = parsed.data;
  const vocabulary = model.type === "Unigram"
    ? new Map(model.vocab.map(([piece], id) => [piece, id]))
    : new Map(Object.entries(model.vocab));
  return { vocabulary, encode: cached(encoder(model, vocabulary)) };
}

function encoder(model: Model, vocabulary: WordModel["vocabulary"]): Encode {
  if (model.type === "Unigram") return unigram(model);
  const unknown = model.unk_token == null ? undefined : vocabulary.get(model.unk_token);
  const idsOf = (tokens: readonly string[]) =>
    tokens.map((token) => vocabulary.get(token) ?? unknown).filter((id) => id !== undefined);
  switch (model.type) {
    case "WordLevel":
      return (word) => idsOf([word]);
    case "WordPiece": {
      const pieces = new WordPiece(model as ConstructorParameters<typeof WordPiece>[0]);
      return (word) => idsOf(pieces.encode([word]));
    }
    case "BPE": {
      const bpe = new BPE(model as ConstructorParameters<typeof BPE>[0]);
      if (unknown !== undefined || model.byte_fallback) return (word) => idsOf(bpe([word]));
      // A character without a token goes before the merges, so that its neighbours may meet.
      const end = model.end_of_word_suffix ?? "";
      return (word) => {
        const letters = [...word];
        const last = letters.length - 1;
        const kept = letters.filter((char, i) => vocabulary.has(i === last ? char + end : char));
        return idsOf(bpe([kept.length === letters.length ? word : kept.join("")]));
      };
    }
  }
}

function cached(encode: Encode): Encode {
  const cache = new Map<string, readonly number[]>();
  return (word) => {
    let ids = cache.get(word);
    if (!ids) {
      ids = encode(word);
      if (cache.size > 50_000) cache.clear();
      if (word.length < 256) cache.set(word, ids);
    }
    return ids;
  };
}

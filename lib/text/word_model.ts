import { BPE } from "@huggingface/tokenizers";
import { z } from "zod";
import { UserError } from "../base/error.ts";

/** How one pre-tokenised word becomes token ids. */
export interface WordModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  encode(word: string): readonly number[];
}

const modelSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("WordLevel"),
    vocab: z.record(z.string(), z.int()),
    unk_token: z.string(),
  }),
  z.object({
    type: z.literal("BPE"),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    unk_token: z.string().nullish(),
    fuse_unk: z.boolean().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    continuing_subword_prefix: z.literal("").nullish(),
    end_of_word_suffix: z.literal("").nullish(),
  }),
]);

/**
 * The `model` of a `tokenizer.json`: byte-pair encoding (https://arxiv.org/abs/1508.07909) or whole
 * words.
 *
 * `npm:tokenizers` encodes only through promises, one a call; data building, truncation and templates
 * need ids at once. So BPE is that of `@huggingface/tokenizers`, which is synchronous; its other parts
 * differ from `npm:tokenizers` (digits outside ASCII, bytes that are no character, no WordLevel).
 *
 * @param json The `model` object, which `npm:tokenizers` has accepted.
 * @param file For messages.
 * @throws UserError when the model is of another type.
 */
export function wordModel(json: unknown, file: string): WordModel {
  const parsed = modelSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new UserError(
      `${file}: model.${path.join(".")} is not usable (${message})`,
      'choose a tokenizer whose model is "BPE" or "WordLevel"',
    );
  }
  const model = parsed.data;
  const vocabulary = new Map(Object.entries(model.vocab));
  const unknown = model.unk_token == null ? undefined : vocabulary.get(model.unk_token);
  const idOf = (token: string) => vocabulary.get(token) ?? unknown;
  const known = (id: number | undefined) => id !== undefined;
  if (model.type === "WordLevel") {
    return { vocabulary, encode: (word) => [idOf(word)].filter(known) };
  }
  const bpe = new BPE(model as ConstructorParameters<typeof BPE>[0]);
  const cache = new Map<string, readonly number[]>();
  return {
    vocabulary,
    encode(word) {
      let ids = cache.get(word);
      if (!ids) {
        ids = bpe([word]).map(idOf).filter(known);
        if (cache.size > 50_000) cache.clear();
        if (word.length < 256) cache.set(word, ids);
      }
      return ids;
    },
  };
}

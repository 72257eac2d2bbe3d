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
 * `npm:tokenizers` does this too, but only through promises, one a call; data building, truncation
 * and templates need it at once. Normaliser, pre-tokeniser and decoder stay the package's.
 *
 * @param json The `model` object.
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
  if (model.type === "WordLevel") {
    const missing = unknown === undefined ? [] : [unknown];
    return {
      vocabulary,
      encode(word) {
        const id = vocabulary.get(word);
        return id === undefined ? missing : [id];
      },
    };
  }

  const base = [...vocabulary.values()].reduce((a, b) => Math.max(a, b), 0) + 1;
  const rankOf = new Map<number, number>(); // left id * base + right id: order of the merge
  const merged: number[] = []; // by rank
  model.merges.forEach((merge, rank) => {
    const [left, right] = typeof merge === "string" ? merge.split(" ") : merge;
    const ids = [left, right, left + right].map((token) => vocabulary.get(token));
    const [l, r, whole] = ids;
    if (l === undefined || r === undefined || whole === undefined) {
      throw new UserError(
        `${file}: merge ${rank}, "${left}" + "${right}", is not in the vocabulary`,
        "fetch the tokenizer again",
      );
    }
    rankOf.set(l * base + r, rank);
    merged.push(whole);
  });

  /** Ids of a word's characters, before any merge. */
  function characters(word: string): number[] {
    const ids: number[] = [];
    let wasUnknown = false;
    for (const character of word) {
      const id = vocabulary.get(character);
      const bytes = id === undefined && model.type === "BPE" && model.byte_fallback
        ? [...new TextEncoder().encode(character)].map((b) =>
          vocabulary.get(`<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`)
        )
        : [id];
      const known = bytes.filter((id) => id !== undefined);
      if (known.length === bytes.length) {
        ids.push(...known);
        wasUnknown = false;
      } else if (unknown !== undefined) {
        if (!(wasUnknown && model.type === "BPE" && model.fuse_unk)) ids.push(unknown);
        wasUnknown = true;
      }
    }
    return ids;
  }

  function merge(ids: number[]): number[] {
    const rankAt = (i: number) => rankOf.get(ids[i] * base + ids[i + 1]) ?? Infinity;
    const ranks = ids.map((_, i) => rankAt(i)); // of the pair (i, i + 1)
    while (true) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i < ranks.length - 1; i++) if (ranks[i] < best) best = ranks[at = i];
      if (at < 0) return ids;
      ids.splice(at, 2, merged[best]);
      ranks.splice(at, 1);
      ranks[at] = rankAt(at);
      if (at > 0) ranks[at - 1] = rankAt(at - 1);
    }
  }

  const cache = new Map<string, readonly number[]>();
  return {
    vocabulary,
    encode(word) {
      let ids = cache.get(word);
      if (!ids) {
        const whole = model.ignore_merges ? vocabulary.get(word) : undefined;
        ids = whole === undefined ? merge(characters(word)) : [whole];
        if (cache.size > 50_000) cache.clear();
        cache.set(word, ids);
      }
      return ids;
    },
  };
}

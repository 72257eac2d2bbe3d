import { z } from "zod";
import { UserError } from "../base/error.ts";
import type { GgufField } from "../model/write_gguf.ts";
import { addedTokenSchema } from "./added_tokens.ts";
import { preTokenizerName } from "./gguf_tokenizer.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** `tokenizer.ggml.token_type`: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

const schema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: z.unknown(),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  model: z.object({
    type: z.literal("BPE").default("BPE"), // files of before there was another kind name none
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
    unk_token: z.string().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
  }),
});

type Json = z.infer<typeof schema>;

/**
 * A tokenizer as the metadata of a GGUF file, the inverse of `tokenizerFromGguf`: byte-level BPE ("gpt2") with the
 * name of its way to cut words, or sentencepiece BPE ("llama") with scores in the order of its merges.
 *
 * @param options.vocabSize Rows of the model's embedding; those without a token are called [PAD0], [PAD1] and so on,
 *   as llama.cpp's converter does.
 * @throws {UserError} when llama.cpp has no such tokenizer
 */
export function ggufVocabulary(
  tokenizer: TextTokenizer,
  { vocabSize }: { vocabSize: number },
): Map<string, GgufField> {
  const parsed = schema.safeParse(tokenizer.json);
  if (!parsed.success) throw noneInGguf(parsed.error.issues[0].path.join("."));
  const json = parsed.data;
  const { tokens, types } = tokenList(json, vocabSize);
  const merges = json.model.merges.map((merge) =>
    typeof merge === "string" ? merge : merge.join(" ")
  );
  const own: Record<string, GgufField> = json.model.byte_fallback
    ? {
      model: { type: "string", value: "llama" },
      scores: { type: "float32[]", value: scores(tokens, merges) },
      add_space_prefix: { type: "bool", value: addsSpace(json) },
    }
    : {
      model: { type: "string", value: "gpt2" },
      pre: { type: "string", value: preName(json) },
      merges: { type: "string[]", value: merges },
    };
  const { eosId, endIds, chatTemplate } = tokenizer;
  const ids: Record<string, number | null | undefined> = {
    bos: tokenizer.bosId,
    eos: eosId,
    eot: endIds.find((id) => id !== eosId),
    unknown: json.model.unk_token == null ? null : json.model.vocab[json.model.unk_token],
    padding: tokenizer.padId,
  };
  const fields: [string, GgufField][] = [
    ...Object.entries(own),
    ["tokens", { type: "string[]", value: tokens }],
    ["token_type", { type: "int32[]", value: types }],
    ...Object.entries(ids).flatMap(([name, value]): [string, GgufField][] =>
      value == null ? [] : [[`${name}_token_id`, { type: "uint32", value }]]
    ),
    ["add_bos_token", { type: "bool", value: tokenizer.startId !== null }],
    ["add_eos_token", { type: "bool", value: false }],
  ];
  return new Map([
    ...fields.map(([name, field]) => [`tokenizer.ggml.${name}`, field] as const),
    ...chatTemplate === null
      ? []
      : [["tokenizer.chat_template", { type: "string", value: chatTemplate }] as const],
  ]);
}

/** All tokens by id, with their types. */
function tokenList(
  { added_tokens: added, model }: Json,
  vocabSize: number,
): { tokens: string[]; types: number[] } {
  const tokens: (string | undefined)[] = Array.from({ length: vocabSize });
  const types: number[] = Array.from({ length: vocabSize }, () => TYPE.unused);
  const place = (id: number, token: string, type: number) => {
    if (id >= vocabSize) {
      throw new UserError(
        `token ${id}, ${
          JSON.stringify(token)
        }, has no row in the model's embedding of ${vocabSize}`,
        "use the tokenizer that belongs to the model",
      );
    }
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(model.vocab)) {
    const byte = model.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token);
    place(id, token, byte ? TYPE.byte : TYPE.normal);
  }
  for (const { id, content, special } of added) {
    const unknown = model.byte_fallback && content === model.unk_token;
    place(id, content, unknown ? TYPE.unknown : special ? TYPE.control : TYPE.userDefined);
  }
  let pads = 0;
  return { tokens: tokens.map((token) => token ?? `[PAD${pads++}]`), types };
}

/** Scores that join pieces in the order of the merges that make them first. */
function scores(tokens: readonly string[], merges: readonly string[]): number[] {
  const rank = new Map<string, number>();
  for (const [i, merge] of merges.entries()) {
    const piece = merge.replace(" ", "");
    if (!rank.has(piece)) rank.set(piece, i);
  }
  return tokens.map((token) => rank.has(token) ? -rank.get(token)! - 1 : 0);
}

/** Whether a blank is put before a text. */
function addsSpace({ normalizer, pre_tokenizer }: Json): boolean {
  const text = JSON.stringify([normalizer, pre_tokenizer]);
  return /"type":"Prepend"/.test(text) ||
    (/"type":"Metaspace"/.test(text) && !/"prepend_scheme":"never"/.test(text));
}

/** `tokenizer.ggml.pre`. llama.cpp normalises nothing; texts are composed (NFC) nearly always. */
function preName({ normalizer, pre_tokenizer, model }: Json): string {
  if (normalizer != null && (normalizer as { type?: unknown }).type !== "NFC") {
    throw noneInGguf("normalizer");
  }
  const name = preTokenizerName(pre_tokenizer);
  // llama.cpp takes whole words of the vocabulary before their merges for this name, and for no other.
  if (name !== null && (name === "llama-bpe") === (model.ignore_merges ?? false)) return name;
  throw noneInGguf(name === null ? "pre_tokenizer" : "model.ignore_merges");
}

function noneInGguf(field: string): UserError {
  return new UserError(
    `llama.cpp has no tokenizer like this one: "${field}" of its tokenizer.json`,
    'export with "--format safetensors"',
  );
}

import { UserError } from "../base/error.ts";
import type { GgufValue } from "../model/gguf.ts";
import { TextTokenizer } from "./tokenizer.ts";

/** `tokenizer.ggml.token_type`: https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h */
const control = 3;
const userDefined = 4;

const byteLevel = (regex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: regex, // the pattern of GPT-2
});

const sequence = (first: unknown, regex: boolean) => ({
  type: "Sequence",
  pretokenizers: [first, byteLevel(regex)],
});

/** Words as Llama 3 cuts them, with at most so many digits in one. */
const split = (digits: string) =>
  sequence({
    type: "Split",
    pattern: {
      Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
        "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    },
    behavior: "Isolated",
    invert: false,
  }, false);

/**
 * How each vocabulary cuts text into words before merging: `tokenizer.ggml.pre`, as in llama.cpp's
 * `llama-vocab.cpp`. A wrong one gives other tokens without any error, so an unknown name is one.
 */
const preTokenizers: Readonly<Record<string, unknown>> = {
  "gpt-2": byteLevel(true),
  "smollm": sequence({ type: "Digits", individual_digits: true }, true),
  "llama-bpe": split("\\p{N}{1,3}"),
  "qwen2": split("\\p{N}"),
};

/** The name of a `pre_tokenizer` in `tokenizer.ggml.pre`, null where it is none of those known here. */
export function preTokenizerName(json: unknown): string | null {
  const text = canonical(json);
  const found = Object.entries(preTokenizers).find(([, known]) => canonical(known) === text);
  return found?.[0] ?? null;
}

/** A `pre_tokenizer` as text, without what changes no token. */
const canonical = (json: unknown): string =>
  JSON.stringify(json, (key, value) => {
    if (key === "trim_offsets") return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1));
  });

const synonyms: Readonly<Record<string, string>> = {
  "starcoder": "smollm",
  "refact": "smollm",
  "command-r": "smollm",
  "llama3": "llama-bpe",
  "llama-v3": "llama-bpe",
  "deepseek-r1-qwen": "qwen2",
};

/**
 * Builds the tokenizer from the vocabulary inside a GGUF file: byte-level BPE ("gpt2") or
 * sentencepiece BPE ("llama").
 *
 * @param metadata The file's metadata.
 * @param file Its name, for messages.
 * @throws UserError when the vocabulary is of another type or incomplete.
 *
 * @example
 * ```ts
 * import { openGguf } from "../model/gguf.ts";
 * import { tokenizerFromGguf } from "./gguf_tokenizer.ts";
 * const gguf = await openGguf("model.gguf");
 * const tokenizer = tokenizerFromGguf(gguf.metadata, gguf.path);
 * gguf.close();
 * ```
 */
export function tokenizerFromGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  file: string,
): TextTokenizer {
  const list = (key: string): readonly GgufValue[] => {
    const value = metadata.get(`tokenizer.ggml.${key}`);
    if (Array.isArray(value)) return value;
    throw new UserError(`${file}: metadata lacks tokenizer.ggml.${key}`, "choose a complete file");
  };
  const tokens = list("tokens").map(String);
  const types = list("token_type").map(Number);
  const idOf = (name: string): number | null => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
    return typeof id === "number" && id < tokens.length ? id : null;
  };
  const token = (name: string): string | null => {
    const id = idOf(name);
    return id === null ? null : tokens[id];
  };
  const eosToken = token("eos");
  if (eosToken === null) {
    throw new UserError(`${file}: metadata names no end token`, "choose a file with eos_token_id");
  }
  const model = metadata.get("tokenizer.ggml.model");
  const vocab = Object.fromEntries(tokens.map((t, id) => [t, id]));
  let kind: Record<string, unknown>;
  if (model === "gpt2") {
    kind = byteLevelParts(vocab, {
      pre: metadata.get("tokenizer.ggml.pre"),
      merges: list("merges"),
      file,
    });
  } else if (model === "llama") {
    const prefix = metadata.get("tokenizer.ggml.add_space_prefix") !== false;
    const scores = list("scores").map(Number);
    kind = sentencePieceParts(vocab, { tokens, scores, unknown: token("unknown"), prefix });
  } else {
    throw new UserError(
      `${file}: tokenizer.ggml.model is ${JSON.stringify(model ?? null)}`,
      'choose a file whose vocabulary is "gpt2" or "llama", or put a tokenizer.json beside it',
    );
  }
  const template = metadata.get("tokenizer.chat_template");
  return TextTokenizer.fromJson({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: tokens.flatMap((content, id) =>
      types[id] !== control && types[id] !== userDefined ? [] : [{
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: types[id] === control,
      }]
    ),
    post_processor: startProcessor(metadata, { bos: token("bos"), id: idOf("bos") }),
    ...kind,
  }, {
    file,
    eosToken,
    bosToken: token("bos"),
    padToken: token("padding"),
    chatTemplate: typeof template === "string" ? template : null,
    endIds: ["eot", "eom"].map(idOf).filter((id) => id !== null),
  });
}

/**
 * What puts the start token before a text in other programs, where the file says so: by its key, or by llama.cpp's
 * rule for files without one.
 */
function startProcessor(
  metadata: ReadonlyMap<string, GgufValue>,
  { bos, id }: { bos: string | null; id: number | null },
): unknown {
  const pre = String(metadata.get("tokenizer.ggml.pre"));
  const adds = metadata.get("tokenizer.ggml.add_bos_token") ??
    (metadata.get("tokenizer.ggml.model") === "llama" || (synonyms[pre] ?? pre) === "llama-bpe");
  if (bos === null || id === null || adds !== true) return null;
  const start = { SpecialToken: { id: bos, type_id: 0 } };
  const sequence = (name: string, type_id: number) => ({ Sequence: { id: name, type_id } });
  return {
    type: "TemplateProcessing",
    single: [start, sequence("A", 0)],
    pair: [start, sequence("A", 0), { SpecialToken: { id: bos, type_id: 1 } }, sequence("B", 1)],
    special_tokens: { [bos]: { id: bos, ids: [id], tokens: [bos] } },
  };
}

function byteLevelParts(
  vocab: Record<string, number>,
  { pre, merges, file }: { pre: GgufValue | undefined; merges: readonly GgufValue[]; file: string },
): Record<string, unknown> {
  const name = typeof pre === "string" ? synonyms[pre] ?? pre : "";
  if (!Object.hasOwn(preTokenizers, name)) {
    const known = [...Object.keys(preTokenizers), ...Object.keys(synonyms)];
    throw new UserError(
      `${file}: tokenizer.ggml.pre is ${JSON.stringify(pre ?? null)}`,
      `choose a file with one of ${known.join(", ")}, or put a tokenizer.json beside it`,
    );
  }
  return {
    normalizer: name === "qwen2" ? { type: "NFC" } : null,
    pre_tokenizer: preTokenizers[name],
    decoder: byteLevel(true),
    model: {
      type: "BPE",
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: name === "llama-bpe", // a whole word of the vocabulary wins over its merges
      vocab,
      merges,
    },
  };
}

function sentencePieceParts(
  vocab: Record<string, number>,
  { tokens, scores, unknown, prefix }: {
    tokens: readonly string[];
    scores: readonly number[];
    unknown: string | null;
    prefix: boolean;
  },
): Record<string, unknown> {
  // sentencepiece joins whatever gives the best-scored piece; as merges: every way to cut a piece
  // into two others, best piece first.
  const merges = tokens.flatMap((piece, id) => {
    const ways: { left: string; right: string; score: number; id: number }[] = [];
    for (let cut = 1; cut < piece.length; cut++) {
      const [left, right] = [piece.slice(0, cut), piece.slice(cut)];
      if (Object.hasOwn(vocab, left) && Object.hasOwn(vocab, right)) {
        ways.push({ left, right, score: scores[id], id });
      }
    }
    return ways;
  }).sort((a, b) => b.score - a.score || a.id - b.id);
  return {
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...(prefix ? [{ type: "Prepend", prepend: "▁" }] : []),
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      unk_token: unknown ?? tokens[0],
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges: merges.map(({ left, right }) => [left, right]),
    },
  };
}

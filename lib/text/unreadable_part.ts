import { Tokenizer } from "tokenizers";

/** Parts of a `tokenizer.json`, and what a sequence of each calls its own parts. */
const PARTS: Readonly<Record<string, string>> = {
  normalizer: "normalizers",
  pre_tokenizer: "pretokenizers",
  post_processor: "processors",
  decoder: "decoders",
};

/**
 * The part of a `tokenizer.json` that `tokenizers` does not read, in words; null where it is none of them.
 *
 * Its own message says only that no part fits.
 */
export function unreadablePart(json: unknown): string | null {
  for (const [part, members] of Object.entries(PARTS)) {
    const value = (json as Record<string, unknown>)[part];
    if (value == null || reads(part, value)) continue;
    let odd = value as Record<string, unknown>;
    for (let inner: unknown = odd; inner !== undefined;) {
      odd = inner as Record<string, unknown>;
      const list: unknown = odd[members];
      inner = Array.isArray(list) ? list.find((member) => !reads(part, member)) : undefined;
    }
    return `${part} ${JSON.stringify(odd.type ?? odd)}`;
  }
  return null;
}

function reads(part: string, value: unknown): boolean {
  const model = { type: "WordLevel", vocab: {}, unk_token: "" };
  try {
    Tokenizer.fromString(JSON.stringify({ version: "1.0", model, [part]: value }));
    return true;
  } catch {
    return false;
  }
}

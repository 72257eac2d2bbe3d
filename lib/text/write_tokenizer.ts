import { dirname } from "node:path";
import { exists } from "../base/disk.ts";
import { writeJsonFile, writeWhole } from "../base/files.ts";
import { readJson } from "../model/json_file.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** Files that belong to a tokenizer beside its `tokenizer_config.json`, which is written anew. */
const FILES = [
  "tokenizer.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
];

/**
 * Writes a tokenizer to a folder as `AutoTokenizer` loads it, with the chat template that is in use.
 *
 * What the model's own folder has is copied as it is, so that other programs make of it what they made before; the
 * vocabulary of a GGUF file becomes a `tokenizer.json`. The template goes into `tokenizer_config.json` alone: a
 * `chat_template.jinja` beside it would win over it.
 *
 * @param options.from Path of the model that the tokenizer came with; null for one that was made here. @default null
 */
export async function writeTokenizer(
  tokenizer: TextTokenizer,
  folder: string,
  { from = null }: { from?: string | null } = {},
): Promise<void> {
  const source = from === null ? null : await folderOf(from);
  if (source === null) {
    await writeWhole(`${folder}/tokenizer.json`, JSON.stringify(tokenizer.json));
  } else {
    for (const name of FILES) {
      const file = `${source}/${name}`;
      if (await exists(file)) await writeWhole(`${folder}/${name}`, await Deno.readFile(file));
    }
  }
  const { chat_template: own, model_max_length: length, ...config } = source === null
    ? ownConfig(tokenizer)
    : await readJson(`${source}/tokenizer_config.json`) as Record<string, unknown>;
  await writeJsonFile(`${folder}/tokenizer_config.json`, {
    // Without it an adapter's folder, which has no config.json, does not say which tokenizer it is.
    tokenizer_class: "PreTrainedTokenizerFast",
    ...config,
    // "No limit" is written as a whole number that JavaScript cannot hold; it is what is taken without the field.
    ...(typeof length === "number" && length < 1e15 && { model_max_length: length }),
    ...(tokenizer.chatTemplate !== null &&
      { chat_template: templates(own, tokenizer.chatTemplate) }),
  });
}

/** The folder of a model's tokenizer files; null where it has none, as a GGUF file. */
async function folderOf(path: string): Promise<string | null> {
  const folder = /\.(gguf|safetensors)$/.test(path) ? dirname(path) : path;
  return !path.endsWith(".gguf") && await exists(`${folder}/tokenizer.json`) ? folder : null;
}

function ownConfig(tokenizer: TextTokenizer): Record<string, unknown> {
  return {
    bos_token: tokenizer.bosToken,
    eos_token: tokenizer.eosToken,
    pad_token: tokenizer.padToken,
    clean_up_tokenization_spaces: false,
  };
}

/** The template in use in the place of a tokenizer's default one; templates of other names stay. */
function templates(own: unknown, used: string): unknown {
  if (!Array.isArray(own)) return used;
  const others = own.filter(({ name }) => name !== "default");
  return [{ name: "default", template: used }, ...others];
}

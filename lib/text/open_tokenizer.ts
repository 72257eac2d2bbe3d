import { exists } from "../base/disk.ts";
import { dirname } from "node:path";
import { statedEndIds } from "../model/end_ids.ts";
import { ggufPath } from "../model/weights.ts";
import { openGguf } from "../model/gguf.ts";
import { chatTemplateSource } from "./chat_file.ts";
import { tokenizerFromGguf } from "./gguf_tokenizer.ts";
import { TextTokenizer } from "./tokenizer.ts";

/** Settings of {@linkcode openTokenizer}. */
export interface OpenTokenizerOptions {
  /** A Jinja file or the name of a preset, to use instead of the model's chat template. @default its own */
  readonly template?: string | null;
  /** Path of the model whose files name tokens that end an answer, see `statedEndIds`. @default the same path */
  readonly model?: string;
}

/**
 * The tokenizer that belongs to the model at a path: the vocabulary inside a `.gguf` file, or the
 * `tokenizer.json` of a folder (which wins where the folder has both).
 *
 * @throws UserError when there is none or it is damaged, or `template` is neither a preset nor a file.
 */
export async function openTokenizer(
  path: string,
  { template = null, model = path }: OpenTokenizerOptions = {},
): Promise<TextTokenizer> {
  const endIds = await statedEndIds(model);
  if (model !== path) endIds.push(...await statedEndIds(path));
  const chatTemplate = template === null ? null : await chatTemplateSource(template);
  const beside = `${path.endsWith(".safetensors") ? dirname(path) : path}/tokenizer.json`;
  const gguf = ggufPath(path);
  if (!gguf || await exists(beside)) {
    return await TextTokenizer.fromFile(beside, { endIds, chatTemplate });
  }
  const file = await openGguf(gguf);
  try {
    const own = tokenizerFromGguf(file.metadata, gguf);
    return chatTemplate === null ? own : own.with({ chatTemplate });
  } finally {
    file.close();
  }
}

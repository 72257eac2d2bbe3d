import { exists } from "../base/disk.ts";
import { ggufPath } from "../model/weights.ts";
import { openGguf } from "../model/gguf.ts";
import { chatTemplateSource } from "./chat_file.ts";
import { tokenizerFromGguf } from "./gguf_tokenizer.ts";
import { TextTokenizer } from "./tokenizer.ts";

/** Settings of {@linkcode openTokenizer}. */
export interface OpenTokenizerOptions {
  /** A Jinja file or the name of a preset, to use instead of the model's chat template. @default its own */
  readonly template?: string | null;
}

/**
 * The tokenizer that belongs to the model at a path: the vocabulary inside a `.gguf` file, or the
 * `tokenizer.json` of a folder (which wins where the folder has both).
 *
 * @throws UserError when there is none or it is damaged, or `template` is neither a preset nor a file.
 */
export async function openTokenizer(
  path: string,
  { template = null }: OpenTokenizerOptions = {},
): Promise<TextTokenizer> {
  const own = await ownTokenizer(path);
  return template === null ? own : own.with({ chatTemplate: await chatTemplateSource(template) });
}

async function ownTokenizer(path: string): Promise<TextTokenizer> {
  const beside = `${path}/tokenizer.json`;
  const gguf = ggufPath(path);
  if (!gguf || await exists(beside)) {
    return await TextTokenizer.fromFile(beside);
  }
  const file = await openGguf(gguf);
  try {
    return tokenizerFromGguf(file.metadata, gguf);
  } finally {
    file.close();
  }
}

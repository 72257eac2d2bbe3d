import { exists } from "../base/disk.ts";
import { ggufPath } from "../model/weights.ts";
import { openGguf } from "../model/gguf.ts";
import { tokenizerFromGguf } from "./gguf_tokenizer.ts";
import { TextTokenizer } from "./tokenizer.ts";

/**
 * The tokenizer that belongs to the model at a path: the vocabulary inside a `.gguf` file, or the
 * `tokenizer.json` of a folder (which wins where the folder has both).
 *
 * @throws UserError when there is none or it is damaged.
 */
export async function openTokenizer(path: string): Promise<TextTokenizer> {
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

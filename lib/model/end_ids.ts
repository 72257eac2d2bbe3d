import { dirname } from "node:path";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { openGguf } from "./gguf.ts";
import { readJson } from "./json_file.ts";
import { ggufPath } from "./weights.ts";

const schema = z.looseObject({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });

/**
 * The tokens that end an answer, as the files of the model at a path name them: `eos_token_id` of `config.json` and of
 * `generation_config.json`, one number or several; eos, eot and eom of a GGUF file. A chat model's end of turn is
 * often among them and not the tokenizer's end token.
 *
 * @returns ids without repeats; none where no file names any, and -1 is none
 * @throws {UserError} when a file names something else than whole numbers
 */
export async function statedEndIds(path: string): Promise<number[]> {
  const found: number[] = [];
  const folder = /\.(gguf|safetensors)$/.test(path) ? dirname(path) : path;
  const gguf = ggufPath(path);
  if (gguf !== undefined) {
    const { metadata, close } = await openGguf(gguf);
    close();
    for (const name of ["eos", "eot", "eom"]) {
      const id = metadata.get(`tokenizer.ggml.${name}_token_id`);
      if (typeof id === "number" && id !== 0xffff_ffff) found.push(id); // -1, without its sign
    }
  }
  for (const name of ["config.json", "generation_config.json"]) {
    const file = `${folder}/${name}`;
    if (path.endsWith(".gguf") || !await exists(file)) continue;
    const parsed = schema.safeParse(await readJson(file));
    if (!parsed.success) {
      throw new UserError(
        `${file}: "eos_token_id" is no token id and no list of them`,
        "correct the field, or fetch the file again",
      );
    }
    found.push(...[parsed.data.eos_token_id ?? []].flat());
  }
  return [...new Set(found)].filter((id) => id >= 0);
}

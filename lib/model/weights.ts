import { UserError } from "../base/error.ts";
import { type ModelConfig, parseConfig } from "./config.ts";
import { beginsAsGguf, ofOneModel, openGguf } from "./gguf.ts";
import { configFromGguf } from "./gguf_config.ts";
import { ggufWeights } from "./gguf_weights.ts";
import { readJson } from "./json_file.ts";
import { openSafetensors } from "./safetensors.ts";
import { unwrapped } from "./unwrapped_weights.ts";
import type { WeightSource } from "./weight_source.ts";

/**
 * Opens the weights at a path: a `.gguf` or `.safetensors` file, or a folder with `model.safetensors`,
 * `model.safetensors.index.json`, a single `.gguf` file or the parts of one.
 *
 * @param options.tied Whether the model's output layer is its embedding, which a file may then have under either name.
 *   @default false
 * @throws UserError when nothing of the kind is there, or it is damaged.
 *
 * @example
 * ```ts
 * import { openWeights } from "./weights.ts";
 * const weights = await openWeights("SmolLM2-135M-Instruct");
 * weights.shape("model.embed_tokens.weight");
 * weights.close();
 * ```
 */
export async function openWeights(
  path: string,
  options: { tied?: boolean } = {},
): Promise<WeightSource> {
  const gguf = ggufPath(path);
  if (!gguf) return unwrapped(await openSafetensors(path), options);
  const file = await openGguf(gguf);
  try {
    return ggufWeights(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Reads the config that belongs to the weights at a path: `config.json` in the folder (or beside
 * the `.safetensors` file), or the metadata of the `.gguf` file.
 *
 * @throws UserError when it is missing, unreadable or of another architecture.
 */
export async function readConfig(path: string): Promise<ModelConfig> {
  const gguf = ggufPath(path);
  if (gguf) {
    const file = await openGguf(gguf);
    try {
      const { metadata, tensors } = file;
      return configFromGguf(metadata, {
        file: gguf,
        tensors,
        ropeFactors: tensors.has("rope_freqs.weight") ? await file.read("rope_freqs.weight") : null,
      });
    } finally {
      file.close();
    }
  }
  const file = path.endsWith(".safetensors")
    ? path.replace(/[^/\\]*$/, "config.json")
    : `${path}/config.json`;
  return parseConfig(await readJson(file), file);
}

/**
 * The GGUF file that `path` means, if any: itself, by its name or by how it begins (Ollama's blobs have no ending), or
 * the one in a folder without safetensors.
 */
export function ggufPath(path: string): string | undefined {
  if (path.endsWith(".gguf")) return path;
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(path)];
  } catch {
    return beginsAsGguf(path) ? path : undefined; // no folder: the readers of files say what is wrong
  }
  if (entries.some((e) => e.name.startsWith("model.safetensors"))) return undefined;
  const found = entries.filter((e) => e.name.endsWith(".gguf")).map((e) => `${path}/${e.name}`)
    .sort();
  if (found.length > 1 && !ofOneModel(found)) {
    throw new UserError(`${path} holds ${found.length} GGUF files`, "give the path of one of them");
  }
  return found[0];
}

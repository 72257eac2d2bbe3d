import { createHash } from "node:crypto";
import { LanguageModel } from "./language_model.ts";
import { openWeights, readConfig } from "./weights.ts";

/**
 * Names the model at a path by its weights: the sha256, in hexadecimal, of the shape of its attention and of every weight
 * as 32-bit floats. (Rotary scaling and the norm's epsilon are not in it: where config.json alone is changed in these, say
 * so with a folder of another name.) However the same values are stored (safetensors of any precision that holds
 * them, shards, GGUF), the name is the same; a single other weight makes another one.
 *
 * Reads all weights once, one at a time.
 *
 * @throws {UserError} when they cannot be read
 */
export async function weightsFingerprint(path: string): Promise<string> {
  const config = await readConfig(path);
  const { heads, kvHeads, headDim, ropeTheta } = config;
  const hash = createHash("sha256").update(JSON.stringify([heads, kvHeads, headDim, ropeTheta]));
  const source = await openWeights(path, { tied: config.tieEmbeddings });
  try {
    for (const name of [...LanguageModel.shapes(config).keys()].sort()) {
      hash.update(JSON.stringify([name, source.shape(name)]));
      const { buffer, byteOffset, byteLength } = await source.read(name);
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  } finally {
    source.close();
  }
  return hash.digest("hex");
}

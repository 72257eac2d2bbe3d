import { UserError } from "../base/error.ts";
import { LanguageModel } from "./language_model.ts";
import type { FrozenDtype } from "../tensor/mod.ts";
import { openWeights, readConfig } from "./weights.ts";

/**
 * Config and weights at a path as one model.
 *
 * @param options.frozenDtype As {@linkcode LanguageModel.load} has it. @default "float32"
 * @throws {UserError} if they cannot be read, or do not fit in memory
 */
export async function loadModel(
  path: string,
  options: { frozenDtype?: FrozenDtype } = {},
): Promise<LanguageModel> {
  const config = await readConfig(path);
  const source = await openWeights(path, { tied: config.tieEmbeddings });
  try {
    return await LanguageModel.load(config, source, { file: path, ...options });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UserError(`${path}: the model does not fit in memory`, "use a smaller one", {
        cause: error,
      });
    }
    throw error;
  } finally {
    source.close();
  }
}

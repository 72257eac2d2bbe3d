import { UserError } from "../base/error.ts";
import { contextText, type ModelConfig } from "./config.ts";

/**
 * Refuses token ids the model cannot run. On a GPU an unknown id would silently read zeros, and an empty
 * sequence would read its neighbour's last position.
 *
 * @param caller Who asks, for the message.
 * @throws {UserError} naming the sequence by its index, and the first unknown id
 */
export function checkSequences(
  sequences: readonly (readonly number[])[],
  config: ModelConfig,
  caller: string,
): void {
  const { vocabSize, maxPositions } = config;
  sequences.forEach((ids, i) => {
    if (ids.length === 0) {
      throw new UserError(`${caller}: sequence ${i} is empty`, "give it at least one token");
    }
    if (ids.length > maxPositions) {
      throw new UserError(
        `${caller}: sequence ${i} has ${ids.length} tokens, the model's context is ${
          contextText(config)
        }`,
        "shorten it, or lower the maxTokens that it was made with",
      );
    }
    const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (unknown !== undefined) {
      throw new UserError(
        `${caller}: sequence ${i} has the token id ${unknown}, the vocabulary has ${vocabSize}`,
        "use the tokenizer that belongs to the model",
      );
    }
  });
}

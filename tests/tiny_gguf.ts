/** A tiny model that llama.cpp can have: byte-level tokens, in which the labels of a judgment are one token each. */
import { ggufContent, LanguageModel, type ModelConfig, writeGguf } from "../lib/model/mod.ts";
import { ggufVocabulary, type TextTokenizer, tokenizerFromGguf } from "../lib/text/mod.ts";
import { readFixture } from "./reference/fixture.ts";
import { tinyModel } from "./tiny.ts";

const [{ metadata }] = (await readFixture("text.json")).toys;

/** The first toy vocabulary with the labels " A" and " B", and a chat template. */
export function byteLanguage(): TextTokenizer {
  const list = (key: string) => metadata[`tokenizer.ggml.${key}`] as string[];
  return tokenizerFromGguf(
    new Map(Object.entries({
      ...metadata,
      "tokenizer.ggml.tokens": [...list("tokens"), "ĠA", "ĠB"],
      "tokenizer.ggml.token_type": [...list("token_type"), 1, 1] as number[],
      "tokenizer.ggml.merges": [...list("merges"), "Ġ A", "Ġ B"],
    })),
    "bytes.gguf",
  ).with({
    chatTemplate:
      "{% for m in messages %}{{ '<s>' + m['role'] + '\n' + m['content'] + '</s>\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}",
  });
}

/** A random model that speaks it. */
export function byteModel(change: Partial<ModelConfig> = {}): LanguageModel {
  const { size: vocabSize, bosId, eosId, padId } = byteLanguage();
  const own = { vocabSize, bosId, eosIds: [eosId], padId, maxPositions: 4096 };
  return tinyModel({ ...own, ...change });
}

/** Writes such a model as a GGUF file. */
export async function writeByteModel(
  path: string,
  dtype: "F32" | "F16" = "F32",
  model = byteModel(),
): Promise<void> {
  const { vocabSize } = model.config;
  const vocabulary = ggufVocabulary(byteLanguage(), { vocabSize });
  await writeGguf(path, ggufContent(model, { name: "bytes", dtype, vocabulary }));
  model.dispose();
}

/** Settings that give its long prompts room, as `--set` takes them. */
export const BYTE_SETTINGS = ["data.maxTokens=300", "judge.maxTokens=1500"];

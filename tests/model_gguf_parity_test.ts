/** What llama.cpp computes from the GGUF files written here, and how it cuts text with their vocabularies. */
import assert from "node:assert/strict";
import { describe } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import {
  ggufContent,
  LINEAR_MODULES,
  type ModelConfig,
  sequenceLogProbs,
  writeGguf,
} from "../lib/model/mod.ts";
import { ggufVocabulary, type TextTokenizer, tokenizerFromGguf } from "../lib/text/mod.ts";
import { parity } from "./model_reference.ts";
import { has, itIf, read, sum } from "./other_programs.ts";
import { readFixture } from "./reference/fixture.ts";
import { folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import { byteLanguage } from "./tiny_gguf.ts";
import { distance } from "./tiny_method.ts";

const { toys } = await readFixture("text.json");
const llama = has("llama_cpp");

/** Models that differ in what their files say. */
const MODELS: Record<string, Partial<ModelConfig>> = {
  "Llama with biases, wide heads, its own output layer": {
    headDim: 12,
    tieEmbeddings: false,
    biases: LINEAR_MODULES,
  },
  "Qwen2": { family: "qwen2", biases: ["q_proj", "k_proj", "v_proj"], ropeTheta: 1e6 },
  "Mistral": { family: "mistral", tieEmbeddings: false },
  "linear scaling": { ropeScaling: { type: "linear", factor: 4 } },
  "yarn": {
    ropeScaling: {
      ...{ type: "yarn", factor: 4, originalMaxPositions: 128, betaFast: 32, betaSlow: 1 },
      ...{ truncate: true, attentionFactor: null, mscale: null, mscaleAllDim: null },
    },
  },
  "Llama 3": {
    ropeScaling: {
      ...{ type: "llama3", factor: 8, lowFreqFactor: 1, highFreqFactor: 4 },
      originalMaxPositions: 64,
    },
  },
};

/** Writes a random model that speaks a language. */
async function written(name: string, tokenizer: TextTokenizer, change: Partial<ModelConfig> = {}) {
  const { size: vocabSize, bosId, eosId, padId } = tokenizer;
  const model = tinyModel({ vocabSize, bosId, eosIds: [eosId], padId, ...change });
  const path = `${folder.path}/${name.replace(/\W+/g, "-")}.gguf`;
  const vocabulary = ggufVocabulary(tokenizer, { vocabSize });
  await writeGguf(path, ggufContent(model, { name, dtype: "F32", vocabulary }));
  return { model, path };
}

describe("llama.cpp", () => {
  itIf(llama, "llama_cpp")("has the log-probabilities of every family and scaling", async () => {
    const language = byteLanguage();
    const rng = Rng.named(1, "llama.cpp");
    const sequences = Array.from(
      { length: 3 },
      () => Array.from({ length: 200 }, () => rng.int(language.size)),
    );
    const gguf: Record<string, string> = {};
    const own: Record<string, number[]> = {};
    for (const [name, change] of Object.entries(MODELS)) {
      const { model, path } = await written(name, language, change);
      gguf[name] = path;
      own[name] = await sequenceLogProbs(model, sequences.map((ids) => ({ ids, from: 1 })));
      model.dispose();
    }
    const found = await read({ folders: {}, gguf, sequences, tokens: [], texts: [], chats: [] });
    for (const name of Object.keys(MODELS)) {
      const far = distance(own[name], found[name].log_probs.map(sum));
      parity(`${name}, written as GGUF, in llama.cpp, 199 tokens`, far);
      assert.ok(far < 1e-3, `${name}: ${far}`);
    }
  });

  itIf(llama, "llama_cpp")(
    "cuts text into the same tokens, but for what it does not normalise",
    async () => {
      // It reads text up to a zero byte, and does not compose letters with their marks.
      const differ = /\0|\p{M}/u;
      for (const [i, { metadata, texts }] of toys.entries()) {
        const tokenizer = tokenizerFromGguf(new Map(Object.entries(metadata)), "toy.gguf");
        const { model, path } = await written(`toy ${i}`, tokenizer);
        model.dispose();
        const rows = texts.filter(({ text }) => !differ.test(text));
        assert.ok(rows.length > 50);
        const request = { folders: {}, gguf: { toy: path }, sequences: [], tokens: [], chats: [] };
        const found = await read({ ...request, texts: rows.map(({ text }) => text) });
        for (const [j, { text, ids }] of rows.entries()) {
          assert.deepEqual(found.toy.ids[j], ids, JSON.stringify(text));
        }
      }
    },
  );
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type GgufField, openGguf, writeGguf } from "../lib/model/mod.ts";
import { ggufVocabulary, TextTokenizer, tokenizerFromGguf } from "../lib/text/mod.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { ggufFile, readFixture } from "./reference/fixture.ts";
import { refusesAtOnce } from "./refusals.ts";
import { folder } from "./temporary_files.ts";
import { tinyLanguage } from "./tiny.ts";

const { toys } = await readFixture("text.json");
const toy = (i: number) => tokenizerFromGguf(new Map(Object.entries(toys[i].metadata)), "toy.gguf");

/** Fields as a reader of the file has them. */
async function read(fields: ReadonlyMap<string, GgufField>) {
  const path = `${folder.path}/vocabulary.gguf`;
  await writeGguf(path, { metadata: fields, tensors: new Map(), dtype: "F32" });
  const file = await openGguf(path);
  file.close();
  return file.metadata;
}

describe("a tokenizer as a GGUF vocabulary", () => {
  for (const [i, { metadata, texts }] of toys.entries()) {
    const name = `${metadata["tokenizer.ggml.model"]} ${metadata["tokenizer.ggml.pre"]}`;
    it(`gives the tokens of the one it was made from: ${name}`, async () => {
      const tokenizer = toy(i);
      const written = await read(ggufVocabulary(tokenizer, { vocabSize: tokenizer.size }));
      const again = tokenizerFromGguf(written, "again.gguf");
      for (const { text, ids } of texts) assert.deepEqual(again.encode(text), ids, text);
      assert.deepEqual(
        [again.bosId, again.eosId, again.padId, again.endIds, again.chatTemplate],
        [1, 2, 2, [2], tokenizer.chatTemplate],
      );
      for (const key of ["model", "tokens"]) {
        const field = `tokenizer.ggml.${key}`;
        assert.deepEqual(written.get(field), metadata[field], field);
      }
    });
  }

  it("is that of SmolLM2's own file, key by key", async () => {
    const path = ggufFile();
    if (!path) return;
    const source = await openGguf(path);
    source.close();
    const fields = await read(ggufVocabulary(await openTokenizer(path), { vocabSize: 49152 }));
    const ours = ["model", "pre", "tokens", "token_type", "merges", "add_bos_token"]
      .concat(["bos_token_id", "eos_token_id", "padding_token_id"])
      .map((key) => `tokenizer.ggml.${key}`).concat("tokenizer.chat_template");
    for (const key of ours) assert.deepEqual(fields.get(key), source.metadata.get(key), key);
  });

  it("names rows of the embedding that have no token, and says which start token goes before", async () => {
    const tokenizer = toy(3);
    const size = tokenizer.size + 2;
    const fields = await read(ggufVocabulary(tokenizer, { vocabSize: size }));
    const tokens = fields.get("tokenizer.ggml.tokens") as string[];
    const types = fields.get("tokenizer.ggml.token_type") as number[];
    assert.deepEqual([tokens.length, tokens.slice(-2), types.slice(-2)], [size, [
      "[PAD0]",
      "[PAD1]",
    ], [5, 5]]);
    assert.equal(fields.get("tokenizer.ggml.add_bos_token"), true); // sentencepiece's rule
    const plain = await read(ggufVocabulary(toy(0), { vocabSize: toy(0).size }));
    assert.equal(plain.get("tokenizer.ggml.add_bos_token"), false);
  });

  it("may lack the name of its kind, as GPT-2's own file does", () => {
    // deno-lint-ignore no-explicit-any
    const json = toy(0).json as any;
    const { type: _, ...model } = json.model;
    const named = TextTokenizer.fromJson({ ...json, model }, { eosToken: "</s>", bosToken: "<s>" });
    const [fields, expected] = [named, toy(0)].map((tokenizer) =>
      ggufVocabulary(tokenizer, { vocabSize: tokenizer.size })
    );
    assert.deepEqual(fields.get("tokenizer.ggml.merges"), expected.get("tokenizer.ggml.merges"));
  });

  it("that llama.cpp does not have is refused by the field that says so", () => {
    const vocabulary = (json: unknown, vocabSize = 2000) => () =>
      ggufVocabulary(TextTokenizer.fromJson(json, { eosToken: "</s>" }), { vocabSize });
    // deno-lint-ignore no-explicit-any
    const json = toy(0).json as any;
    refusesAtOnce(
      () => ggufVocabulary(tinyLanguage(), { vocabSize: 2000 }),
      /no tokenizer like this one: "model\.type"/,
      /--format safetensors/,
    );
    const digits = { type: "Digits", individual_digits: false };
    refusesAtOnce(vocabulary({ ...json, pre_tokenizer: digits }), /"pre_tokenizer"/);
    refusesAtOnce(vocabulary({ ...json, normalizer: { type: "Lowercase" } }), /"normalizer"/);
    const model = { ...json.model, ignore_merges: true };
    refusesAtOnce(vocabulary({ ...json, model }), /"model\.ignore_merges"/);
    refusesAtOnce(vocabulary(json, 100), /has no row in the model's embedding of 100/);
  });
});

/** Tokenizers from public reports; see README.md. The ids are those of tokenizers 0.23 and transformers 5.23. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { CHAT_PRESETS, openTokenizer, TextTokenizer } from "../../lib/text/mod.ts";
import { readFixture } from "../reference/fixture.ts";
import { refuses, refusesAtOnce } from "../refusals.ts";
import { newFolder } from "../temporary_files.ts";

// Words: [UNK] <end> what is the job of Ada ? chef .
const words = (await readFixture("text.json")).word_level.json as Record<string, unknown>;
const added = (content: string, how: object = {}) => ({
  ...{ content, single_word: false, lstrip: false, rstrip: false },
  ...{ normalized: false, special: true },
  ...how,
});

/** The tokenizer of a folder whose tokenizer_config.json is this. */
async function configured(config: object, more: Record<string, unknown> = {}) {
  const folder = await newFolder();
  const files = { "tokenizer.json": words, "tokenizer_config.json": config, ...more };
  for (const [name, content] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(content));
  }
  return await openTokenizer(folder);
}

const ids = (tokenizer: TextTokenizer) =>
  ["what  <turn>  is", "what<end> is", "<call>the job"].map((text) => tokenizer.encode(text));

describe("a tokenizer of the field", () => {
  it("has the added tokens that its configuration alone names (onnxruntime-extensions#890)", async () => {
    const plain = { eos_token: "<end>" };
    assert.deepEqual(ids(await configured(plain)), [[2, 0, 0, 0, 3], [2, 1, 3], [0, 0, 0, 4, 5]]);
    const end = { "1": added("<end>") };
    const turn = { ...end, "11": added("<turn>", { lstrip: true, rstrip: true }) };
    const tokenizer = await configured({ ...plain, added_tokens_decoder: turn });
    assert.deepEqual(ids(tokenizer), [[2, 11, 3], [2, 1, 3], [0, 0, 0, 4, 5]]);
    assert.equal(tokenizer.size, 12);
    assert.equal(tokenizer.decode([2, 11], { skipSpecial: true }), "what");
    // What the configuration says of a token counts.
    const alone = { "1": added("<end>", { single_word: true }) };
    const flagged = await configured({ ...plain, added_tokens_decoder: alone });
    assert.deepEqual(flagged.encode("what<end> is"), [2, 0, 0, 0, 3]);
    const special = { ...plain, additional_special_tokens: ["<turn>", "<call>"] };
    assert.deepEqual(ids(await configured(special)), [[2, 11, 3], [2, 1, 3], [12, 4, 5]]);
    const moved = { ...plain, added_tokens_decoder: { "20": added("<turn>") } };
    await refuses(configured(moved), /"<turn>" the id 20, where tokenizer\.json gives it 11/);
  });

  it("is named its end token by special_tokens_map.json where the configuration does not", async () => {
    const map = { eos_token: { content: "<end>", lstrip: false }, bos_token: "what" };
    const tokenizer = await configured({}, { "special_tokens_map.json": map });
    assert.deepEqual([tokenizer.eosId, tokenizer.bosId], [1, 2]);
    await refuses(configured({}), /tokenizer_config\.json: "eos_token" is missing/);
  });

  it("with several chat templates and none called default says so (transformers#31429)", async () => {
    const list = [{ name: "rag", template: "r" }, { name: "tool_use", template: "t" }];
    const config = { eos_token: "<end>", chat_template: list };
    await refuses(configured(config), /only the templates rag, tool_use\n.*"default"/);
    const folder = await newFolder();
    await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(words));
    await Deno.writeTextFile(`${folder}/tokenizer_config.json`, JSON.stringify(config));
    const named = await openTokenizer(folder, { template: "zephyr" });
    assert.equal(named.chatTemplate, CHAT_PRESETS.zephyr.source);
  });

  it("strips what Unicode calls white space around a token (TensorRT-Model-Connect#1322)", () => {
    const tool = { id: 11, ...added("<|tool|>", { lstrip: true, rstrip: true }) };
    const tokenizer = TextTokenizer.fromJson({
      ...words,
      added_tokens: [...words.added_tokens as unknown[], tool],
    }, { eosToken: "<end>" });
    assert.deepEqual(tokenizer.encode("what\x85<|tool|>\u2003is"), [2, 11, 3]);
    assert.deepEqual(tokenizer.encode("what \ufeff<|tool|>is"), [2, 0, 11, 3]);
    assert.deepEqual(tokenizer.encode("what\u200b<|tool|> \u3000is"), [2, 0, 11, 3]);
  });

  const unigram = (fields: object) =>
    TextTokenizer.fromJson({
      version: "1.0",
      added_tokens: [],
      decoder: { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] },
      model: {
        unk_id: 0,
        byte_fallback: true,
        vocab: [
          ...[["<unk>", 0], ["</s>", 0], ["a", -1], ["b", -1.5], ["ab", -2]],
          ...["0A", "F0", "9F", "8D", "A3"].map((byte) => [`<0x${byte}>`, -9]),
        ],
        ...fields,
      },
    }, { eosToken: "</s>" });

  it("of the kind Unigram spells what it does not know in bytes, all or none (tokenizers.js#26)", () => {
    const tokenizer = unigram({ type: "Unigram" });
    assert.deepEqual(tokenizer.encode("a\nb"), [2, 5, 3]);
    assert.deepEqual(tokenizer.encode("a\u{1f363}"), [2, 6, 7, 8, 9]);
    assert.equal(tokenizer.decode([2, 6, 7, 8, 9]), "a\u{1f363}");
    // The last byte of this one has no token.
    assert.deepEqual(tokenizer.encode("a\u{1f364}b\u{1f364}\u{1f364}"), [2, 0, 3, 0]);
    assert.deepEqual(tokenizer.encode("ab"), [4]);
  });

  it("without its model's type is read by its fields (SKaiNET#858, transformers.js#1151)", () => {
    assert.deepEqual(unigram({}).encode("ab\n"), [4, 5]);
    const json = { version: "1.0", added_tokens: [] };
    const vocab = { "</s>": 0, a: 1, b: 2, ab: 3, "##b": 4 };
    const make = (model: object) =>
      TextTokenizer.fromJson({ ...json, model }, { eosToken: "</s>" });
    const settings = { unk_token: null, continuing_subword_prefix: "", end_of_word_suffix: "" };
    const gpt2 = { dropout: null, ...settings, fuse_unk: false, vocab, merges: ["a b"] };
    assert.deepEqual(make(gpt2).encode("abb"), [3, 2]);
    const bert = {
      unk_token: "</s>",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 9,
    };
    assert.deepEqual(make({ ...bert, vocab }).encode("abb"), [3, 4]);
    refusesAtOnce(() => make({ ...gpt2, dropout: 0.1 }), /model\.dropout is 0\.1/);
  });
});

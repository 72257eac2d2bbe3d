import assert from "node:assert/strict";
import { cpuUsage } from "node:process";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Tokenizer } from "tokenizers";
import type { GgufValue } from "../lib/model/gguf.ts";
import { Rng } from "../lib/base/random.ts";
import {
  ChatTemplate,
  openTokenizer,
  TextTokenizer,
  tokenizerFromGguf,
  writeTokenizer,
} from "../lib/text/mod.ts";
import { ggufFile, readFixture } from "./reference/fixture.ts";
import { refuses as refusesLater, refusesAtOnce as refuses } from "./refusals.ts";
import { folder } from "./temporary_files.ts";

const fixture = await readFixture("text.json");
const toy = (i: number): Map<string, GgufValue> =>
  new Map(Object.entries(fixture.toys[i].metadata));
const wordLevel = () => TextTokenizer.fromJson(fixture.word_level.json, { eosToken: "<end>" });

describe("the tokenizer of SmolLM2, from its GGUF file", () => {
  it("encodes and decodes as transformers, special tokens in the text included", async () => {
    const path = ggufFile();
    if (!path) return;
    const tokenizer = await openTokenizer(path);
    assert.equal(tokenizer.size, 49152);
    assert.deepEqual([tokenizer.eosId, tokenizer.padId, tokenizer.bosId], [2, 2, 1]);
    // Some of the texts tell the pre-tokenizer of this vocabulary from that of GPT-2.
    assert.ok(fixture.smollm.texts.some((row) => !row.same_without_digits));
    for (const { text, ids, decoded, plain } of fixture.smollm.texts) {
      const name = JSON.stringify(text);
      assert.deepEqual(tokenizer.encode(text), ids, name);
      assert.equal(tokenizer.decode(ids), decoded, name);
      assert.equal(tokenizer.decode(ids, { skipSpecial: true }), plain, name);
    }
  });

  it("encodes any text as the native encoder does", async () => {
    const path = ggufFile();
    if (!path) return;
    const tokenizer = await openTokenizer(path);
    await agrees(tokenizer, 300);
  });

  it("is the same after saving and reading", async () => {
    const path = ggufFile();
    if (!path) return;
    const tokenizer = await openTokenizer(path);
    await writeTokenizer(tokenizer, folder.path);
    const read = await openTokenizer(folder.path);
    assert.deepEqual(
      [read.eosId, read.padId, read.bosId, read.size, read.chatTemplate],
      [tokenizer.eosId, tokenizer.padId, tokenizer.bosId, tokenizer.size, tokenizer.chatTemplate],
    );
    const text = "<|im_start|>user\nIn 1984  2 naïve 🙂<|im_end|>";
    assert.deepEqual(read.encode(text), tokenizer.encode(text));
  });
});

/** Compares with the package's own (asynchronous) encoder on random texts. */
async function agrees(
  tokenizer: TextTokenizer,
  count: number,
  more: readonly string[] = [],
): Promise<void> {
  const native = Tokenizer.fromString(JSON.stringify(tokenizer.json));
  const rng = Rng.named(3, "texts");
  const parts = fixture.smollm.texts.flatMap(({ text }) =>
    text.match(/<\|\w+\|>|[\s\S]{1,3}/gu) ?? []
  );
  for (const part of more) for (let i = 0; i < 20; i++) parts.push(part);
  for (let i = 0; i < count; i++) {
    const text = Array.from({ length: rng.int(30) }, () => parts[rng.int(parts.length)]).join("");
    const expected = await native.encode(text, null, { addSpecialTokens: false });
    assert.deepEqual(tokenizer.encode(text), expected.getIds(), JSON.stringify(text));
  }
}

describe("a tokenizer from a GGUF vocabulary", () => {
  for (const [i, { metadata, texts }] of fixture.toys.entries()) {
    const name = `${metadata["tokenizer.ggml.model"]} ${metadata["tokenizer.ggml.pre"]}`;
    it(`encodes and decodes as transformers reading the same file: ${name}`, async () => {
      const tokenizer = tokenizerFromGguf(toy(i), "toy.gguf");
      assert.deepEqual([tokenizer.bosId, tokenizer.eosId, tokenizer.padId], [1, 2, 2]);
      for (const { text, ids, decoded } of texts) {
        assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
        assert.equal(tokenizer.decode(ids), decoded, JSON.stringify(text));
      }
      await agrees(tokenizer, 100);
    });
  }

  it("names every id that ends a turn", () => {
    const metadata = new Map([
      ...toy(0),
      ["tokenizer.ggml.eot_token_id", 5],
      ["tokenizer.ggml.eom_token_id", 6],
    ]);
    assert.deepEqual(tokenizerFromGguf(metadata, "a.gguf").endIds, [2, 5, 6]);
    assert.deepEqual(tokenizerFromGguf(toy(0), "a.gguf").endIds, [2]);
  });

  it("of an unknown kind or pre-tokenizer is refused by name", () => {
    const but = (key: string, value: GgufValue) =>
      new Map([...toy(0), [`tokenizer.ggml.${key}`, value]]);
    refuses(() => tokenizerFromGguf(but("model", "bert"), "a.gguf"), /a\.gguf: .*model is "bert"/);
    refuses(() => tokenizerFromGguf(but("pre", "tekken"), "a.gguf"), /pre is "tekken"/);
    refuses(() => tokenizerFromGguf(but("pre", "default"), "a.gguf"), /pre is "default"/);
    refuses(() => tokenizerFromGguf(new Map(), "a.gguf"), /lacks tokenizer\.ggml\.tokens/);
    refuses(() => tokenizerFromGguf(but("eos_token_id", false), "a.gguf"), /no end token/);
  });
});

describe("a tokenizer.json of byte-pair encoding", () => {
  // deno-lint-ignore no-explicit-any
  const llama = tokenizerFromGguf(toy(3), "toy.gguf").json as any;
  const but = (change: object) => TextTokenizer.fromJson({ ...llama, ...change }, options);
  const options = { eosToken: "</s>" };
  const added = (id: number, content: string, how: object = {}) => ({
    id,
    content,
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false, special: false },
    ...how,
  });

  for (const scheme of ["first", "always", "never"]) {
    it(`puts Metaspace's blank where the native encoder does: ${scheme}`, async () => {
      for (const split of [false, true]) {
        const pre_tokenizer = {
          type: "Metaspace",
          replacement: "\u2581",
          prepend_scheme: scheme,
          split,
        };
        await agrees(but({ normalizer: null, pre_tokenizer }), 100, ["</s>", "</s> "]);
      }
    });
  }

  it("finds added tokens in the normalised text or as written, as the native encoder does", async () => {
    const size = Object.keys(llama.model.vocab).length;
    const tokenizer = but({
      normalizer: { type: "Sequence", normalizers: [{ type: "NFKC" }, { type: "Lowercase" }] },
      added_tokens: [
        ...llama.added_tokens,
        added(size, "Tool", { normalized: true }),
        added(size + 1, "In"),
        added(size + 2, "word", { single_word: true, lstrip: true, normalized: true }),
        added(size + 3, "<fim-prefix>"),
      ],
    });
    assert.ok(tokenizer.encode("a <fim-prefix>").includes(size + 3));
    assert.ok(tokenizer.encode("the tOOL").includes(size));
    assert.ok(!tokenizer.encode("in").includes(size + 1));
    await agrees(tokenizer, 200, [
      "tOOL",
      "In",
      "in",
      " word",
      "sword",
      "\uff34ool",
      " Tool",
      "<fim-prefix>",
    ]);
  });

  it("takes a long text without a pre-tokeniser in under a second", async () => {
    const text = fixture.smollm.texts.map((row) => row.text).join(" ").repeat(1000).slice(
      0,
      120_000,
    );
    assert.equal(text.length, 120_000);
    const tokenizer = but({});
    const began = cpuUsage();
    const ids = tokenizer.encode(text);
    const taken = cpuUsage(began).user / 1e6; // of this process, whatever else the machine does
    const native = Tokenizer.fromString(JSON.stringify(llama));
    const expected = await native.encode(text, null, { addSpecialTokens: false });
    assert.deepEqual(ids, expected.getIds());
    assert.ok(taken < 1, `${taken.toFixed(2)} s`);
  });
});

describe("a tokenizer.json of whole words", () => {
  it("encodes and decodes as the Python package", () => {
    const tokenizer = wordLevel();
    for (const { text, ids, decoded } of fixture.word_level.texts) {
      assert.deepEqual(tokenizer.encode(text), ids, text);
      assert.equal(tokenizer.decode(ids), decoded, text);
    }
    assert.equal(tokenizer.size, 11);
    assert.equal(tokenizer.tokenId("Ada"), 7);
    assert.equal(tokenizer.tokenId("<end>"), 1);
    assert.equal(tokenizer.tokenId("nobody"), undefined);
    assert.equal(tokenizer.bosId, null);
    assert.throws(() => tokenizer.decode([11]), /token id 11 is not below 11/);
  });

  it("is refused when damaged, of another model, or without the named token", () => {
    const json = fixture.word_level.json as Record<string, unknown>;
    const make = (other: object, eosToken = "<end>") =>
      TextTokenizer.fromJson({ ...json, ...other }, { eosToken, file: "t.json" });
    refuses(() => make({}, "</s>"), /t\.json: token "<\/s>" is not in the vocabulary/);
    refuses(() => make({ model: { type: "Nothing" } }), /t\.json is not a usable tokenizer/);
    refuses(() => make({ added_tokens: [{ id: "x" }] }), /added_tokens\.0/);
    const random = { type: "BPE", vocab: { "<end>": 0 }, merges: [], dropout: 0.5 };
    refuses(
      () => make({ model: random, added_tokens: [] }),
      /choose a tokenizer whose model is "BPE"/,
    );
  });

  it("is read with the names and the template beside it", async () => {
    await Deno.writeTextFile(`${folder.path}/words.json`, JSON.stringify(fixture.word_level.json));
    const config = `${folder.path}/tokenizer_config.json`;
    await Deno.writeTextFile(config, JSON.stringify({ bos_token: null }));
    await assert.rejects(
      TextTokenizer.fromFile(`${folder.path}/words.json`),
      /"eos_token" is missing/,
    );
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        eos_token: { content: "<end>", lstrip: false },
        chat_template: [{ name: "rag", template: "r" }, { name: "default", template: "d" }],
      }),
    );
    assert.equal((await TextTokenizer.fromFile(`${folder.path}/words.json`)).chatTemplate, "d");
    await Deno.writeTextFile(`${folder.path}/chat_template.jinja`, "j");
    assert.equal((await TextTokenizer.fromFile(`${folder.path}/words.json`)).chatTemplate, "j");
    await refusesLater(TextTokenizer.fromFile(`${folder.path}/none/words.json`));
  });
});

describe("a chat template", () => {
  it("renders as transformers", () => {
    const template = new ChatTemplate(fixture.smollm.template, { eosToken: "<|im_end|>" });
    for (
      const { turns, add_generation_prompt: addGenerationPrompt, text } of fixture.smollm.chats
    ) {
      assert.equal(template.render(turns, { addGenerationPrompt }), text);
    }
  });

  it("that is broken or refuses the turns is an error to act on", () => {
    refuses(() => new ChatTemplate("{% if %}", {}), /cannot be read/);
    const strict = new ChatTemplate("{{ raise_exception('roles must alternate') }}", {});
    refuses(
      () => strict.render([{ role: "user", content: "x" }]),
      /\(user\): roles must alternate/,
    );
    refuses(() => strict.render([]), /no turns/);
    const tool = [{ role: "tool", content: "x" }] as unknown as Parameters<typeof strict.render>[0];
    refuses(() => strict.render(tool), /turn 1 has role "tool"/);
    refuses(() => ChatTemplate.of(wordLevel()), /no chat template/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { parseConfig, toHfConfig } from "../lib/model/config.ts";
import { configFromGguf } from "../lib/model/gguf_config.ts";
import { ropeFrequencies } from "../lib/model/rope_frequencies.ts";
import type { GgufValue } from "../lib/model/gguf.ts";
import { floats, readFixture } from "./reference/fixture.ts";

const smallest = {
  model_type: "llama",
  vocab_size: 99,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

const metadata = new Map<string, GgufValue>([
  ["general.architecture", "llama"],
  ["llama.context_length", 128],
  ["llama.embedding_length", 32],
  ["llama.feed_forward_length", 64],
  ["llama.block_count", 2],
  ["llama.attention.head_count", 4],
  ["llama.attention.layer_norm_rms_epsilon", Math.fround(1e-5)],
  ["llama.vocab_size", 99],
  ["tokenizer.ggml.eos_token_id", 2],
]);

const refuses = (work: () => unknown, pattern: RegExp) =>
  assert.throws(work, (error) => error instanceof UserError && pattern.test(error.message));

describe("a config.json", () => {
  it("takes the defaults of transformers for what it leaves out", () => {
    assert.deepEqual(parseConfig(smallest, "config.json"), {
      vocabSize: 99,
      hiddenSize: 32,
      intermediateSize: 64,
      layers: 2,
      heads: 4,
      kvHeads: 4,
      headDim: 8,
      maxPositions: 2048,
      rmsEps: 1e-6,
      ropeTheta: 10_000,
      ropeScaling: null,
      tieEmbeddings: false,
      attentionBias: false,
      mlpBias: false,
      bosId: 1,
      eosIds: [2],
      padId: null,
    });
  });

  it("keeps several end tokens, or none", () => {
    assert.deepEqual(parseConfig({ ...smallest, eos_token_id: [5, 7] }, "c").eosIds, [5, 7]);
    assert.deepEqual(parseConfig({ ...smallest, eos_token_id: null }, "c").eosIds, []);
  });

  it("of another architecture is refused by name", () => {
    refuses(
      () => parseConfig({ ...smallest, model_type: "gpt2" }, "a/config.json"),
      /a\/config.json: model_type is "gpt2"/,
    );
    refuses(() => parseConfig([], "c"), /model_type is null/);
    refuses(
      () => parseConfig({ ...smallest, model_type: "mistral", sliding_window: 64 }, "c"),
      /sliding_window is 64/,
    );
    assert.equal(
      parseConfig({ ...smallest, model_type: "mistral", sliding_window: null }, "c").layers,
      2,
    );
  });

  it("with a wrong or missing field is refused with the field and its value", () => {
    const { hidden_size: _, ...without } = smallest;
    refuses(() => parseConfig(without, "c"), /"hidden_size" is missing/);
    refuses(() => parseConfig({ ...smallest, vocab_size: "99" }, "c"), /"vocab_size" is "99"/);
    refuses(() => parseConfig({ ...smallest, hidden_act: "gelu" }, "c"), /"hidden_act" is "gelu"/);
    refuses(() => parseConfig({ ...smallest, hidden_size: 30 }, "c"), /head_dim is 7.5/);
    refuses(
      () => parseConfig({ ...smallest, num_key_value_heads: 3 }, "c"),
      /4 query heads cannot share 3/,
    );
    refuses(
      () => parseConfig({ ...smallest, rope_scaling: { type: "su", factor: 2 } }, "c"),
      /"su"/,
    );
    refuses(
      () => parseConfig({ ...smallest, rope_scaling: { type: "linear" } }, "c"),
      /lacks "factor"/,
    );
  });

  it("written by toHfConfig reads back as the same config, with every scaling", async () => {
    const { rope } = await readFixture("weights.json");
    for (const { name, config } of rope) {
      const parsed = parseConfig(config, name);
      assert.deepEqual(parseConfig(toHfConfig(parsed), "written"), parsed, name);
    }
  });
});

describe("rotary frequencies", () => {
  it("are those of transformers, for every scaling and both spellings", async () => {
    const { rope } = await readFixture("weights.json");
    assert.equal(rope.length, 24);
    for (const { name, config, length, inv_freq, attention_scale } of rope) {
      const parsed = parseConfig(config, name);
      const actual = ropeFrequencies(parsed, length ?? undefined);
      const expected = floats(inv_freq);
      assert.equal(actual.invFreq.length, expected.length, name);
      expected.forEach((value, i) => {
        const distance = Math.abs(actual.invFreq[i] / value - 1);
        assert.ok(distance < 1e-6, `${name}: frequency ${i} is ${actual.invFreq[i]}, not ${value}`);
      });
      assert.ok(Math.abs(actual.attentionScale - attention_scale) < 1e-12, name);
    }
  });
});

describe("the config inside a GGUF file", () => {
  const options = { file: "m.gguf", tied: true };

  it("is read from its metadata", () => {
    const config = configFromGguf(metadata, options);
    assert.equal(config.rmsEps, 1e-5);
    assert.equal(config.kvHeads, 4);
    assert.equal(config.tieEmbeddings, true);
    assert.deepEqual(config.eosIds, [2]);
    assert.equal(config.bosId, null);
  });

  it("divides the frequencies by the factors of a Llama 3 file", () => {
    const plain = ropeFrequencies(configFromGguf(metadata, options));
    const ropeFactors = Float32Array.of(1, 1, 4, 8);
    for (const length of [undefined, 10_000]) {
      const { invFreq, attentionScale } = ropeFrequencies(
        configFromGguf(metadata, { ...options, ropeFactors }),
        length,
      );
      assert.deepEqual(invFreq, plain.invFreq.map((f, i) => f / ropeFactors[i]));
      assert.equal(attentionScale, 1);
    }
  });

  it("of another architecture, with experts, or incomplete is refused", () => {
    const but = (key: string, value: GgufValue) => new Map([...metadata, [key, value]]);
    refuses(
      () => configFromGguf(but("general.architecture", "gemma"), options),
      /m.gguf: .*"gemma"/,
    );
    refuses(() => configFromGguf(but("llama.expert_count", 8), options), /experts/);
    refuses(
      () => configFromGguf(but("llama.attention.head_count", [4, 2]), options),
      /head_count is 4,2, not one number/,
    );
    const without = new Map(metadata);
    without.delete("llama.block_count");
    refuses(() => configFromGguf(without, options), /lacks llama.block_count/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { contextLength, contextText, parseConfig, toHfConfig } from "../lib/model/config.ts";
import { configFromGguf } from "../lib/model/gguf_config.ts";
import { ropeFrequencies } from "../lib/model/rope_frequencies.ts";
import type { GgufValue } from "../lib/model/gguf.ts";
import { floats, readFixture } from "./reference/fixture.ts";
import { refusesAtOnce as refuses } from "./refusals.ts";

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

describe("a config.json", () => {
  it("takes the defaults of transformers for what it leaves out", () => {
    assert.deepEqual(parseConfig(smallest, "config.json"), {
      family: "llama",
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
      biases: [],
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
  });

  it("takes the defaults of its family", () => {
    const read = (fields: object) =>
      parseConfig({ ...smallest, num_key_value_heads: 2, sliding_window: null, ...fields }, "c");
    const { family, biases, maxPositions, bosId, eosIds } = read({ model_type: "qwen2" });
    assert.deepEqual(
      { family, biases, maxPositions, bosId, eosIds },
      {
        family: "qwen2",
        biases: ["q_proj", "k_proj", "v_proj"],
        maxPositions: 32_768,
        bosId: null,
        eosIds: [],
      },
    );
    const mistral = read({ model_type: "mistral" });
    assert.deepEqual(
      [mistral.biases, mistral.maxPositions, mistral.bosId, mistral.eosIds],
      [[], 131_072, 1, [2]],
    );
    for (const [type, kvHeads] of [["llama", 32], ["mistral", 8], ["qwen2", 32]] as const) {
      const heads = { num_attention_heads: 32, hidden_size: 64, sliding_window: null };
      assert.equal(parseConfig({ ...smallest, ...heads, model_type: type }, "c").kvHeads, kvHeads);
    }
  });

  it("says which linear layers have a bias, each family in its way", () => {
    const biases = (fields: object) => parseConfig({ ...smallest, ...fields }, "c").biases;
    assert.deepEqual(biases({ attention_bias: true }), ["q_proj", "k_proj", "v_proj", "o_proj"]);
    assert.deepEqual(biases({ mlp_bias: true }), ["gate_proj", "up_proj", "down_proj"]);
    // transformers' Qwen2 and Mistral have no such field.
    const qwen2 = {
      model_type: "qwen2",
      num_key_value_heads: 4,
      attention_bias: false,
      mlp_bias: true,
    };
    assert.deepEqual(biases(qwen2), ["q_proj", "k_proj", "v_proj"]);
    const mistral = { model_type: "mistral", num_key_value_heads: 4, sliding_window: null };
    assert.deepEqual(biases({ ...mistral, attention_bias: true }), []);
  });

  it("with a sliding window in use is good for sequences up to the window, and says so", () => {
    const read = (fields: object) =>
      parseConfig(
        { ...smallest, num_key_value_heads: 4, max_position_embeddings: 128, ...fields },
        "c",
      );
    const windowed = { model_type: "qwen2", use_sliding_window: true, sliding_window: 64 };
    const limited = [
      { model_type: "mistral", sliding_window: 64 },
      { ...windowed, max_window_layers: 1 },
      { ...windowed, max_window_layers: 2, layer_types: ["full_attention", "sliding_attention"] },
    ];
    for (const fields of limited) {
      const config = read(fields);
      assert.deepEqual([config.maxPositions, contextLength(config)], [64, 128]);
      assert.match(contextText(config), /^64 tokens, the sliding window of its attention/);
      // Written back, it is the same window again, in the same layers.
      assert.deepEqual(parseConfig(toHfConfig(config), "written"), config);
    }
    // Left out, it is 4096.
    const long = { max_position_embeddings: 8192 };
    assert.equal(read({ ...long, model_type: "mistral" }).maxPositions, 4096);
    // The scaling of rotary positions goes by the context, not by the window.
    const rope_scaling = { type: "dynamic", factor: 2 };
    const [windowedRope, rope] = [64, null].map((sliding_window) =>
      ropeFrequencies(read({ model_type: "mistral", sliding_window, rope_scaling }), 60)
    );
    assert.deepEqual(windowedRope, rope);
    const kept = [
      { model_type: "mistral", sliding_window: null },
      { model_type: "mistral", sliding_window: 128 },
      { model_type: "llama", sliding_window: 64 },
      { ...windowed, use_sliding_window: false, max_window_layers: 1 },
      { ...windowed, sliding_window: 128, max_window_layers: 1 },
      { ...windowed, max_window_layers: 2 },
      { ...windowed, max_window_layers: 1, layer_types: ["full_attention", "full_attention"] },
      { model_type: "qwen2", use_sliding_window: true }, // from layer 28 on
    ];
    for (const fields of kept) {
      const config = read(fields);
      assert.deepEqual(
        [config.layers, contextText(config)],
        [2, "128 tokens"],
        JSON.stringify(fields),
      );
    }
  });

  it("with a wrong or missing field is refused with the field and its value", () => {
    const { hidden_size: _, ...without } = smallest;
    refuses(() => parseConfig(without, "c"), /"hidden_size" is missing/);
    refuses(() => parseConfig({ ...smallest, vocab_size: "99" }, "c"), /"vocab_size" is "99"/);
    refuses(() => parseConfig({ ...smallest, hidden_act: "gelu" }, "c"), /"hidden_act" is "gelu"/);
    refuses(() => parseConfig({ ...smallest, hidden_size: 30 }, "c"), /head_dim is 7.5/);
    refuses(() => parseConfig({ ...smallest, rope_theta: NaN }, "c"), /"rope_theta" is NaN/);
    refuses(
      () => parseConfig({ ...smallest, max_position_embeddings: Infinity }, "c"),
      /"max_position_embeddings" is Infinity/,
    );
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

  it("written by toHfConfig reads back as the same config, with every scaling and family", async () => {
    const { rope } = await readFixture("weights.json");
    const families = ["llama", "mistral", "qwen2"].map((model_type) => ({
      name: model_type,
      config: { ...smallest, model_type, num_key_value_heads: 2, sliding_window: null },
    }));
    const biased = { ...smallest, attention_bias: true, mlp_bias: true };
    for (const { name, config } of [...rope, ...families, { name: "biases", config: biased }]) {
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
  const options = { file: "m.gguf", tensors: new Set<string>() };

  it("is read from its metadata", () => {
    const config = configFromGguf(metadata, options);
    assert.equal(config.rmsEps, 1e-5);
    assert.equal(config.kvHeads, 4);
    assert.equal(config.tieEmbeddings, true);
    assert.deepEqual(config.eosIds, [2]);
    assert.equal(config.bosId, null);
    assert.deepEqual([config.family, config.biases], ["llama", []]);
  });

  it("has an output layer and biases where the file has their tensors", () => {
    const read = (...names: string[]) =>
      configFromGguf(metadata, { ...options, tensors: new Set(names) });
    assert.equal(read("output.weight").tieEmbeddings, false);
    assert.deepEqual(read("blk.0.attn_q.bias").biases, ["q_proj", "k_proj", "v_proj", "o_proj"]);
    assert.deepEqual(read("blk.0.ffn_up.bias").biases, ["gate_proj", "up_proj", "down_proj"]);
  });

  it("of a sliding window shorter than the context is good for sequences up to the window", () => {
    const windowed = (window: number) =>
      configFromGguf(
        new Map([...metadata, ["llama.attention.sliding_window", window]]),
        options,
      );
    assert.deepEqual(
      [windowed(64).maxPositions, contextLength(windowed(64)), contextText(windowed(128))],
      [64, 128, "128 tokens"],
    );
    for (const none of [0, 128]) assert.equal(windowed(none).maxPositions, 128);
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

  it("with the factors of a Llama 3 file and a scaling beside them is refused", () => {
    const scaled = new Map([...metadata, ["llama.rope.scaling.type", "yarn"], [
      "llama.rope.scaling.factor",
      8,
    ]] as [string, GgufValue][]);
    refuses(
      () => configFromGguf(scaled, { ...options, ropeFactors: Float32Array.of(1, 1, 4, 8) }),
      /rope_freqs\.weight and rope\.scaling\.type "yarn"/,
    );
  });

  it("of another architecture, with experts, or incomplete is refused", () => {
    const but = (key: string, value: GgufValue) => new Map([...metadata, [key, value]]);
    refuses(
      () => configFromGguf(but("general.architecture", "gemma"), options),
      /m.gguf: .*"gemma"/,
    );
    refuses(() => configFromGguf(but("llama.expert_count", 8), options), /experts/);
    const unnamed = new Map(metadata);
    unnamed.delete("general.architecture");
    refuses(() => configFromGguf(unnamed, options), /architecture is null/);
    refuses(
      () => configFromGguf(but("llama.attention.head_count", [4, 2]), options),
      /head_count is 4,2, not one number/,
    );
    assert.equal(configFromGguf(but("llama.attention.head_count_kv", [2, 2]), options).kvHeads, 2);
    const without = new Map(metadata);
    without.delete("llama.block_count");
    refuses(() => configFromGguf(without, options), /lacks llama.block_count/);
  });
});

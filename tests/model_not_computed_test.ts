import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parseConfig } from "../lib/model/config.ts";
import { configFromGguf } from "../lib/model/gguf_config.ts";
import type { GgufValue } from "../lib/model/gguf.ts";
import { ropeFrequencies } from "../lib/model/rope_frequencies.ts";
import { refusesAtOnce as refuses } from "./refusals.ts";

const json = {
  model_type: "llama",
  vocab_size: 99,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
};

describe("a field of a config.json that changes what is computed", () => {
  const read = (fields: object) => parseConfig({ ...json, ...fields }, "config.json");
  const fields: [string, unknown, unknown[]][] = [
    ["residual_multiplier", 0.22, [1]],
    ["embedding_multiplier", 12, [1]],
    ["attention_multiplier", 0.5, [0.25]], // 1 / sqrt(16)
    ["logits_scaling", 8, [1]],
    ["logit_scale", 0.0625, [1]],
    ["scale_emb", 12, [1]],
    ["final_logit_softcapping", 30, [0, Infinity]],
    ["attn_logit_softcapping", 50, [0]],
    ["clip_qkv", 8, [0]],
    ["query_pre_attn_scalar", 144, [16]],
    ["qk_norm", true, [false]],
    ["use_qk_norm", true, [false]],
    ["rotary_pct", 0.25, [1]],
    ["num_local_experts", 8, [0]],
    ["partial_rotary_factor", 0.5, [1]],
    ["pruned_heads", { "0": [1] }, [{}]],
    ["attention_chunk_size", 8192, []],
  ];
  for (const [key, value, neutral] of fields) {
    it(`is refused by name, unless it changes nothing: ${key}`, () => {
      refuses(() => read({ [key]: value }), `config.json: "${key}" is `, JSON.stringify(value));
      for (const same of [...neutral, null]) assert.equal(read({ [key]: same }).layers, 2);
    });
  }

  it("may stand among the settings of rotary scaling", () => {
    const yarn = { type: "yarn", factor: 4, original_max_position_embeddings: 512 };
    const plain = read({ rope_scaling: yarn });
    assert.deepEqual(read({ rope_scaling: { ...yarn, finetuned: true } }), plain);
    for (const [key, value] of [["attn_factor", 0.8], ["long_mscale", 1.2], ["alpha", 1000]]) {
      refuses(() => read({ rope_scaling: { ...yarn, [key]: value } }), `${key}`);
    }
  });

  it("is no field that nothing has ever computed by", () => {
    const harmless = { pretraining_tp: 2, use_cache: false, torch_dtype: "bfloat16", _name: "x" };
    assert.deepEqual(read({ ...harmless, attn_logit_cap: Infinity }), read({}));
  });
});

describe("a checkpoint of quantised weights", () => {
  const settings = {
    gptq: { quant_method: "gptq", bits: 4 },
    awq: { quant_method: "awq", bits: 4, zero_point: true },
    bitsandbytes: { quant_method: "bitsandbytes", load_in_4bit: true },
    fp8: { quant_method: "fp8", activation_scheme: "dynamic" },
    "compressed-tensors": { quant_method: "compressed-tensors", config_groups: {} },
  };
  for (const [method, quantization_config] of Object.entries(settings)) {
    it(`is refused by its config: ${method}`, () => {
      refuses(
        () => parseConfig({ ...json, quantization_config }, "c/config.json"),
        `c/config.json: quantization_config says that the weights are quantised (${method}`,
        /give the checkpoint that it was quantised from .* or a GGUF file/,
      );
    });
  }

  it("is refused by MLX's own field", () => {
    refuses(
      () => parseConfig({ ...json, quantization: { group_size: 64, bits: 4 } }, "c"),
      "c: quantization says that the weights are quantised (4 bits)",
    );
  });

  it("is none where the config says so", () => {
    assert.equal(parseConfig({ ...json, quantization_config: null }, "c").layers, 2);
  });
});

describe("a key of a GGUF file that changes what is computed", () => {
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", "llama"],
    ["llama.context_length", 128],
    ["llama.embedding_length", 32],
    ["llama.feed_forward_length", 64],
    ["llama.block_count", 2],
    ["llama.attention.head_count", 2],
    ["llama.attention.layer_norm_rms_epsilon", 1e-5],
    ["llama.vocab_size", 99],
  ]);
  const read = (keys: Record<string, GgufValue> = {}) =>
    configFromGguf(new Map([...metadata, ...Object.entries(keys)]), {
      file: "m.gguf",
      tensors: new Set<string>(),
    });
  const refused: [string, GgufValue, GgufValue[]][] = [
    ["llama.logit_scale", 0.0625, [1, 0]],
    ["llama.residual_scale", 0.22, [1]],
    ["llama.embedding_scale", 12, [1]],
    ["llama.attention.scale", 0.5, [0.25, 0]],
    ["llama.attention.value_length", 32, [16]],
    ["llama.attention.clamp_kqv", 8, [0]],
    ["llama.final_logit_softcapping", 30, [0]],
    ["llama.rope.dimension_count", 8, [16]],
    ["llama.rope.scaling.attn_factor", 0.7, [1]],
    ["llama.rope.scaling.yarn_ext_factor", 0.5, [1]],
    ["llama.rope.dimension_sections", [16, 24, 24], [[]]],
    ["llama.expert_used_count", 2, [0]],
    ["llama.key_of_next_year", 3, [0, ""]],
  ];
  for (const [key, value, neutral] of refused) {
    it(`is refused by name, unless it changes nothing: ${key}`, () => {
      refuses(() => read({ "llama.attention.key_length": 16, [key]: value }), `m.gguf: ${key} is `);
      for (const same of neutral) {
        assert.deepEqual(read({ "llama.attention.key_length": 16, [key]: same }), read());
      }
    });
  }

  it("may be the older name of a linear factor, or a factor without a type", () => {
    const linear = { type: "linear", factor: 4 };
    assert.deepEqual(read({ "llama.rope.scaling.factor": 4 }).ropeScaling, linear);
    assert.deepEqual(read({ "llama.rope.scale_linear": 4 }).ropeScaling, linear);
    const none: Record<string, GgufValue>[] = [
      { "llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 4 },
      { "llama.rope.scaling.factor": 0 },
      { "llama.rope.scale_linear": 0 },
      { "llama.rope.scaling.type": "linear" },
    ];
    for (const keys of none) assert.equal(read(keys).ropeScaling, null, JSON.stringify(keys));
    const [plain, scaled] = [read(), read({ "llama.rope.scale_linear": 4 })].map((config) =>
      ropeFrequencies(config).invFreq
    );
    assert.deepEqual(scaled, plain.map((f) => f / 4));
    refuses(() => read({ "llama.rope.scaling.type": "yarn" }), /"yarn" lacks "factor"/);
    refuses(() => read({ "llama.rope.scaling.type": "odd" }), /"odd" is not supported/);
  });
});

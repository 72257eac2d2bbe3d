import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  LINEAR_MODULES,
  loadAdapter,
  loadModel,
  LORA_DEFAULTS,
  LoraAdapter,
  type ModelConfig,
  openSafetensors,
  readConfig,
  saveAdapter,
  saveModel,
  writeSafetensors,
} from "../lib/model/mod.ts";
import { modulePath } from "../lib/model/linear_modules.ts";
import { Rng } from "../lib/base/random.ts";
import { batchLogits } from "./model_reference.ts";
import { assertClose, numbers } from "./numbers.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { randoms, tinyConfig, tinyModel } from "./tiny.ts";

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});

const values = (tensors: Map<string, tf.Tensor>) =>
  [...tensors].map(([name, t]) => [name, t.shape, numbers(t)]);
const json = async (name: string) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`));

const load = (path = folder) => loadModel(path);

describe("a model on disk", () => {
  const kinds: Record<string, Partial<ModelConfig>> = {
    "tied": {},
    "untied, with biases and wide heads": {
      tieEmbeddings: false,
      biases: LINEAR_MODULES,
      headDim: 16,
      kvHeads: 1,
      eosIds: [2, 5],
    },
  };
  for (const [kind, overrides] of Object.entries(kinds)) {
    it(`comes back the same, bit for bit: ${kind}`, async () => {
      const model = tinyModel(overrides);
      await saveModel(model, `${folder}/a/b`);
      const read = await load(`${folder}/a/b`);
      assert.deepEqual(read.config, model.config);
      assert.deepEqual(values(read.weights), values(model.weights));
      assert.deepEqual(batchLogits(read, [[5, 6, 7]]), batchLogits(model, [[5, 6, 7]]));
      read.dispose();
      model.dispose();
    });
  }

  it("is stored in half precision where asked", async () => {
    const model = tinyModel();
    for (const [dtype, within] of [["F16", 2 ** -11], ["BF16", 2 ** -8]] as const) {
      await saveModel(model, folder, { dtype });
      const read = await load();
      for (const [name, w] of model.weights) {
        const [found, expected] = [read.weights.get(name)!, w].map((t) => numbers(t));
        assertClose(found, expected, { within: within * Math.max(...expected.map(Math.abs)) });
        assert.ok(found.some((x, i) => x !== expected[i]), name);
      }
      read.dispose();
    }
    model.dispose();
  });

  it("that lacks a tensor, or has one of another shape or a bias too many, is refused with its name", async () => {
    const model = tinyModel();
    await saveModel(model, folder);
    const stored: Record<string, { shape: number[]; data: Float32Array }> = {};
    for (const [name, w] of model.weights) stored[name] = { shape: w.shape, data: numbers(w) };
    model.dispose();
    const name = "model.layers.1.mlp.up_proj.weight";
    const { [name]: tensor, ...others } = stored;
    const path = `${folder}/model.safetensors`;
    const tensors = tf.memory().numTensors;
    await writeSafetensors(path, others);
    await refuses(load(), folder, `"${name}" is missing`);
    await writeSafetensors(path, { ...others, [name]: { ...tensor, shape: [32, 48] } });
    await refuses(load(), folder, `"${name}" has shape [32,48], the config asks for [48,32]`);
    const bias = "model.layers.1.self_attn.o_proj.bias";
    await writeSafetensors(path, {
      ...stored,
      [bias]: { shape: [32], data: new Float32Array(32) },
    });
    await refuses(load(), folder, `asks for no tensor "${bias}"`);
    assert.equal(tf.memory().numTensors, tensors);
  });

  it("of another architecture is refused with its name", async () => {
    const config = { model_type: "gpt2", n_embd: 768 };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
    await refuses(readConfig(folder), `${folder}/config.json`, '"gpt2"');
  });
});

describe("an adapter on disk", () => {
  const config = { ...LORA_DEFAULTS, r: 2, alpha: 3, dropout: 0.25 };
  const model = tinyConfig();
  function made(): LoraAdapter {
    const rng = Rng.named(3, "adapter on disk");
    return LoraAdapter.from(model, config, {
      file: "",
      get(name) {
        const fresh = LoraAdapter.create(model, config, rng);
        const { shape, size } = fresh.parameters.get(name)!;
        fresh.dispose();
        return { shape, data: randoms(size, { rng }) };
      },
    });
  }

  it("comes back the same, bit for bit, with its settings", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    const read = await loadAdapter(folder, model);
    assert.deepEqual(values(read.parameters), values(adapter.parameters));
    assert.deepEqual(read.config, config);
    read.dispose();
    adapter.dispose();
  });

  it("has PEFT's files, names and settings, and nothing half-written beside them", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "the/base" });
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(files, ["adapter_config.json", "adapter_model.safetensors"]);
    const source = await openSafetensors(`${folder}/adapter_model.safetensors`);
    const [first] = source.names;
    assert.equal(source.names.length, adapter.parameters.size);
    source.close();
    assert.match(
      first,
      /^base_model\.model\.model\.layers\.\d\.(self_attn|mlp)\.\w+\.lora_[AB]\.weight$/,
    );
    const { peft_type, r, lora_alpha, lora_dropout, bias, base_model_name_or_path, ...rest } =
      await json("adapter_config.json");
    assert.deepEqual(
      { peft_type, r, lora_alpha, lora_dropout, bias, base_model_name_or_path },
      {
        peft_type: "LORA",
        r: 2,
        lora_alpha: 3,
        lora_dropout: 0.25,
        bias: "none",
        base_model_name_or_path: "the/base",
      },
    );
    assert.deepEqual(rest.target_modules, config.targetModules);
    adapter.dispose();
  });

  it("that lacks a tensor, or has one of another rank, is refused with its name", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    await refuses(
      loadAdapter(folder, { ...model, layers: 3 }),
      "adapter_model.safetensors",
      '"model.layers.2.self_attn.q_proj.lora_A.weight" is missing',
    );
    const settings = await json("adapter_config.json");
    await Deno.writeTextFile(
      `${folder}/adapter_config.json`,
      JSON.stringify({ ...settings, r: 5 }),
    );
    await refuses(
      loadAdapter(folder, model),
      '"model.layers.0.self_attn.q_proj.lora_A.weight" has shape [2,32], expected [5,32]',
    );
    adapter.dispose();
  });

  it("of another kind is refused with the field that says so", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    adapter.dispose();
    const settings = await json("adapter_config.json");
    const kinds = [
      { peft_type: "IA3" },
      { use_dora: true },
      { use_rslora: true },
      { bias: "all" },
      { target_modules: ["embed_tokens"] },
      { r: 0 },
      { lora_dropout: 1 },
      { lora_bias: true },
      { fan_in_fan_out: true },
      { alpha_pattern: { q_proj: 4 } },
      { rank_pattern: { q_proj: 4 } },
      { modules_to_save: ["lm_head"] },
      { layers_to_transform: [0] },
      { task_type: "SEQ_CLS" },
      { init_lora_weights: "pissa" },
      { init_lora_weights: "pissa_niter_16" },
      { init_lora_weights: "olora" },
      { init_lora_weights: "loftq" },
      { exclude_modules: ["v_proj"] },
      { layer_replication: [[0, 2], [1, 2]] },
      { trainable_token_indices: [7] },
      { target_parameters: ["mlp.experts"] },
      { alora_invocation_tokens: [5, 6] },
      { field_of_next_year: { on: true } },
      { target_modules: ["lm_head", "q_proj"] },
      { target_modules: ["model.layers.0.self_attn.q_proj"] },
      { target_modules: ".*" },
      { target_modules: "(?P<layer>q_proj" },
    ];
    for (const change of kinds) {
      const text = JSON.stringify({ ...settings, ...change });
      await Deno.writeTextFile(`${folder}/adapter_config.json`, text);
      await refuses(loadAdapter(folder, model), "adapter_config.json", Object.keys(change)[0]);
    }
  });

  it("may name its layers by ends of paths or a pattern, as PEFT reads both", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    const settings = await json("adapter_config.json");
    const forms = [
      "all-linear",
      ["q_proj", "k_proj", "v_proj", "o_proj"].map((m) => `self_attn.${m}`).concat(
        ["gate_proj", "up_proj", "down_proj"].map((m) => `mlp.${m}`),
      ),
      [0, 1].flatMap((layer) => LINEAR_MODULES.map((module) => modulePath(layer, module))),
      ".*\\.(self_attn|mlp)\\.(?:q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)",
    ];
    for (const target_modules of forms) {
      const change = { target_modules, init_lora_weights: "gaussian", loftq_config: { bits: 4 } };
      const text = JSON.stringify({ ...settings, ...change });
      await Deno.writeTextFile(`${folder}/adapter_config.json`, text);
      const read = await loadAdapter(folder, model);
      assert.deepEqual(values(read.parameters), values(adapter.parameters));
      read.dispose();
    }
    adapter.dispose();
  });

  it("with a tensor that nothing reads is refused by the tensor's name", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    const settings = await json("adapter_config.json");
    const text = JSON.stringify({ ...settings, target_modules: LINEAR_MODULES.slice(0, 6) });
    await Deno.writeTextFile(`${folder}/adapter_config.json`, text);
    const tensors = tf.memory().numTensors;
    await refuses(loadAdapter(folder, model), /nothing here reads .*mlp\.down_proj\.lora_A/);
    await Deno.writeTextFile(`${folder}/adapter_config.json`, JSON.stringify(settings));
    await refuses(loadAdapter(folder, { ...model, layers: 1 }), /nothing here reads .*layers\.1\./);
    assert.equal(tf.memory().numTensors, tensors);
    adapter.dispose();
  });

  it("whose weights are a pickle is refused with what to do", async () => {
    const adapter = made();
    await saveAdapter(adapter, folder, { baseModel: "base" });
    adapter.dispose();
    await Deno.rename(`${folder}/adapter_model.safetensors`, `${folder}/adapter_model.bin`);
    await refuses(loadAdapter(folder, model), /adapter_model\.bin, a pickle/, /save_pretrained/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  ggufContent,
  type LanguageModel,
  LINEAR_MODULES,
  loadModel,
  openSafetensors,
  saveModel,
  sequenceLogProbs,
  type TensorData,
  writeGguf,
  writeSafetensors,
} from "../lib/model/mod.ts";
import { modulePath } from "../lib/model/linear_modules.ts";
import { numbers } from "./numbers.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";

/** The tiny model's folder with other tensors beside its own, or in place of them. */
async function written(
  others: Record<string, TensorData>,
  { model = tinyModel() }: { model?: LanguageModel } = {},
): Promise<string> {
  const folder = await newFolder();
  await saveModel(model, folder);
  const own = [...model.weights].map(([name, w]): [string, TensorData] => [name, {
    shape: w.shape,
    data: numbers(w),
  }]);
  await writeSafetensors(
    `${folder}/model.safetensors`,
    new Map([...own, ...Object.entries(others)]),
  );
  model.dispose();
  return folder;
}

const zeros = (...shape: number[]): TensorData => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b)),
});

describe("a tensor that nothing reads", () => {
  const names = [
    "model.layers.0.self_attn.q_norm.weight",
    "model.layers.1.mlp.gate_proj.bias",
    "model.layers.2.input_layernorm.weight",
    "lm_head.bias",
    "v_head.summary.weight",
    "score.weight",
    "model.norm.bias",
  ];
  for (const name of names) {
    it(`is refused by name: ${name}`, async () => {
      await refuses(loadModel(await written({ [name]: zeros(2) })), `no tensor "${name}"`);
    });
  }

  it("is the head of a reward model, which is refused as that though the output layer is missing", async () => {
    const model = tinyModel({ tieEmbeddings: false });
    const folder = await written({ "score.weight": zeros(1, 32) }, { model });
    const source = await openSafetensors(`${folder}/model.safetensors`);
    const tensors = new Map<string, TensorData>();
    for (const name of source.names.filter((name) => name !== "lm_head.weight")) {
      tensors.set(name, { shape: source.shape(name), data: await source.read(name) });
    }
    source.close();
    await writeSafetensors(`${folder}/model.safetensors`, tensors);
    await refuses(loadModel(folder), /"score\.weight": it is a reward model/, "reward:PATH");
  });

  it("is left out where it is a table of rotary positions", async () => {
    const folder = await written({
      "model.layers.0.self_attn.rotary_emb.inv_freq": zeros(4),
      "model.layers.1.self_attn.rotary_emb.inv_freq": zeros(4),
      "model.rotary_emb.inv_freq": zeros(4),
    });
    (await loadModel(folder)).dispose();
  });

  it("may be the output layer of tied embeddings, with the same values only", async () => {
    const model = tinyModel();
    const w = model.weights.get("model.embed_tokens.weight")!;
    const [shape, data] = [w.shape, numbers(w)];
    const same = await written({ "lm_head.weight": { shape, data } }, { model });
    const read = await loadModel(same);
    assert.ok(!read.weights.has("lm_head.weight"));
    read.dispose();
    const other = await written({ "lm_head.weight": { shape, data: data.with(3, 9) } });
    await refuses(loadModel(other), /ties the output .* "lm_head\.weight" has other values/);
  });
});

describe("a part of a quantised weight", () => {
  const path = "model.layers.0.self_attn.q_proj";
  // deno-fmt-ignore
  const parts = [
    "qweight", "qzeros", "scales", "weight_packed", "weight_scale_inv", "weight.absmax",
    "weight.quant_state.bitsandbytes__nf4", "SCB", "biases", "weight._scale",
  ];
  for (const part of parts) {
    it(`is refused as that, whatever the config says: ${part}`, async () => {
      const folder = await written({ [`${path}.${part}`]: zeros(2) });
      await refuses(loadModel(folder), /q_proj\.\S+" is a part of quantised weights\n.*GGUF/);
    });
  }
});

describe("biases in a GGUF file of Llama's", () => {
  /** A model with these biases, and the same from a GGUF file that has no others. */
  async function pair(kept: RegExp): Promise<[LanguageModel, LanguageModel]> {
    const model = tinyModel({ biases: LINEAR_MODULES });
    for (const [name, bias] of model.weights) {
      if (!name.endsWith(".bias") || kept.test(name)) continue;
      model.weights.set(name, tf.keep(tf.zerosLike(bias)));
      bias.dispose();
    }
    const content = ggufContent(model, { name: "m", dtype: "F32", vocabulary: new Map() });
    const tensors = new Map(
      [...content.tensors].filter(([name]) => !name.endsWith(".bias") || kept.test(renamed(name))),
    );
    const path = `${await newFolder()}/m.gguf`;
    await writeGguf(path, { ...content, tensors });
    return [model, await loadModel(path)];
  }
  const names = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
  const renamed = (name: string) => {
    const [, layer, inner] = /^blk\.(\d)\.(\w+)\.bias$/.exec(name)!;
    return `${modulePath(Number(layer), LINEAR_MODULES[names.indexOf(inner)])}.bias`;
  };
  const kinds: Record<string, RegExp> = {
    "all": /./,
    "feed-forward alone": /mlp/,
    "the attention's output alone": /o_proj/,
    "query, key and value, as a Qwen made a Llama": /[qkv]_proj/,
    "up alone": /up_proj/,
  };
  for (const [what, kept] of Object.entries(kinds)) {
    it(`are computed, each that is there: ${what}`, async () => {
      const [model, read] = await pair(kept);
      const sequences = [{ ids: [3, 4, 5, 6, 7], from: 1 }];
      assert.deepEqual(
        await sequenceLogProbs(read, sequences),
        await sequenceLogProbs(model, sequences),
      );
      model.dispose();
      read.dispose();
    });
  }

  it("are refused where a layer has one and another layer lacks it", async () => {
    const folder = `${await newFolder()}/m.gguf`;
    const model = tinyModel({ biases: LINEAR_MODULES });
    const content = ggufContent(model, { name: "m", dtype: "F32", vocabulary: new Map() });
    const tensors = new Map(content.tensors);
    tensors.delete("blk.1.ffn_up.bias");
    await writeGguf(folder, { ...content, tensors });
    model.dispose();
    await refuses(loadModel(folder), /"model\.layers\.1\.mlp\.up_proj\.bias" is missing/);
  });

  it("are refused where the family has none there", async () => {
    const path = `${await newFolder()}/m.gguf`;
    const model = tinyModel({ family: "qwen2", biases: LINEAR_MODULES });
    await writeGguf(path, ggufContent(model, { name: "m", dtype: "F32", vocabulary: new Map() }));
    model.dispose();
    await refuses(loadModel(path), /asks for no tensor "model\.layers\.0\.\S+\.bias"/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  type FloatType,
  ggufContent,
  LINEAR_MODULES,
  loadModel,
  type ModelConfig,
  openGguf,
  sequenceLogProbs,
  writeGguf,
} from "../lib/model/mod.ts";
import { ropeFrequencies } from "../lib/model/rope_frequencies.ts";
import { hfToGgufName } from "../lib/model/gguf_weights.ts";
import { ggufVocabulary, tokenizerFromGguf } from "../lib/text/mod.ts";
import { readFixture } from "./reference/fixture.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";

const [toy] = (await readFixture("text.json")).toys;
const tokenizer = tokenizerFromGguf(new Map(Object.entries(toy.metadata)), "toy.gguf");
const { size: vocabSize, bosId, eosId, padId } = tokenizer;
const speaking = { vocabSize, bosId, eosIds: [eosId], padId };
const vocabulary = ggufVocabulary(tokenizer, { vocabSize });
const path = () => `${folder.path}/model.gguf`;

/** Writes a tiny model, and reads it again. */
async function again(change: Partial<ModelConfig>, dtype: FloatType = "F32") {
  const model = tinyModel({ ...speaking, ...change });
  await writeGguf(path(), ggufContent(model, { name: "tiny", dtype, vocabulary }));
  return { model, read: await loadModel(path()) };
}

describe("a model written as GGUF", () => {
  const models: [string, Partial<ModelConfig>][] = [
    ["Llama, tied", {}],
    ["Llama with biases, wide heads, its own output layer", {
      headDim: 12,
      tieEmbeddings: false,
      biases: LINEAR_MODULES,
    }],
    ["Qwen2", { family: "qwen2", biases: ["q_proj", "k_proj", "v_proj"], ropeTheta: 1e6 }],
    ["linear scaling", { ropeScaling: { type: "linear", factor: 4 } }],
    ["yarn", {
      ropeScaling: {
        ...{ type: "yarn", factor: 4, originalMaxPositions: 128, betaFast: 32, betaSlow: 1 },
        ...{ truncate: true, attentionFactor: null, mscale: null, mscaleAllDim: null },
      },
    }],
  ];
  for (const [name, change] of models) {
    it(`comes back the same, bit for bit: ${name}`, async () => {
      const { model, read } = await again(change);
      assert.deepEqual(read.config, model.config);
      assert.deepEqual([...read.weights.keys()].sort(), [...model.weights.keys()].sort());
      for (const [name, tensor] of model.weights) {
        assert.deepEqual(read.weights.get(name)!.dataSync(), tensor.dataSync(), name);
      }
      model.dispose();
      read.dispose();
    });
  }

  it("of Mistral's family comes under Llama's name, as llama.cpp has it", async () => {
    const { model, read } = await again({ family: "mistral" });
    assert.deepEqual(read.config, { ...model.config, family: "llama" });
    const sequences = [{ ids: [3, 4, 5, 6], from: 1 }];
    assert.deepEqual(
      await sequenceLogProbs(read, sequences),
      await sequenceLogProbs(model, sequences),
    );
    model.dispose();
    read.dispose();
  });

  it("of Llama 3 has the divisors of its rotary frequencies", async () => {
    const ropeScaling = {
      ...{ type: "llama3", factor: 8, lowFreqFactor: 1, highFreqFactor: 4 } as const,
      originalMaxPositions: 64,
    };
    const { model, read } = await again({ ropeScaling });
    const [wanted, found] = [model, read].map(({ config }) => [...ropeFrequencies(config).invFreq]);
    found.forEach((f, i) => assert.ok(Math.abs(f / wanted[i] - 1) < 1e-6, `${f}, ${wanted[i]}`));
    assert.notDeepEqual(wanted, [
      ...ropeFrequencies({ ...model.config, ropeScaling: null }).invFreq,
    ]);
    // Read from a file and written again, they are the same divisors.
    await writeGguf(path(), ggufContent(read, { name: "tiny", dtype: "F32", vocabulary }));
    const twice = await loadModel(path());
    assert.deepEqual(twice.config.ropeScaling, read.config.ropeScaling);
    for (const each of [model, read, twice]) each.dispose();
  });

  it("is stored in half precision where asked, its vectors in full", async () => {
    for (const dtype of ["F16", "BF16"] as const) {
      const { model, read } = await again({}, dtype);
      const file = await openGguf(path());
      assert.equal(file.tensors.get("blk.0.attn_q.weight")!.type, dtype);
      assert.equal(file.tensors.get("blk.0.attn_norm.weight")!.type, "F32");
      file.close();
      const name = "model.layers.1.mlp.up_proj.weight";
      const [stored, exact] = [read, model].map((m) => m.weights.get(name)!.dataSync());
      const far = exact.map((value, i) => Math.abs(stored[i] - value) / Math.abs(value));
      assert.ok(Math.max(...far) > 0 && Math.max(...far) <= (dtype === "F16" ? 2 ** -11 : 2 ** -8));
      model.dispose();
      read.dispose();
    }
  });

  it("with rotary scaling that llama.cpp lacks is refused, and tensors of a wrong size", async () => {
    const longrope = { type: "longrope", factor: 2, originalMaxPositions: 64 } as const;
    const scalings: ModelConfig["ropeScaling"][] = [
      { type: "dynamic", factor: 2 },
      { ...longrope, shortFactor: [1, 1, 1, 1], longFactor: [1, 2, 3, 4], attentionFactor: 1 },
    ];
    for (const ropeScaling of scalings) {
      const model = tinyModel({ ...speaking, ropeScaling });
      refusesAtOnce(
        () => ggufContent(model, { name: "tiny", dtype: "F32", vocabulary }),
        `llama.cpp has no "${ropeScaling!.type}" rotary scaling`,
        "--format safetensors",
      );
      model.dispose();
    }
    const tensors = new Map([["x", { shape: [3], data: new Float32Array(2) }]]);
    await refuses(
      writeGguf(path(), { metadata: new Map(), tensors, dtype: "F32" }),
      /"x" has 2 values for shape \[3\]/,
    );
    assert.throws(() => hfToGgufName("model.layers.0.self_attn.rotary.weight"), RangeError);
  });
});

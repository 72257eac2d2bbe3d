import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { generate, type LanguageModel, sequenceLogProbs } from "../lib/model/mod.ts";
import {
  batchLogits,
  decodedLogits,
  expectedJson,
  expectedTensors,
  lossAndGradients,
  parity,
  referenceModel,
} from "./model_reference.ts";
import { assertClose, numbers } from "./numbers.ts";

interface Expected {
  ids: number[][];
  loss: number;
  greedy: { prompts: number[][]; new: number[][]; smallest_lead_of_best_logit: number };
}

const LLAMA_GRADIENTS = [
  "model.embed_tokens.weight",
  "model.layers.0.input_layernorm.weight",
  "model.layers.1.mlp.down_proj.weight",
  "model.layers.1.self_attn.q_proj.weight",
];

for (
  const { folder, what, gradients: compared } of [
    { folder: "tiny-tied", what: "tied embeddings", gradients: LLAMA_GRADIENTS },
    {
      folder: "tiny-untied-llama3",
      what: "untied embeddings, Llama 3 rotary scaling, shards",
      gradients: LLAMA_GRADIENTS,
    },
    {
      folder: "tiny-biased",
      what: "biases in all linear layers",
      gradients: [
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.o_proj.bias",
        "model.layers.1.mlp.down_proj.bias",
        "model.layers.1.mlp.gate_proj.bias",
      ],
    },
    {
      folder: "tiny-qwen2",
      what: "Qwen2",
      gradients: [
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "model.layers.1.self_attn.k_proj.bias",
        "model.layers.1.self_attn.o_proj.weight",
      ],
    },
  ]
) {
  describe(`a model of transformers, ${what}`, () => {
    let model: LanguageModel;
    let expected: Expected;
    let tensors: Map<string, Float32Array>;
    before(async () => {
      model = await referenceModel(folder);
      expected = await expectedJson(folder);
      tensors = await expectedTensors(folder);
    });
    after(() => model.dispose());

    it("has its logits, each row alone and all in one batch", () => {
      const { ids } = expected;
      const scale = Math.max(...ids.flatMap((_, i) => [...tensors.get(`logits.${i}`)!]));
      assert.ok(scale > 1, "logits too small to compare");
      let largest = 0;
      const together = batchLogits(model, ids);
      ids.forEach((row, i) => {
        const reference = tensors.get(`logits.${i}`)!;
        const [alone] = batchLogits(model, [row]);
        for (const [found, how] of [[alone, "alone"], [together[i], "in a batch"]] as const) {
          const d = assertClose(found, reference, { within: 1e-4, what: `row ${i} ${how}` });
          largest = Math.max(largest, d);
        }
      });
      parity(`${folder}: logits of up to ${scale.toFixed(1)}`, largest);
    });

    it("has its logits token by token behind a cache, in one batch and alone", () => {
      const count = expected.ids[0].length - 1; // of the shortest
      const V = model.config.vocabSize;
      const reference = (i: number) => tensors.get(`logits.${i}`)!.subarray(-count * V);
      const together = decodedLogits(model, expected.ids, count);
      const largest = expected.ids.map((row, i) => {
        const [alone] = decodedLogits(model, [row], count);
        assertClose(alone, reference(i), { within: 1e-4, what: `row ${i} alone` });
        return assertClose(together[i], reference(i), { within: 1e-4, what: `row ${i}` });
      });
      parity(`${folder}: logits of single tokens behind a cache`, Math.max(...largest));
    });

    it("has its loss and its gradients, under full fine-tuning", () => {
      const names = [...tensors.keys()].filter((name) => name.startsWith("gradient."))
        .map((name) => name.replace("gradient.", ""));
      assert.deepEqual([...names].sort(), compared);
      // All weights are watched, as a training run does; four of them are compared.
      const all = [...model.weights.keys()];
      const { loss, gradients } = lossAndGradients(
        model,
        { ids: expected.ids, from: expected.ids.map(() => 1) },
        all.map((name) => model.weights.get(name)!),
      );
      assertClose([loss], [expected.loss], { within: 1e-5, what: "loss" });
      parity(`${folder}: loss of ${expected.loss.toFixed(2)}`, Math.abs(loss - expected.loss));
      for (const name of names) {
        const gradient = gradients[all.indexOf(name)];
        const reference = tensors.get(`gradient.${name}`)!;
        assert.ok(Math.max(...reference.map(Math.abs)) > 1e-3, `${name} has no gradient`);
        const largest = assertClose(numbers(gradient), reference, { within: 1e-5, what: name });
        parity(`${folder}: gradient of ${name}`, largest);
      }
      tf.dispose(gradients);
    });

    it("continues with the same tokens, greedily, in one batch and alone", async () => {
      const { prompts, new: continued, smallest_lead_of_best_logit: lead } = expected.greedy;
      assert.ok(lead > 1e-3, "a close call decides");
      const options = { maxNewTokens: 12, stopIds: [], temperature: 0, seed: 1 };
      for (const batchRows of [8, 1]) {
        const found = await generate(model, prompts, { ...options, batchRows });
        assert.deepEqual(found.map(([answer]) => answer.ids), continued);
      }
      parity(`${folder}: tokens that differ among ${continued.flat().length} greedy ones`, 0);
    });

    it("sums log-probabilities to the loss", async () => {
      const { ids, loss } = expected;
      const sums = await sequenceLogProbs(model, ids.map((row) => ({ ids: row, from: 1 })));
      const count = ids.reduce((sum, row) => sum + row.length - 1, 0);
      assertClose([-sums.reduce((a, b) => a + b, 0) / count], [loss], { within: 1e-5 });
    });
  });
}

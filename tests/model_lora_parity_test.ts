import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { type LanguageModel, loadAdapter, LoraAdapter, trainable } from "../lib/model/mod.ts";
import { AdamW } from "../lib/tensor/mod.ts";
import {
  batchLogits,
  decodedLogits,
  expectedJson,
  expectedTensors,
  lossAndGradients,
  parity,
  referenceModel,
  referencePath,
} from "./model_reference.ts";
import { assertClose, numbers } from "./numbers.ts";

interface Expected {
  ids: number[][];
  training: {
    lr: number;
    betas: [number, number];
    eps: number;
    weight_decay: number;
    clip_norm: number;
    batches: { ids: number[][]; prompt_lengths: number[] }[];
    losses: number[];
    gradient_norms_before_clipping: number[];
  };
}

const FOLDER = "tiny-tied-lora";
/** PEFT wraps the model; its names in memory say so. */
const plain = (name: string) =>
  name.replace(/^\w+\.base_model\.model\./, "").replace(/\.default\.weight$/, ".weight");

describe("an adapter that PEFT saved", () => {
  let model: LanguageModel;
  let expected: Expected;
  let tensors: Map<string, Float32Array>;
  before(async () => {
    model = await referenceModel("tiny-tied");
    expected = await expectedJson(FOLDER);
    tensors = await expectedTensors(FOLDER);
  });
  after(() => model.dispose());

  it("has PEFT's logits when it is on, merged or not, and transformers' when it is off", async () => {
    const base = await expectedTensors("tiny-tied");
    model.adapter = await loadAdapter(referencePath(FOLDER), model.config);
    const compare = (reference: Map<string, Float32Array>) =>
      Math.max(
        ...batchLogits(model, expected.ids).map((found, i) =>
          assertClose(found, reference.get(`logits.${i}`)!, { within: 1e-4, what: `row ${i}` })
        ),
      );
    parity(`${FOLDER}: logits with the adapter on`, compare(tensors));
    const merged = expected.ids.map((ids, i) =>
      assertClose(
        decodedLogits(model, [ids], ids.length - 1)[0],
        tensors.get(`logits.${i}`)!.subarray(model.config.vocabSize),
        { within: 1e-4, what: `row ${i}` },
      )
    );
    parity(`${FOLDER}: logits with the adapter merged, decoding`, Math.max(...merged));
    await model.withoutAdapter(() => {
      parity(`${FOLDER}: logits with the adapter off`, compare(base));
      return Promise.resolve();
    });
    assert.throws(() => compare(base), /largest difference/);
    model.adapter.dispose();
    model.adapter = null;
  });

  it("trains as PEFT does: three steps of AdamW with clipping and weight decay", async () => {
    const adapter = model.adapter = await loadAdapter(referencePath(FOLDER), model.config);
    assert.ok(adapter instanceof LoraAdapter);
    const parameters = trainable(model);
    const { lr, betas: [beta1, beta2], eps, weight_decay, clip_norm, ...training } =
      expected.training;
    const optimizer = new AdamW(parameters.size, {
      beta1,
      beta2,
      eps,
      weightDecay: weight_decay,
      clipNorm: clip_norm,
    });
    training.batches.forEach(({ ids, prompt_lengths }, step) => {
      const now = parameters.tensors();
      const { loss, gradients } = lossAndGradients(model, { ids, from: prompt_lengths }, now);
      const reference = training.losses[step];
      const d = assertClose([loss], [reference], { within: 1e-4, what: "loss" });
      parity(`${FOLDER}: loss of ${reference.toFixed(2)} at step ${step + 1}`, d);
      if (step === 0) compareGradients(parameters.names, gradients);
      const { updated, norm } = optimizer.step(now, gradients, lr);
      const size = training.gradient_norms_before_clipping[step];
      assert.ok(size > clip_norm, "nothing is clipped");
      const off = assertClose(numbers(norm, { free: true }), [size], {
        within: 1e-3,
        what: "norm",
      });
      parity(`${FOLDER}: gradient norm of ${size.toFixed(2)} at step ${step + 1}`, off);
      tf.dispose(gradients);
      parameters.replace(updated);
    });
    optimizer.dispose();

    const compared = [...tensors].filter(([name]) => name.startsWith("after."));
    assert.equal(compared.length, parameters.names.length);
    let largest = 0;
    for (const [name, reference] of compared) {
      const found = numbers(adapter.parameters.get(plain(name))!);
      largest = Math.max(largest, assertClose(found, reference, { within: 1e-4, what: name }));
    }
    parity(`${FOLDER}: adapter after 3 steps of up to ${lr} each`, largest);
    adapter.dispose();
    model.adapter = null;
  });

  function compareGradients(names: readonly string[], gradients: readonly tf.Tensor[]): void {
    const compared = [...tensors].filter(([name]) => name.startsWith("gradient."));
    assert.equal(compared.length, 4); // A and B of two layers
    for (const [name, reference] of compared) {
      assert.ok(Math.max(...reference.map(Math.abs)) > 1e-2, `${name} has no gradient`);
      const found = numbers(gradients[names.indexOf(plain(name))]);
      parity(
        `${FOLDER}: gradient of ${plain(name)}`,
        assertClose(found, reference, { within: 1e-5, what: name }),
      );
    }
  }
});

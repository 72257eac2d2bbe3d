import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  type LanguageModel,
  LINEAR_MODULES,
  LORA_DEFAULTS,
  LoraAdapter,
  type LoraConfig,
  sequenceLogProbs,
  trainable,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { batchLogits, decodedLogits, lossAndGradients } from "./model_reference.ts";
import { assertClose, difference, numbers } from "./numbers.ts";
import { randoms, tinyModel } from "./tiny.ts";

const IDS = [5, 9, 30, 41, 8, 77];
const rng = Rng.named(31, "adapters");
const config = (settings: Partial<LoraConfig> = {}): LoraConfig => ({
  ...LORA_DEFAULTS,
  r: 4,
  ...settings,
});

/** An adapter that changes something: B is not zero. */
function moved(model: LanguageModel, settings: Partial<LoraConfig> = {}): LoraAdapter {
  const adapter = LoraAdapter.create(model.config, config(settings), rng);
  for (const [name, tensor] of adapter.parameters) {
    const values = randoms(tensor.size, { rng, low: -0.2, high: 0.2 });
    adapter.parameters.set(name, tf.keep(tf.tensor2d(values, tensor.shape)));
    tensor.dispose();
  }
  return adapter;
}

describe("an adapter", () => {
  let model: LanguageModel;
  beforeEach(() => {
    model = tinyModel();
  });
  afterEach(() => model.dispose());
  const logits = () => batchLogits(model, [IDS])[0];
  const weights = () => [...model.weights].map(([name, w]) => [name, w.id, numbers(w)] as const);

  it("that is fresh changes nothing, and starts as PEFT's does", () => {
    const base = logits();
    const adapter = model.adapter = LoraAdapter.create(model.config, config(), rng);
    assert.deepEqual(logits(), base);
    assert.equal(adapter.paths.length, 2 * 7);
    for (const [name, tensor] of adapter.parameters) {
      const [values, bound] = [numbers(tensor), 1 / Math.sqrt(tensor.shape[1])];
      if (name.endsWith("lora_B.weight")) assert.ok(values.every((x) => x === 0));
      else {
        assert.equal(tensor.shape[0], 4);
        assert.ok(values.every((x) => Math.abs(x) <= bound));
        // U(-a, a) has the variance a^2 / 3.
        const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
        assert.ok(Math.abs(variance / (bound ** 2 / 3) - 1) < 0.4, `${name}: ${variance}`);
      }
    }
  });

  it("is W + alpha / r B A in every layer that it adapts, and only there", () => {
    for (const targetModules of [LINEAR_MODULES, ["o_proj", "up_proj"] as const]) {
      const adapter = model.adapter = moved(model, { targetModules, alpha: 6 });
      const found = logits();
      model.adapter = null;
      const plain = tinyModel();
      for (const path of adapter.paths) {
        const [a, b] = ["A", "B"].map((m) => adapter.parameters.get(`${path}.lora_${m}.weight`)!);
        const w = plain.weights.get(`${path}.weight`)!;
        plain.weights.set(`${path}.weight`, tf.add(w, tf.mul(tf.matMul(b, a), 6 / 4)));
        w.dispose();
      }
      assertClose(found, batchLogits(plain, [IDS])[0], { within: 2e-5 });
      assert.ok(difference(found, logits()) > 0.1);
      plain.dispose();
      adapter.dispose();
    }
  });

  it("switched off leaves the model as it was, bit for bit, and comes back after an error too", async () => {
    const base = logits();
    model.adapter = moved(model);
    const on = logits();
    assert.ok(difference(on, base) > 0.1);
    await model.withoutAdapter(() => Promise.resolve(assert.deepEqual(logits(), base)));
    await assert.rejects(model.withoutAdapter(() => Promise.reject(new Error("work"))), /work/);
    assert.deepEqual(logits(), on);
  });

  it("merged for decoding is the same function, and the weights stay as they were", () => {
    const base = decodedLogits(model, [IDS], 3)[0];
    const adapter = model.adapter = moved(model);
    const before = weights();
    const found = decodedLogits(model, [IDS], 3)[0];
    assertClose(found, logits().subarray(3 * model.config.vocabSize), { within: 2e-5 });
    assert.ok(difference(found, base) > 0.1);
    assert.deepEqual(weights(), before);
    assert.equal(model.adapter, adapter);
  });

  it("folded in is the same function, without an adapter and without its tensors", () => {
    const tensors = tf.memory().numTensors;
    logits();
    const own = tf.memory().numTensors - tensors; // what the model keeps for its logits
    model.adapter = moved(model);
    const on = logits();
    model.foldAdapter();
    assert.equal(model.adapter, null);
    assertClose(logits(), on, { within: 2e-5 });
    assert.equal(tf.memory().numTensors, tensors + own);
  });

  it("alone is trained", () => {
    assert.equal(trainable(model).names.length, model.weights.size);
    const adapter = model.adapter = moved(model);
    const { names, size, tensors } = trainable(model);
    assert.deepEqual(names, [...adapter.parameters.keys()]);
    assert.equal(size, tensors().reduce((sum, t) => sum + t.size, 0));
    const { gradients } = lossAndGradients(model, { ids: [IDS], from: [1] }, tensors());
    for (const g of gradients) assert.ok(numbers(g).some((x) => x !== 0));
    tf.dispose(gradients);
  });

  it("drops out in training where a seed is given: the same seed, the same loss", async () => {
    model.adapter = moved(model, { dropout: 0.5 });
    const run = (dropoutSeed?: number) => {
      const rows = { ids: [IDS], from: [1], dropoutSeed };
      const { loss, gradients } = lossAndGradients(model, rows, trainable(model).tensors());
      tf.dispose(gradients);
      return loss;
    };
    const [sum] = await sequenceLogProbs(model, [{ ids: IDS, from: 1 }]);
    const without = -sum / (IDS.length - 1);
    assertClose([run()], [without], { within: 1e-6 });
    assert.equal(run(3), run(3));
    assert.ok(Math.abs(run(3) - without) > 1e-3);
    assert.ok(Math.abs(run(3) - run(4)) > 1e-3);
  });

  it("takes new values over and frees the old ones", () => {
    model.adapter = moved(model);
    const parameters = trainable(model);
    const [old, count] = [parameters.tensors(), tf.memory().numTensors];
    const values = old.map((t) => tf.mul(t, 2));
    parameters.replace(values);
    assert.deepEqual(parameters.tensors(), values);
    assert.ok(old.every((t) => t.isDisposed));
    assert.equal(tf.memory().numTensors, count);
  });

  it("uses the full model's new embedding once it was trained", () => {
    logits();
    const parameters = trainable(model);
    parameters.replace(parameters.tensors().map((t) => tf.mul(t, 0.5)));
    const after = logits();
    const fresh = tinyModel();
    const again = trainable(fresh);
    again.replace(again.tensors().map((t) => tf.mul(t, 0.5)));
    assert.deepEqual(after, batchLogits(fresh, [IDS])[0]);
    fresh.dispose();
  });
});

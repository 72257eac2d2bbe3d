import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { FastDecoder } from "../lib/model/fast_decoder.ts";
import { LINEAR_MODULES, type ModelConfig } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { batchLogits, decodedLogits } from "./model_reference.ts";
import { assertClose, difference } from "./numbers.ts";
import { tinyModel } from "./tiny.ts";

const rng = Rng.named(41, "decoding");
const sequence = (n: number) => Array.from({ length: n }, () => 4 + rng.int(90));
/** Prompts of 1, 9 and 4 tokens and 40 behind each: more than the cache grows by at a time. */
const COUNT = 40;
const ids = [1, 9, 4].map((prompt) => sequence(prompt + COUNT));

const MODELS: Record<string, Partial<ModelConfig>> = {
  "grouped queries": {},
  "one key head for all": { kvHeads: 1 },
  "a key head each": { kvHeads: 4 },
  "biases and an untied output layer": {
    biases: LINEAR_MODULES,
    tieEmbeddings: false,
  },
  "biases on q, k and v": { biases: ["q_proj", "k_proj", "v_proj"] },
  "a bias on one of joined layers": { biases: ["k_proj", "up_proj"] },
  "heads wider than their share": { headDim: 16 },
  "stretched positions": { ropeScaling: { type: "linear", factor: 4 } },
};

describe("decoding one token at a time", () => {
  for (const [name, config] of Object.entries(MODELS)) {
    it(`has the logits of the whole sequence, alone and among others: ${name}`, () => {
      const model = tinyModel(config);
      const V = model.config.vocabSize;
      const whole = ids.map((row) => batchLogits(model, [row])[0].subarray(-COUNT * V));
      const together = decodedLogits(model, ids, COUNT);
      ids.forEach((row, b) => {
        assertClose(together[b], whole[b], { within: 1e-4, what: `row ${b}` });
        const alone = decodedLogits(model, [row], COUNT)[0];
        assertClose(alone, whole[b], { within: 1e-4, what: `row ${b} alone` });
      });
      assert.ok(difference(together[0], together[1]) > 0.5);
      model.dispose();
    });
  }

  it("takes its own copies, and frees them", () => {
    const model = tinyModel({ biases: ["q_proj", "k_proj", "v_proj"] });
    const before = tf.memory().numTensors;
    const decoder = new FastDecoder(model);
    assert.equal(tf.memory().numTensors, before + model.config.layers * (4 + 1)); // the join of q, k and v has a bias
    decoder.dispose();
    assert.equal(tf.memory().numTensors, before);
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { generate, type GenerateOptions, type LanguageModel } from "../lib/model/mod.ts";
import { FastDecoder } from "../lib/model/fast_decoder.ts";
import { Rng } from "../lib/base/random.ts";
import { startEngine, useCompiledSteps } from "../lib/tensor/mod.ts";
import { functionRuns } from "./function_runs.ts";
import { tinyModel } from "./tiny.ts";
import { tinyWithAdapter } from "./tiny_method.ts";

const { backend } = await startEngine();
const suite = backend === "tensorflow" ? describe : describe.skip;
const rng = Rng.named(31, "prompts");
const prompts = [9, 2, 5, 1, 14, 3].map((n) => Array.from({ length: n }, () => 4 + rng.int(90)));
const OPTIONS: GenerateOptions = {
  maxNewTokens: 60,
  stopIds: [7, 11],
  seed: 3,
  topP: 1,
  samples: 2,
};

/** Sampling, with every hidden state that it decoded. */
async function sampled(
  model: LanguageModel,
  { compiled, ...options }: Partial<GenerateOptions> & { compiled: boolean },
) {
  const kept: tf.Tensor[] = [];
  const { hidden } = FastDecoder.prototype;
  FastDecoder.prototype.hidden = function (tokens, options) {
    const found = hidden.call(this, tokens, options);
    kept.push(tf.keep(tf.clone(found)));
    return found;
  };
  useCompiledSteps(compiled);
  try {
    const answers = await generate(model, prompts, { ...OPTIONS, ...options });
    return { answers, states: kept.map((state) => [...state.dataSync()]) };
  } finally {
    useCompiledSteps(true);
    FastDecoder.prototype.hidden = hidden;
    tf.dispose(kept);
  }
}

suite("compiled sampling", () => {
  for (
    const [what, make, options] of [
      ["rows that finish, padding, a cache that grows", tinyModel, {}],
      ["an adapter, few rows a batch", () => tinyWithAdapter({ moved: true }), { batchRows: 4 }],
      ["a temperature and top-p", tinyModel, { temperature: 0.7, topP: 0.9 }],
      ["greedy, one row after another", tinyModel, { temperature: 0, batchRows: 1, samples: 1 }],
    ] as [string, () => LanguageModel, Partial<GenerateOptions>][]
  ) {
    it(`gives the bits of eager sampling: ${what}`, async () => {
      const model = make();
      const eager = await sampled(model, { compiled: false, ...options });
      const lengths = new Set(eager.answers.flat().map(({ ids }) => ids.length));
      assert.ok(options.temperature === 0 || lengths.size > 3, "rows finish at different steps");
      let compiled = eager;
      const runs = await functionRuns(async () =>
        compiled = await sampled(model, { compiled: true, ...options })
      );
      assert.deepEqual(compiled, eager);
      const steps = eager.states.length;
      assert.ok(runs > 0.8 * steps, `${runs} runs of a function in ${steps} steps`);
      model.dispose();
    });
  }

  it("gives a step's own error in its midst, leaves no tensors, and samples on as before", async () => {
    const model = tinyModel();
    const sample = () => generate(model, prompts, { ...OPTIONS, maxNewTokens: 12 });
    const before = await sample();
    await sample();
    const tensors = tf.memory().numTensors;
    const { hidden } = FastDecoder.prototype;
    let steps = 0;
    FastDecoder.prototype.hidden = function (tokens, options) {
      const found = hidden.call(this, tokens, options);
      if (++steps === 5) throw new Error("in the midst");
      return found;
    };
    try {
      await assert.rejects(sample(), /^Error: in the midst$/);
    } finally {
      FastDecoder.prototype.hidden = hidden;
    }
    assert.equal(tf.memory().numTensors, tensors);
    assert.deepEqual(await sample(), before);
    model.dispose();
  });

  it("leaves no tensors over 200 tokens, and one function serves all lengths and numbers of rows", async () => {
    const model = tinyModel();
    const { binding } = tf.backend() as unknown as {
      binding: { getNumOfTensors(): number; addFunction(bytes: Uint8Array): void };
    };
    const count = () => [tf.memory().numTensors, binding.getNumOfTensors()];
    const sample = () => generate(model, prompts, { ...OPTIONS, maxNewTokens: 100 });
    await sample();
    const before = count();
    const { addFunction } = binding;
    let added = 0;
    binding.addFunction = (bytes) => {
      added++;
      addFunction(bytes);
    };
    try {
      await sample();
      await sample();
    } finally {
      binding.addFunction = addFunction;
    }
    assert.deepEqual(count(), before);
    assert.equal(added, 0);
    model.dispose();
  });
});

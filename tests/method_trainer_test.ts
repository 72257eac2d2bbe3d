import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { type Example, supervisedBatches } from "../lib/method/mod.ts";
import { trainable } from "../lib/model/mod.ts";
import { ADAMW_DEFAULTS, MUON_DEFAULTS } from "../lib/tensor/mod.ts";
import { refuses } from "./refusals.ts";
import { folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import {
  type TestTraining,
  timelessLog,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
  values,
} from "./tiny_method.ts";

const examples = tinyExamples(4);
/** The same examples at every step. */
const always = (some: Example[]): TestTraining["prepare"] => () =>
  Promise.resolve({
    parts: supervisedBatches(some, {
      weighting: { mode: "token" },
      batching: "bucketed",
      microBatchTokens: 200,
    }),
  });
const [prepare, few] = [always(examples), always(tinyExamples(2))];

describe("training", () => {
  for (
    const [what, make, optimizer] of [
      ["an adapter", tinyWithAdapter, { kind: "adamw", ...ADAMW_DEFAULTS }],
      ["all weights", tinyModel, { kind: "adamw", ...ADAMW_DEFAULTS }],
      ["all weights under Muon", tinyModel, { kind: "muon", ...MUON_DEFAULTS }],
    ] as const
  ) {
    it(`overfits one batch with ${what}: the loss falls from over 3 to under 0.1`, async () => {
      const model = make();
      const logs = await trainLogged({ model, steps: 60, rate: 0.02, prepare: few, optimizer });
      assert.ok(logs[0].loss > 3, `${logs[0].loss}`);
      assert.ok(logs.at(-1)!.loss < 0.1, `${logs.at(-1)!.loss}`);
      model.dispose();
    });
  }

  it("changes the adapter alone, where there is one", async () => {
    const model = tinyWithAdapter();
    const weights = async () =>
      (await Promise.all([...model.weights.values()].map((w) => w.data()))).map((v) => [...v]);
    const [before, adapter] = [await weights(), await values(model)];
    await trainLogged({ model, steps: 2, prepare });
    assert.deepEqual(await weights(), before);
    assert.notDeepEqual(await values(model), adapter);
    model.dispose();
  });

  it("leaves no tensor behind, whatever the number of steps", async () => {
    for (const make of [() => tinyWithAdapter({ dropout: 0.1 }), tinyModel]) {
      const before = tf.memory().numTensors;
      const model = make();
      await trainLogged({ model, steps: 1, prepare }); // the model keeps a tensor from its first use on
      const held = tf.memory().numTensors;
      const during: number[] = [];
      await trainLogged({
        model,
        steps: 4,
        prepare,
        onStep: () => void during.push(tf.memory().numTensors),
      });
      assert.equal(new Set(during).size, 1, `${during}`);
      assert.equal(tf.memory().numTensors, held);
      model.dispose();
      assert.equal(tf.memory().numTensors, before);
    }
  });

  it("is the same run again from the same seed, and another from another", async () => {
    const run = async (seed: number) => {
      const model = tinyWithAdapter({ dropout: 0.2 });
      const logs = (await trainLogged({ model, steps: 3, prepare, seed })).map(timelessLog);
      const end = await values(model);
      model.dispose();
      return { logs, end };
    };
    const [first, again, other] = [await run(5), await run(5), await run(6)];
    assert.deepEqual(again, first);
    assert.notDeepEqual(other.end, first.end);
  });

  it("drops out anew at every step, and not at all at rate 0", async () => {
    const losses = async (dropout: number) => {
      const model = tinyWithAdapter({ dropout, moved: true });
      const logs = await trainLogged({ model, steps: 3, prepare, rate: 0 });
      model.dispose();
      return new Set(logs.map((log) => log.loss)).size;
    };
    assert.equal(await losses(0.3), 3);
    assert.equal(await losses(0), 1);
  });

  it("takes a step without parts for nothing to learn: nothing moves, the gradient is 0", async () => {
    const model = tinyWithAdapter({ moved: true });
    const before = await values(model);
    const logs = await trainLogged({
      model,
      steps: 2,
      prepare: () => Promise.resolve({ parts: [], metrics: { pairs: 0 } }),
    });
    assert.deepEqual(await values(model), before);
    assert.deepEqual(logs.map(({ gradientNorm, tokens, pairs }) => [gradientNorm, tokens, pairs]), [
      [0, 0, 0],
      [0, 0, 0],
    ]);
    model.dispose();
  });

  it("ends with the step named where the weights run away, before a checkpoint holds them", async () => {
    const model = tinyWithAdapter();
    const checkpoint = { path: `${folder.path}/spoilt.safetensors`, config: "{}", every: 4 };
    await refuses(
      trainLogged({ model, steps: 4, prepare, rate: 1e30, checkpoint }),
      /^step [23]: the norm of the gradient is NaN\n {2}-> lower the learning rate/,
    );
    await assert.rejects(Deno.stat(checkpoint.path), Deno.errors.NotFound);
    model.dispose();
  });

  it("ends where the loss is infinite, though its gradient is not", async () => {
    const model = tinyWithAdapter();
    const infinite: TestTraining["prepare"] = async (step) => {
      const { parts } = await prepare(step);
      return {
        parts: parts.map((part) => ({
          ...part,
          objective: {
            ...part.objective,
            output: part.objective.output.bind(part.objective),
            gradient: (output: tf.Tensor) => {
              const { metrics, ...rest } = part.objective.gradient(output);
              metrics.loss.dispose();
              return { ...rest, metrics: { ...metrics, loss: tf.scalar(Infinity) } };
            },
          },
        })),
      };
    };
    await refuses(
      trainLogged({ model, steps: 1, prepare: infinite }),
      /^step 1: the loss is Infinity\n {2}-> check the model's weights/,
    );
    model.dispose();
  });

  it("logs steps from 1, the rate of each, and tokens without filling", async () => {
    const model = tinyWithAdapter();
    const logs = await trainLogged({
      model,
      steps: 4,
      prepare,
      schedule: { learningRate: 0.1, shape: "constant", warmup: 0.5 },
    });
    assert.deepEqual(logs.map((log) => log.step), [1, 2, 3, 4]);
    assert.deepEqual(logs.map((log) => log.learningRate), [0, 0.05, 0.1, 0.1]);
    const tokens = examples.reduce((sum, e) => sum + e.ids.length, 0);
    assert.ok(logs.every((log) => log.tokens === tokens));
    model.dispose();
  });

  it("moves exactly once for all parts of a batch", async () => {
    const ends: number[][] = [];
    for (const microBatchTokens of [150, 1e6]) {
      const model = tinyWithAdapter();
      await trainLogged({
        model,
        steps: 1,
        prepare: () =>
          Promise.resolve({
            parts: supervisedBatches(examples, {
              weighting: { mode: "token" },
              batching: "bucketed",
              microBatchTokens,
            }),
          }),
        // Plain Adam makes a full step of a gradient of 1e-12; eps keeps rounding out of the comparison.
        optimizer: {
          kind: "adamw",
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-2,
          weightDecay: 0,
          clipNorm: 1,
        },
      });
      ends.push(await values(model));
      assert.equal(trainable(model).size, ends[0].length);
      model.dispose();
    }
    const largest = Math.max(...ends[0].map((v, i) => Math.abs(v - ends[1][i])));
    assert.ok(largest < 1e-5, `${largest}`);
  });
});

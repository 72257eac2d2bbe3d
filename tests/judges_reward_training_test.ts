import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { addScoreHead, rewardBatches, rewardExamples } from "../lib/judges/mod.ts";
import { gradientsOf } from "../lib/method/mod.ts";
import { loadRewardModel, pointwiseJudge, rewardGrade } from "../lib/judges/mod.ts";
import { saveModel, trainable } from "../lib/model/mod.ts";
import { tinyModel, tinyPairs } from "./tiny.ts";
import { tinyEncoder, trainLogged } from "./tiny_method.ts";

const pairs = tinyPairs(8, 1);

describe("a reward model", () => {
  it("starts at ln 2, where every answer scores 0", async () => {
    const model = tinyModel();
    addScoreHead(model);
    const parts = rewardBatches(rewardExamples(pairs, tinyEncoder()), { microBatchTokens: 4096 });
    const [log] = await trainLogged({
      model,
      steps: 1,
      rate: 0,
      prepare: () => Promise.resolve({ parts }),
    });
    assert.ok(Math.abs(log.loss - Math.LN2) < 1e-6, `${log.loss}`);
    model.dispose();
  });

  it("has the gradient that finite differences give", () => {
    const model = tinyModel();
    addScoreHead(model);
    const head = model.weights.get("score.weight")!;
    const values = Float32Array.from(head.dataSync(), (_, i) => Math.sin(i));
    model.weights.set("score.weight", tf.keep(tf.tensor(values, head.shape)));
    head.dispose();
    const lossAt = (shift: number) => {
      const moved = values.slice();
      moved[3] += shift;
      model.weights.get("score.weight")!.dispose();
      model.weights.set("score.weight", tf.keep(tf.tensor(moved, [1, moved.length])));
      const [part] = rewardBatches(rewardExamples(pairs, tinyEncoder()), {
        microBatchTokens: 1e6,
      });
      const parameters = trainable(model);
      const { gradients, metrics } = gradientsOf(part, { model, parameters });
      const gradient = gradients[parameters.names.indexOf("score.weight")].dataSync()[3];
      const loss = metrics.loss.dataSync()[0];
      [...gradients, ...Object.values(metrics)].forEach((tensor) => tensor.dispose());
      return { loss, gradient };
    };
    const step = 1e-2;
    const numeric = (lossAt(step).loss - lossAt(-step).loss) / (2 * step);
    const { gradient } = lossAt(0);
    assert.ok(Math.abs(numeric - gradient) < 1e-3 * Math.max(1, Math.abs(gradient)));
    assert.ok(Math.abs(gradient) > 1e-4, `${gradient} tells nothing`);
    model.dispose();
  });

  it("learns an order, is saved, and judges by it when loaded, alike in both positions", async () => {
    const model = tinyModel();
    addScoreHead(model);
    const tensors: number[] = [];
    const logs = await trainLogged({
      model,
      steps: 40,
      rate: 3e-3,
      prepare: () =>
        Promise.resolve({
          parts: rewardBatches(rewardExamples(pairs, tinyEncoder()), { microBatchTokens: 200 }),
        }),
      onStep: () => void tensors.push(tf.memory().numTensors),
    });
    assert.ok(logs.at(-1)!.loss < 0.1, `${logs.at(-1)!.loss}`);
    assert.equal(logs.at(-1)!.accuracy, 1);
    assert.equal(tensors.at(-1), tensors[1], "a step leaves nothing behind");
    const folder = await Deno.makeTempDir();
    await saveModel(model, folder);
    model.dispose();

    const loaded = await loadRewardModel(folder);
    const { compare } = pointwiseJudge("reward", rewardGrade(loaded, tinyEncoder()));
    const judgments = await compare(pairs.flatMap(({ prompt, chosen, rejected }) => [
      { prompt, first: chosen, second: rejected },
      { prompt, first: rejected, second: chosen },
    ]));
    judgments.forEach(({ winner, consistent }, i) => {
      assert.equal(winner, i % 2 === 0 ? "first" : "second");
      assert.ok(consistent);
    });
    loaded.dispose();
    await Deno.remove(folder, { recursive: true });
  });
});

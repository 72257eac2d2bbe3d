import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  addScoreHead,
  type DialogueEncoder,
  implicitGrade,
  loadRewardModel,
  pointwiseJudge,
  rewardBatches,
  rewardExamples,
  rewardGrade,
} from "../lib/judges/mod.ts";
import { gradientsOf } from "../lib/method/mod.ts";
import { LoraAdapter, saveModel, sequenceLogProbs, trainable } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { user } from "./judge_fakes.ts";
import { expectedJson, parity, referencePath } from "./model_reference.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { randoms, tinyModel, tinyPairs } from "./tiny.ts";
import { tinyEncoder, trainLogged } from "./tiny_method.ts";

/** Answers are written as lists of token ids; nothing is put round them. */
const ENCODER: DialogueEncoder = {
  tokenizer: { encode: (text) => JSON.parse(text) },
  chat: { render: (turns) => turns.at(-1)!.content },
  maxTokens: 128,
};
const answers = (rows: number[][]) =>
  rows.map((ids) => ({ prompt: [user("Hi")], answer: JSON.stringify(ids) }));

describe("rewardGrade", () => {
  it("gives the rewards of transformers' LlamaForSequenceClassification", async () => {
    const { ids, rewards } = await expectedJson<{ ids: number[][]; rewards: number[] }>(
      "tiny-reward",
    );
    const reward = await loadRewardModel(referencePath("tiny-reward"));
    try {
      const found = await rewardGrade(reward, ENCODER)(answers(ids));
      const largest = Math.max(...found.map((value, i) => Math.abs(value - rewards[i])));
      parity("tiny-reward: rewards", largest);
      assert.ok(largest < 1e-4, `${found} is not ${rewards}`);
      const [alone] = await rewardGrade(reward, ENCODER, { batchTokens: 1 })(answers([ids[3]]));
      assert.ok(Math.abs(alone - rewards[3]) < 1e-4);
      const short = { ...ENCODER, maxTokens: 4 };
      const [cut] = await rewardGrade(reward, short)(answers([ids[1]]));
      const [tail] = await rewardGrade(reward, ENCODER)(answers([ids[1].slice(-4)]));
      assert.equal(cut, tail); // a long dialogue loses its start
    } finally {
      reward.dispose();
    }
  });

  it("refuses a checkpoint that has no head", async () => {
    await refuses(
      () => loadRewardModel(referencePath("tiny-tied")),
      /tiny-tied has no "score\.weight": it is no reward model/,
    );
  });
});

describe("implicitGrade", () => {
  it("is beta times the log-ratio of the model with its adapter and without", async () => {
    const model = tinyModel();
    try {
      const rows = [[5, 6, 7, 8], [5, 6, 9]];
      const encode = ({ answer }: { answer: string }) => ({ ids: JSON.parse(answer), from: 2 });
      const without = await sequenceLogProbs(model, rows.map((ids) => ({ ids, from: 2 })));
      model.adapter = LoraAdapter.create(
        model.config,
        { r: 2, alpha: 4, dropout: 0, targetModules: ["q_proj"] },
        Rng.named(1, "adapter"),
      );
      const fresh = await implicitGrade(model, encode, { beta: 0.1 })(answers(rows));
      assert.ok(
        fresh.every((reward) => Math.abs(reward) < 1e-6),
        "an untrained adapter rewards nothing",
      );
      for (const [name, tensor] of model.adapter.parameters) {
        const values = randoms(tensor.size, { rng: Rng.named(2, name) });
        tensor.dispose();
        model.adapter.parameters.set(name, tf.keep(tf.tensor2d(values, tensor.shape)));
      }
      const trained = await sequenceLogProbs(model, rows.map((ids) => ({ ids, from: 2 })));
      const found = await implicitGrade(model, encode, { beta: 0.1 })(answers(rows));
      found.forEach((reward, i) => {
        assert.ok(Math.abs(reward - 0.1 * (trained[i] - without[i])) < 1e-5);
        assert.ok(Math.abs(reward) > 1e-3, "this adapter changes something");
      });
    } finally {
      model.dispose();
    }
  });
});

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
    const folder = await newFolder();
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
  });
});

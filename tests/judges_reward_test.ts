import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  type DialogueEncoder,
  implicitGrade,
  loadRewardModel,
  rewardGrade,
} from "../lib/judges/reward_model.ts";
import { LoraAdapter, sequenceLogProbs } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { user } from "./judge_fakes.ts";
import { expectedJson, parity, referencePath } from "./model_reference.ts";
import { refuses } from "./preference_files.ts";
import { randoms, tinyModel } from "./tiny.ts";

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

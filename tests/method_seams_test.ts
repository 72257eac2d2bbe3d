import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { byScore, longerWins } from "../lib/measure/mod.ts";
import {
  type Compare,
  fromDataset,
  labelledPairs,
  learnedTokens,
  type Method,
  METHODS,
} from "../lib/method/mod.ts";
import { sequenceLogProbs } from "../lib/model/mod.ts";
import { config, firstStep, pairs, stepper } from "./tiny_loop.ts";
import { sumOfParts, tinyEncoder, tinyWithAdapter } from "./tiny_method.ts";

describe("the seams of a method", () => {
  const relabelled: Method = METHODS["relabelled-dpo"];
  const sure: Compare = async (comparisons) =>
    (await longerWins(comparisons)).map((judgment) => ({
      ...judgment,
      pFirst: judgment.winner === "first" ? 0.8 : 0.2,
    }));
  const losses = async (method: Method, compare: Compare) => {
    const model = tinyWithAdapter({ moved: true });
    const { step } = stepper(model, { method, compare });
    const { metrics } = await sumOfParts(model, [...(await step(0)).parts]);
    model.dispose();
    return metrics;
  };

  it("take the judge's probability for a label, and half a tie, where a method says so", async () => {
    const hard = await losses(relabelled, sure);
    const soft = await losses({ ...relabelled, labels: "soft" }, sure);
    // -log s(x) = log(1 + e^-x) and log(1 + e^x) - log(1 + e^-x) = x: a label p adds (1 - p) x to the loss.
    assert.ok(Math.abs(soft.loss - hard.loss - 0.2 * hard.rewardMargin) < 1e-5);
    const tie = byScore(() => 0);
    assert.equal((await losses(relabelled, tie)).loss, undefined);
    const half = await losses({ ...relabelled, ties: "half" }, tie);
    assert.ok(half.loss >= Math.LN2 - 1e-6);
  });

  it("give the loss its own numbers", async () => {
    const [run, own] = [relabelled, { ...relabelled, parameters: { beta: 1 } }];
    const [weak, strong] = [await losses(run, sure), await losses(own, sure)];
    assert.ok(weak.rewardMargin !== 0);
    assert.ok(Math.abs(strong.rewardMargin / weak.rewardMargin - 1 / config.beta) < 1e-3);
  });

  it("leave the reference unasked where the loss has none, and tell rewards as TRL does", async () => {
    const model = tinyWithAdapter({ moved: true });
    for (const name of ["simpo", "orpo", "slic"] as const) {
      const method: Method = { ...METHODS["offline-dpo"], loss: name };
      let expected = 0;
      const found = await firstStep(model, {
        ...method,
        own: async (tools) => {
          const formed = await labelledPairs(fromDataset(tools.prompts(), tools.encoder), tools);
          const examples = formed.map(({ chosen }) => chosen.example);
          const sums = await sequenceLogProbs(model, examples);
          const rewards = sums.map((sum, i) =>
            config.beta * (name === "slic" ? sum : sum / learnedTokens(examples[i]))
          );
          expected = rewards.reduce((sum, one) => sum + one, 0) / rewards.length;
          return { parts: await tools.learn(formed), pairs: formed };
        },
      });
      assert.equal(found.counts.scoredStart, undefined, name);
      assert.ok(Math.abs(found.metrics.rewardChosen - expected) < 1e-4, name);
    }
    const { counts } = await firstStep(model, METHODS["offline-dpo"]);
    assert.equal(counts.scoredStart, 2 * config.batchSize);
    model.dispose();
  });

  it("refuse the data set's labels for sampled answers", async () => {
    await assert.rejects(
      losses({ ...METHODS["self-judge"], ranker: "labels" }, sure),
      /cannot rank answers sampled from the policy/,
    );
  });

  it("ask one prompt and learn from another", async () => {
    const model = tinyWithAdapter();
    const polite = { role: "system", content: "Be polite." } as const;
    const asked: Method = {
      ...METHODS["self-judge"],
      prompts: { asked: (prompt) => [polite, ...prompt] },
    };
    const both: Method = {
      ...asked,
      prompts: { ...asked.prompts, learned: (prompt) => prompt },
    };
    const starts = async (method: Method) => {
      const { step } = stepper(model, { method, compare: sure });
      const { parts } = await step(0);
      const found = parts.flatMap(({ batch }) =>
        Array.from(
          { length: batch.size },
          (_, row) => [...batch.ids.subarray(row * batch.length, (row + 1) * batch.length)].join(),
        )
      );
      parts.forEach(({ batch }) => batch.mask?.dispose());
      return found;
    };
    const { tokenizer, chat } = tinyEncoder();
    const rendered = pairs.map(({ prompt }) =>
      tokenizer.encode(chat.render(prompt, { addGenerationPrompt: true })).join()
    );
    const fromPrompt = (row: string) => rendered.some((prompt) => row.startsWith(prompt));
    assert.ok((await starts(asked)).every((row) => !fromPrompt(row)));
    assert.ok((await starts(both)).every(fromPrompt));
    model.dispose();
  });
});

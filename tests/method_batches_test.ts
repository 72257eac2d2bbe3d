import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  type Example,
  type Layout,
  preferenceBatches,
  type ScoredPair,
  supervisedBatches,
  type TokenObjective,
  tokenWeights,
} from "../lib/method/mod.ts";
import { type LanguageModel, loadAdapter } from "../lib/model/mod.ts";
import { referenceModel, referencePath } from "./model_reference.ts";
import { readLosses } from "./reference/losses.ts";
import {
  distance,
  sumOfParts,
  tinyExamples,
  tinyWithAdapter,
  underReference,
} from "./tiny_method.ts";

const fixture = await readLosses();
const example = (kind: Example["kind"], length: number, from: number): Example => ({
  kind,
  ids: Array.from({ length }, (_, i) => 5 + i),
  from,
});

describe("weights of target tokens", () => {
  const batch = [example("answer", 9, 4), example("answer", 4, 3), example("judgment", 8, 7)];
  const five = (weight: number) => Array(5).fill(weight);
  const total = (weights: number[][]) => weights.flat().reduce((sum, w) => sum + w, 0);

  it("are all alike in token mode", () => {
    assert.deepEqual(tokenWeights(batch, { mode: "token" }), [five(1 / 7), [1 / 7], [1 / 7]]);
  });

  it("give each kind its share and each example of a kind the same in example mode", () => {
    const weights = tokenWeights(batch, { mode: "example", judgeWeight: 0.25 });
    // Answers: 0.75 over two examples, of five tokens and of one. The judgment: 0.25 on its one token.
    assert.ok(distance(weights.flat(), [...five(0.75 / 2 / 5), 0.75 / 2, 0.25]) < 1e-15);
    assert.deepEqual(weights.map((w) => w.length), [5, 1, 1]);
  });

  it("give one kind everything where the other is absent", () => {
    const weighting = { mode: "example", judgeWeight: 0.25 } as const;
    assert.deepEqual(tokenWeights(batch.slice(0, 2), weighting), [five(1 / 2 / 5), [1 / 2]]);
    assert.deepEqual(tokenWeights(batch.slice(2), weighting), [[1]]);
  });

  it("keep a decision's share from its rationale where asked", () => {
    const some = [...batch, example("judgment", 8, 4)];
    const weights = tokenWeights(some, { mode: "example", judgeWeight: 0.6, decisionWeight: 0.7 });
    // Two judgments of 0.3: one token has all of it, the other's decision 0.7 and three reasons the rest.
    const expected = [...five(0.4 / 2 / 5), 0.2, 0.3, 0.21, 0.03, 0.03, 0.03];
    assert.ok(distance(weights.flat(), expected) < 1e-15);
  });

  it("sum to 1 over a batch", () => {
    assert.ok(Math.abs(total(tokenWeights(batch, { mode: "token" })) - 1) < 1e-15);
    for (const judgeWeight of [0, 0.3, 1]) {
      assert.ok(Math.abs(total(tokenWeights(batch, { mode: "example", judgeWeight })) - 1) < 1e-15);
    }
  });
});

describe("a supervised batch", () => {
  const examples = tinyExamples(6);
  const weighting = { mode: "example", judgeWeight: 0.4 } as const;
  let model: LanguageModel;
  let whole: Awaited<ReturnType<typeof sumOfParts>>;

  const split = async (layout: Layout) => {
    const parts = supervisedBatches(examples, { weighting, ...layout });
    return { parts, ...await sumOfParts(model, parts) };
  };

  before(async () => {
    model = tinyWithAdapter({ moved: true });
    whole = await split({ batching: "bucketed", microBatchTokens: 1e6 });
  });
  after(() => model.dispose());

  it("has transformers' token mean as its loss, and the mean over examples where asked", async () => {
    const { ids, prompt_lengths, ...means } = fixture.fine_tuning;
    const rows = ids.map((row, i): Example => ({
      kind: "answer",
      ids: row,
      from: prompt_lengths[i],
    }));
    const tied = await referenceModel("tiny-tied");
    const loss = async (mode: "token" | "example") => {
      const parts = supervisedBatches(rows, {
        weighting: { mode, judgeWeight: 0.5 },
        batching: "packed",
        microBatchTokens: 1e6,
      });
      return (await sumOfParts(tied, parts)).metrics.loss;
    };
    assert.ok(Math.abs(await loss("token") - means.token_mean) < 1e-4);
    assert.ok(Math.abs(await loss("example") - means.example_mean) < 1e-4);
    tied.dispose();
  });

  it("logs the log-probability of answers and judgments apart", () => {
    const { loss, answerLogProb, judgmentLogProb } = whole.metrics;
    const weights = tokenWeights(examples, weighting);
    const [judgment] = weights[examples.findIndex((e) => e.kind === "judgment")];
    assert.ok(answerLogProb < 0 && judgmentLogProb < 0);
    assert.ok(-judgment * judgmentLogProb < loss); // the rest is the answers'
    assert.ok(Math.abs(judgment * 12 - 0.4) < 1e-12);
  });

  it("has the same loss and gradient in parts as in one", async () => {
    for (const microBatchTokens of [90, 250, 600]) {
      const found = await split({ batching: "bucketed", microBatchTokens });
      assert.ok(found.parts.length > 1);
      assert.ok(distance(Object.values(found.metrics), Object.values(whole.metrics)) < 1e-3);
      assert.ok(Math.abs(found.metrics.loss - whole.metrics.loss) < 1e-4);
      assert.ok(distance(found.gradient, whole.gradient) < 1e-4, `${microBatchTokens}`);
    }
    assert.ok(Math.max(...whole.gradient.map(Math.abs)) > 0.01);
  });

  it("has the same loss and gradient packed as bucketed", async () => {
    for (const microBatchTokens of [250, 1e6]) {
      const found = await split({ batching: "packed", microBatchTokens });
      const rows = found.parts.reduce((sum, { batch }) => sum + batch.size, 0);
      assert.ok(rows < examples.length, "nothing was packed");
      assert.ok(Math.abs(found.metrics.loss - whole.metrics.loss) < 1e-4);
      assert.ok(distance(found.gradient, whole.gradient) < 1e-4);
    }
  });

  it("counts its tokens without the filling, however it is laid out", async () => {
    const tokens = examples.reduce((sum, e) => sum + e.ids.length, 0);
    for (const batching of ["bucketed", "packed"] as const) {
      const { parts } = await split({ batching, microBatchTokens: 300 });
      assert.equal(parts.reduce((sum, part) => sum + part.tokens, 0), tokens);
    }
  });
});

describe("a preference batch", () => {
  const answers = tinyExamples(12).filter((e) => e.kind === "answer");
  const pairs = Array.from({ length: 6 }, (_, i) => ({
    chosen: answers[2 * i],
    rejected: answers[2 * i + 1],
  }));
  let model: LanguageModel;
  let scored: ScoredPair[];

  before(async () => {
    model = tinyWithAdapter({ moved: true });
    scored = await underReference(model, pairs);
  });
  after(() => model.dispose());

  it("has the same loss, gradient and numbers in parts as in one", async () => {
    for (const loss of ["sigmoid", "hinge", "ipo"] as const) {
      const split = async (microBatchTokens: number) => {
        const parts = preferenceBatches(scored, {
          loss,
          parameters: { beta: 0.1 },
          microBatchTokens,
        });
        return { count: parts.length, ...await sumOfParts(model, parts) };
      };
      const [whole, parts] = [await split(1e6), await split(120)];
      assert.equal(whole.count, 1);
      assert.ok(parts.count > 1);
      for (const [name, value] of Object.entries(whole.metrics)) {
        const allowed = 1e-5 * Math.max(1, Math.abs(value));
        assert.ok(Math.abs(parts.metrics[name] - value) < allowed, `${loss} ${name}`);
      }
      const largest = Math.max(...whole.gradient.map(Math.abs)); // IPO's is in the hundreds
      assert.ok(distance(parts.gradient, whole.gradient) < 1e-5 * Math.max(1, largest), loss);
    }
  });

  it("hands the model the slope of its loss in every log-probability", () => {
    for (const loss of ["sigmoid", "hinge", "ipo"] as const) {
      const [part] = preferenceBatches(scored, {
        loss,
        parameters: { beta: 0.1 },
        microBatchTokens: 1e6,
      });
      const { at } = part.objective as TokenObjective;
      const given = at.map((_, i) => -1 - 0.37 * (i % 7));
      const found = (change: number, index: number) => {
        const logProbs = tf.tensor1d(given.map((v, i) => v + (i === index ? change : 0)));
        const { outputGradient, metrics } = part.objective.gradient(logProbs);
        return { loss: metrics.loss.dataSync()[0], gradient: outputGradient.dataSync() };
      };
      for (const i of [0, 3, at.length - 1]) {
        const slope = found(0.5, i).loss - found(-0.5, i).loss;
        const gradient = found(0, i).gradient[i];
        assert.ok(
          Math.abs(slope - gradient) < 0.01 * Math.max(0.1, Math.abs(slope)),
          `${loss} ${i}`,
        );
      }
    }
  });

  it("has TRL's losses and log-probabilities for a real model with an adapter", async () => {
    const { examples, "sigmoid_beta_0.1_of_the_batch": mean } = fixture.real_pairs;
    const tied = await referenceModel("tiny-tied");
    tied.adapter = await loadAdapter(referencePath("tiny-tied-lora"), tied.config);
    const asExample = (prompt: number[], answer: number[]): Example => ({
      kind: "answer",
      ids: [...prompt, ...answer],
      from: prompt.length,
    });
    const rows = await underReference(
      tied,
      examples.map((e) => ({
        chosen: asExample(e.prompt_ids, e.chosen_ids),
        rejected: asExample(e.prompt_ids, e.rejected_ids),
      })),
    );
    const metricsOf = async (some: ScoredPair[], loss: "sigmoid" | "hinge") =>
      (await sumOfParts(
        tied,
        preferenceBatches(some, { loss, parameters: { beta: 0.1 }, microBatchTokens: 64 }),
      ))
        .metrics;
    for (const [i, wanted] of examples.entries()) {
      const { loss, logProbChosen, logProbRejected } = await metricsOf([rows[i]], "sigmoid");
      const found = [
        rows[i].referenceChosen,
        rows[i].referenceRejected,
        logProbChosen,
        logProbRejected,
      ];
      assert.ok(
        distance(found, [
          wanted.reference_chosen,
          wanted.reference_rejected,
          wanted.policy_chosen,
          wanted.policy_rejected,
        ]) < 5e-4,
      );
      assert.ok(Math.abs(loss - wanted["losses_beta_0.1"].sigmoid) < 1e-4);
      const hinge = (await metricsOf([rows[i]], "hinge")).loss;
      assert.ok(Math.abs(hinge - wanted["losses_beta_0.1"].hinge) < 1e-4);
    }
    assert.ok(Math.abs((await metricsOf(rows, "sigmoid")).loss - mean) < 1e-4);
    tied.dispose();
  });
});

describe("the parts of a batch", () => {
  it("leave no tensor behind once their gradients are taken", async () => {
    const model = tinyWithAdapter({ moved: true });
    const examples = tinyExamples(4);
    const [first] = examples;
    const options = { weighting: { mode: "token" }, microBatchTokens: 200 } as const;
    // The model keeps a tensor from its first use on.
    await sumOfParts(model, supervisedBatches([first], { ...options, batching: "bucketed" }));
    const before = tf.memory().numTensors;
    for (const batching of ["bucketed", "packed"] as const) {
      await sumOfParts(model, supervisedBatches(examples, { ...options, batching }));
    }
    const answers = examples.filter((e) => e.kind === "answer");
    const scored = await underReference(model, [{ chosen: answers[0], rejected: answers[1] }]);
    await sumOfParts(
      model,
      preferenceBatches(scored, { loss: "ipo", parameters: { beta: 0.1 }, microBatchTokens: 64 }),
    );
    assert.equal(tf.memory().numTensors, before);
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  gradientsOf,
  type MicroBatch,
  preferenceBatches,
  supervisedBatches,
} from "../lib/method/mod.ts";
import { type LanguageModel, trainable } from "../lib/model/mod.ts";
import { linear, type Recompute, Tape } from "../lib/tensor/mod.ts";
import { numbers } from "./numbers.ts";
import { tinyModel } from "./tiny.ts";
import {
  timelessLog,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
  underReference,
  values,
} from "./tiny_method.ts";

const examples = tinyExamples(4);
const answers = examples.filter((e) => e.kind === "answer");
const pairs = [0, 2].map((i) => ({ chosen: answers[i], rejected: answers[i + 1] }));
const layout = { weighting: { mode: "token" }, microBatchTokens: 200 } as const;

/** Gradients and metrics of the first part, whose mask goes with it: `parts` makes it anew. */
async function found(
  model: LanguageModel,
  parts: () => Promise<MicroBatch[]> | MicroBatch[],
  recompute: Recompute,
) {
  const [part] = await parts();
  const { gradients, metrics } = gradientsOf(part, {
    model,
    parameters: trainable(model),
    dropoutSeed: 11,
    recompute,
  });
  return {
    gradients: gradients.map((g) => [...numbers(g, { free: true })]),
    metrics: Object.values(metrics).map((m) => [...numbers(m, { free: true })]),
  };
}

describe("a layer that is recomputed in the backward pass", () => {
  const supervised = (batching: "bucketed" | "packed") => () =>
    supervisedBatches(examples, { ...layout, batching });
  for (
    const [what, make, parts] of [
      ["all weights, bucketed rows", tinyModel, () => supervised("bucketed")],
      ["all weights, packed rows", tinyModel, () => supervised("packed")],
      ["an adapter", () => tinyWithAdapter({ moved: true }), () => supervised("bucketed")],
      [
        "an adapter with dropout",
        () => tinyWithAdapter({ moved: true, dropout: 0.3 }),
        () => supervised("packed"),
      ],
      [
        "an adapter with dropout under DPO",
        () => tinyWithAdapter({ moved: true, dropout: 0.3 }),
        (model: LanguageModel) => async () =>
          preferenceBatches(await underReference(model, pairs), {
            loss: "sigmoid",
            parameters: { beta: 0.1 },
            microBatchTokens: 400,
          }),
      ],
    ] as const
  ) {
    it(`gives the same bits as one that is kept: ${what}`, async () => {
      const model = make();
      const kept = await found(model, parts(model), "none");
      assert.ok(kept.gradients.flat().some((g) => Math.abs(g) > 1e-4), "nothing is learned");
      assert.deepEqual(await found(model, parts(model), "layers"), kept);
      model.dispose();
    });
  }

  it("gives the same training, step by step, and leaves no tensor behind", async () => {
    const run = async (recompute: Recompute) => {
      const model = tinyWithAdapter({ dropout: 0.2 });
      const before = tf.memory().numTensors;
      const held: number[] = [];
      const logs = await trainLogged({
        model,
        steps: 3,
        recompute,
        prepare: () => Promise.resolve({ parts: supervised("bucketed")() }),
        onStep: () => void held.push(tf.memory().numTensors - before),
      });
      const end = await values(model);
      model.dispose();
      return { logs: logs.map(timelessLog), end, held };
    };
    assert.deepEqual(await run("layers"), await run("none"));
  });

  it("keeps one tensor a layer while the loss is computed, where 16 and more are kept otherwise", () => {
    const tensors = (layers: number, recompute: Recompute) => {
      const model = tinyModel({ layers });
      const [{ batch }] = supervised("bucketed")();
      const tape = new Tape(trainable(model).tensors(), { recompute });
      const before = tf.memory().numTensors;
      model.hidden(batch, { tape });
      const held = tf.memory().numTensors - before;
      tape.dispose();
      assert.equal(tf.memory().numTensors, before);
      batch.mask?.dispose();
      model.dispose();
      return held;
    };
    assert.equal(tensors(2, "layers") - tensors(1, "layers"), 1);
    assert.ok(tensors(2, "none") - tensors(1, "none") >= 16);
  });
});

describe("Tape.segment", () => {
  const sines = (rows: number) =>
    tf.tensor2d(Array.from({ length: rows * 3 }, (_, i) => Math.sin(i + rows)), [rows, 3]);
  const [x, w, other] = [sines(2), sines(3), tf.neg(sines(3)) as tf.Tensor2D];

  it("sends gradients to its input and to all it reads, once from each use", () => {
    const gradients = (recompute: Recompute) => {
      const tape = new Tape([x, w], { recompute });
      const y = tape.segment(x, (x, tape) => linear(linear(x, w, { tape }), w, { tape }));
      const z = tape.segment(y, (y, tape) => linear(y, w, { tape }));
      return tape.gradients(z, tf.onesLike(z), [x, w]).map((g) => [...numbers(g)]);
    };
    // A weight of two segments gets its uses' gradients in another order: the last bits are the processor's affair.
    const [kept, recomputed] = [gradients("none").flat(), gradients("layers").flat()];
    assert.equal(recomputed.length, kept.length);
    const largest = Math.max(...kept.map((g, i) => Math.abs(g - recomputed[i])));
    assert.ok(largest < 1e-6, `${largest}`);
    assert.ok(Math.max(...kept.map(Math.abs)) > 0.1);
  });

  it("runs once, not twice, where no gradient flows", () => {
    let runs = 0;
    const tape = new Tape([w], { recompute: "layers" });
    const y = tape.segment(x, (x, tape) => {
      runs++;
      return linear(x, other, { tape });
    });
    assert.ok(!tape.tracks(y));
    const z = linear(y, w, { tape });
    const [dw] = tape.gradients(z, tf.onesLike(z), [w]);
    assert.ok(numbers(dw).some((g) => g !== 0));
    assert.equal(runs, 1);
    assert.ok(y.isDisposed);
  });

  it("frees everything when the part throws, and when the tape is given up", () => {
    const before = tf.memory().numTensors;
    const tape = new Tape([w], { recompute: "layers" });
    tape.segment(x, (x, tape) => linear(x, w, { tape }));
    assert.throws(() =>
      tape.segment(x, (x, tape) => {
        linear(x, w, { tape });
        throw new Error("broken");
      }), /broken/);
    tape.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

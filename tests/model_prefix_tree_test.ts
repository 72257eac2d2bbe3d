import assert from "node:assert/strict";
import { after, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { nextTokenProbabilities, sequenceLogProbs } from "../lib/model/mod.ts";
import { sharedBatches } from "../lib/model/prefix_tree.ts";
import { Rng } from "../lib/base/random.ts";
import { Tape, useCompiledSteps } from "../lib/tensor/mod.ts";
import { tensorPeak } from "../lib/tools/speed/tensor_peak.ts";
import { assertClose } from "./numbers.ts";
import { tinyModel } from "./tiny.ts";

const model = tinyModel({ maxPositions: 1024 });
after(() => model.dispose());
const rng = Rng.named(7, "prefix tree");
const ids = (n: number) => Array.from({ length: n }, () => 4 + rng.int(60));
const [head, between, question] = [ids(9), ids(3), ids(8)];

/** Prompts of matches on one dialogue in both positions, by one question or several. */
function matches(dialogue: number, count: number, questions = [question]): number[][] {
  const text = ids(dialogue);
  return Array.from({ length: count }, () => [ids(3 + rng.int(20)), ids(3 + rng.int(20))])
    .flatMap(([a, b]) =>
      questions.flatMap((asked) =>
        [[a, b], [b, a]].map(([first, second]) => [
          ...[...head, ...text, ...between, ...first],
          ...[...between, ...second, ...asked],
        ])
      )
    );
}

const start = ids(30);
const CALLS: Record<string, number[][]> = {
  "both positions of pairs": [12, 40, 25, 33].flatMap((n) => matches(n, 1)),
  "a tournament's round": matches(50, 4),
  "several principles": matches(30, 2, [question, ids(11), ids(5)]),
  "equal sequences, and some that others begin with": [
    start,
    [...start, 7],
    start,
    [...start, ...ids(20)],
    start.slice(0, 1),
  ],
  "sequences that share nothing": [20, 31, 8].map((n, i) => [4 + i, ...ids(n)]),
};
const BUDGETS = [1, 150, 400, 10_000];

const batchesOf = (sequences: number[][], budget: number) => {
  const batches = [...sharedBatches(sequences, budget)];
  for (const { batch } of batches) batch.mask?.dispose();
  return batches;
};
const computed = (sequences: number[][], budget: number) =>
  batchesOf(sequences, budget).reduce((sum, { batch }) => sum + batch.size * batch.length, 0);
const tokensOf = (sequences: number[][]) => sequences.reduce((sum, s) => sum + s.length, 0);

describe("sharedBatches", () => {
  for (const [name, sequences] of Object.entries(CALLS)) {
    it(`has every sequence once and keeps to its budget: ${name}`, () => {
      for (const budget of BUDGETS) {
        const batches = batchesOf(sequences, budget);
        const members = batches.flatMap(({ members }) => members);
        assert.deepEqual(members.toSorted((a, b) => a - b), sequences.map((_, i) => i));
        for (const { batch, members, row } of batches) {
          const { rows, width, depth } = batch.tree ??
            { rows: batch.size, width: batch.length, depth: 0 };
          const distinct = new Set(members.map((i) => `${sequences[i]}`)).size;
          assert.ok(distinct === 1 || rows * width <= budget, `${rows} x ${width} of ${budget}`);
          assert.ok(distinct === 1 || rows * depth <= 4 * budget, `${rows} x ${depth}`);
          members.forEach((i, nth) =>
            sequences[i].forEach((id, t) => {
              const at = row(nth, t);
              assert.equal(batch.ids[at], id);
              assert.equal(batch.positions[batch.tree ? at : at % batch.length], t);
            })
          );
        }
      }
    });
  }

  it("computes once what sequences begin with alike", () => {
    const nodes = (sequences: number[][]) =>
      new Set(sequences.flatMap((s) => s.map((_, t) => `${s.slice(0, t + 1)}`))).size;
    for (const name of Object.keys(CALLS).slice(0, 4)) {
      assert.equal(computed(CALLS[name], 10_000), nodes(CALLS[name]), name);
    }
    const round = matches(200, 4);
    assert.ok(computed(round, 10_000) < tokensOf(round) / 3);
    assert.ok(computed(round, 500) < tokensOf(round) / 2);
  });

  it("pads rows where that computes hardly more, and does without padding where it would", () => {
    const shapes = (lengths: number[]) =>
      batchesOf(lengths.map((n, i) => [4 + i, ...ids(n - 1)]), 10_000)
        .map(({ batch }) => [batch.tree !== undefined, batch.size * batch.length]);
    assert.deepEqual(shapes([30, 32, 31]), [[false, 96]]);
    assert.deepEqual(shapes([30, 12, 31]), [[true, 73]]);
  });

  it("keeps together what shares much, though lengths differ", () => {
    const calls = [matches(100, 2), matches(110, 2), matches(90, 2)];
    const mixed = [0, 1, 2, 3].flatMap((i) => calls.map((call) => call[i]));
    for (const { members } of batchesOf(mixed, 400)) {
      assert.equal(new Set(members.map((i) => i % 3)).size, 1);
    }
  });
});

describe("what a call shares", () => {
  const tokens = [9, 4, 40];
  for (const [name, sequences] of Object.entries(CALLS)) {
    it(`does not change probabilities: ${name}`, async () => {
      const alone = [];
      for (const ids of sequences) {
        alone.push(...await nextTokenProbabilities(model, [ids], { tokens }));
      }
      for (const batchTokens of BUDGETS) {
        const found = await nextTokenProbabilities(model, sequences, { tokens, batchTokens });
        assertClose(found.flat(), alone.flat(), { within: 1e-6 });
      }
    });

    it(`does not change log-probabilities: ${name}`, async () => {
      const scored = sequences.map((ids, i) => ({ ids, from: 1 + i % 12 }))
        .filter(({ ids, from }) => from < ids.length);
      const alone = [];
      for (const one of scored) alone.push(...await sequenceLogProbs(model, [one]));
      for (const batchTokens of BUDGETS) {
        const found = await sequenceLogProbs(model, scored, { batchTokens });
        assertClose(found, alone, { within: 1e-4 });
      }
    });
  }

  it("gives the same bits compiled and op by op, and gives memory back", async () => {
    const score = async () => {
      const found = [];
      for (const sequences of Object.values(CALLS)) {
        found.push(await nextTokenProbabilities(model, sequences, { tokens, batchTokens: 400 }));
        const scored = sequences.filter((ids) => ids.length > 1).map((ids) => ({ ids, from: 1 }));
        found.push(await sequenceLogProbs(model, scored, { batchTokens: 400 }));
      }
      return found;
    };
    const compiled = await score();
    useCompiledSteps(false);
    const eager = await score().finally(() => useCompiledSteps(true));
    assert.deepEqual(eager, compiled);
    const { numTensors, numDataBuffers } = tf.memory();
    assert.deepEqual(await score(), compiled);
    const now = tf.memory();
    assert.deepEqual([now.numTensors, now.numDataBuffers], [numTensors, numDataBuffers]);
  });

  const onEngine = tf.getBackend() === "tensorflow" ? it : it.skip;
  onEngine("takes no more memory than as many tokens in padded rows", async () => {
    useCompiledSteps(false);
    const wide = tinyModel({
      ...{ hiddenSize: 96, intermediateSize: 256, heads: 6, kvHeads: 2, headDim: 16 },
      maxPositions: 1024,
    });
    await nextTokenProbabilities(wide, [[5]], { tokens });
    const peak = (sequences: number[][]) =>
      tensorPeak(() => nextTokenProbabilities(wide, sequences, { tokens, batchTokens: 1024 }));
    const length = 256;
    const apart = await peak(Array.from({ length: 4 }, (_, i) => [4 + i, ...ids(length - 1)]));
    for (const questions of [[question], [question, ids(8), ids(8)]]) {
      const sequences = Array.from({ length: 4 }, () => matches(180, 2, questions)).flat();
      const shared = await peak(sequences);
      assert.ok(shared < apart, `${shared} shared, ${apart} apart`);
    }
    wide.dispose();
    useCompiledSteps(true);
  });

  it("is for a pass that records no gradients", () => {
    const [{ batch }] = batchesOf(CALLS["a tournament's round"], 10_000);
    assert.throws(() => model.hidden(batch, { tape: new Tape([]) }), /no gradients/);
  });
});

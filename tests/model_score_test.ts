import assert from "node:assert/strict";
import { after, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  generate,
  LORA_DEFAULTS,
  LoraAdapter,
  nextTokenProbabilities,
  sequenceLogProbs,
  withAdapterOff,
  withModel,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { batchLogits } from "./model_reference.ts";
import { assertClose, numbers } from "./numbers.ts";
import { refuses } from "./refusals.ts";
import { tinyModel } from "./tiny.ts";

const model = tinyModel();
after(() => model.dispose());
const V = model.config.vocabSize;
const rng = Rng.named(41, "scores");
const sequences = [8, 3, 15, 1, 8, 11].map((n) => Array.from({ length: n }, () => 4 + rng.int(90)));

/** Log-softmax of the logits at each position of a sequence alone. */
function logProbs(ids: number[]): number[][] {
  const logits = batchLogits(model, [ids])[0];
  return ids.map((_, t) => {
    const row = [...logits.subarray(t * V, (t + 1) * V)];
    const top = Math.max(...row);
    const log = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
    return row.map((x) => x - log);
  });
}

describe("a sequence the model cannot run", () => {
  const { maxPositions } = model.config;
  const cases: [string, number[][], RegExp][] = [
    ["empty", [[5], []], /sequence 1 is empty/],
    [
      "longer than the context",
      [Array(maxPositions + 1).fill(5)],
      /sequence 0 has \d+ tokens, the model's context/,
    ],
    ["with an unknown id", [[5, V]], /sequence 0 has the token id \d+, the vocabulary has \d+/],
  ];
  for (const [name, bad, message] of cases) {
    it(`${name}, is refused by its index`, async () => {
      const generating = generate(model, bad, { maxNewTokens: 1, stopIds: [], seed: 1 });
      await assert.rejects(generating, message);
      await assert.rejects(nextTokenProbabilities(model, bad, { tokens: [4] }), message);
      await assert.rejects(sequenceLogProbs(model, bad.map((ids) => ({ ids, from: 1 }))), message);
    });
  }

  it("or that is counted from its first token, is refused", async () => {
    const scoring = sequenceLogProbs(model, [{ ids: [5, 6], from: 0 }]);
    await assert.rejects(scoring, /sequence 0 counts from token 0/);
  });
});

describe("nextTokenProbabilities", () => {
  const tokens = [9, 4, 77];

  it("is the softmax over the whole vocabulary at the last position, in the order asked", async () => {
    const expected = sequences.flatMap((ids) => {
      const last = logProbs(ids).at(-1)!;
      return tokens.map((token) => Math.exp(last[token]));
    });
    for (const batchTokens of [1, 20, 10_000]) {
      const found = await nextTokenProbabilities(model, sequences, { tokens, batchTokens });
      assert.deepEqual(found.map((row) => row.length), sequences.map(() => 3));
      assertClose(found.flat(), expected, { within: 1e-6 });
    }
  });

  it("sums to 1 over all tokens", async () => {
    const all = Array.from({ length: V }, (_, i) => i);
    const [p] = await nextTokenProbabilities(model, [sequences[0]], { tokens: all });
    assert.ok(Math.abs(p.reduce((a, b) => a + b, 0) - 1) < 1e-5);
  });

  it("counts the sequences it is done with", async () => {
    const seen: number[][] = [];
    await nextTokenProbabilities(model, sequences, {
      tokens,
      batchTokens: 16,
      onProgress: (...state) => seen.push(state),
    });
    assert.deepEqual(seen.at(-1), [6, 6]);
    assert.ok(seen.length > 1 && seen.every(([done], i) => i === 0 || done > seen[i - 1][0]));
  });

  it("of nothing is nothing", async () => {
    assert.deepEqual(await nextTokenProbabilities(model, [], { tokens }), []);
  });
});

describe("sequenceLogProbs", () => {
  it("sums what the model gives each token from an index on", async () => {
    const scored = sequences.filter((ids) => ids.length > 1)
      .map((ids, i) => ({ ids, from: 1 + i % 2 }));
    const expected = scored.map(({ ids, from }) => {
      const all = logProbs(ids);
      return ids.reduce((sum, id, t) => t < from ? sum : sum + all[t - 1][id], 0);
    });
    for (const batchTokens of [1, 30, 10_000]) {
      assertClose(await sequenceLogProbs(model, scored, { batchTokens }), expected, {
        within: 1e-4,
      });
    }
  });

  it("leaves out the tokens that are skipped", async () => {
    const [long] = sequences.toSorted((a, b) => b.length - a.length);
    const all = logProbs(long);
    const at = [2, 3, 7, 8, 9, 10, 11, 13, 14];
    const expected = at.reduce((sum, t) => sum + all[t - 1][long[t]], 0);
    const scored = { ids: long, from: 2, skipped: [[4, 7], [12, 13]] as const };
    assertClose(await sequenceLogProbs(model, [scored]), [expected], { within: 1e-4 });
  });

  it("refuses weights that give no number, naming the sequence", async () => {
    const broken = tinyModel();
    const norm = broken.weights.get("model.norm.weight")!;
    broken.weights.set("model.norm.weight", tf.keep(tf.fill(norm.shape, NaN)));
    norm.dispose();
    await refuses(
      sequenceLogProbs(broken, [{ ids: [5, 6], from: 1 }]),
      /log-probabilities: that of sequence 0 is NaN\n.*check the checkpoint/,
    );
    broken.dispose();
  });
});

describe("withAdapterOff and withModel", () => {
  it("run work on the model without its adapter, and on the model as it is", async () => {
    const scored = [{ ids: sequences[0], from: 3 }];
    const score = () => sequenceLogProbs(model, scored);
    const base = await score();
    const adapter = model.adapter = LoraAdapter.create(model.config, LORA_DEFAULTS, rng);
    const [name] = [...adapter.parameters.keys()].filter((key) => key.includes("lora_B"));
    const b = adapter.parameters.get(name)!;
    adapter.parameters.set(name, tf.keep(tf.onesLike(b)));
    b.dispose();
    assert.notDeepEqual(await score(), base);
    assert.deepEqual(await withAdapterOff(model)((m) => sequenceLogProbs(m, scored)), base);
    adapter.dispose();
    model.adapter = null;
    const copy = tinyModel({ seed: 8 });
    const other = await sequenceLogProbs(copy, scored);
    assert.deepEqual(await withModel(copy)((m) => sequenceLogProbs(m, scored)), other);
    assert.notDeepEqual(other, base);
    copy.dispose();
  });
});

describe("memory", () => {
  const options = { maxNewTokens: 40, stopIds: [9], seed: 1, samples: 3, batchRows: 6 };
  const scored = sequences.slice(0, 3).map((ids) => ({ ids, from: 1 }));
  const works: Record<string, () => Promise<unknown>> = {
    "generate": () => generate(model, sequences, options),
    "generate, refused": () => assert.rejects(generate(model, [[]], options)),
    "nextTokenProbabilities": () =>
      nextTokenProbabilities(model, sequences, { tokens: [4], batchTokens: 20 }),
    "sequenceLogProbs": () => sequenceLogProbs(model, scored, { batchTokens: 20 }),
  };
  for (const adapted of [false, true]) {
    for (const [name, work] of Object.entries(works)) {
      it(`is given back by ${name}${adapted ? ", with an adapter" : ""}`, async () => {
        const adapter = LoraAdapter.create(model.config, LORA_DEFAULTS, rng);
        if (adapted) model.adapter = adapter;
        await work(); // constants that are kept are made here
        const { numTensors, numDataBuffers } = tf.memory();
        await work();
        const after = tf.memory();
        assert.deepEqual([after.numTensors, after.numDataBuffers], [numTensors, numDataBuffers]);
        model.adapter = null;
        adapter.dispose();
      });
    }
  }

  it("is given back by a model that is disposed of", () => {
    const before = tf.memory().numTensors;
    const other = tinyModel();
    other.adapter = LoraAdapter.create(other.config, LORA_DEFAULTS, rng);
    numbers(
      other.hidden({
        size: 1,
        length: 1,
        ids: Int32Array.of(5),
        positions: Int32Array.of(0),
        mask: null,
      }),
      { free: true },
    );
    batchLogits(other, [[5]]);
    other.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

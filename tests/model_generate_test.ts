import assert from "node:assert/strict";
import { after, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { generate, type GenerateOptions } from "../lib/model/mod.ts";
import { FastDecoder } from "../lib/model/fast_decoder.ts";
import { Rng } from "../lib/base/random.ts";
import { batchLogits } from "./model_reference.ts";
import { refuses } from "./refusals.ts";
import { tinyModel } from "./tiny.ts";

const model = tinyModel();
after(() => model.dispose());
const rng = Rng.named(21, "prompts");
const sequence = (n: number) => Array.from({ length: n }, () => 4 + rng.int(90));
const prompts = [9, 2, 5, 1, 14].map(sequence);
const GREEDY: GenerateOptions = { maxNewTokens: 45, stopIds: [], temperature: 0, seed: 1 };

/** Greedy decoding without a cache: the whole sequence through the model for every token. */
function uncached(prompt: number[], n: number): number[] {
  const ids = [...prompt];
  const V = model.config.vocabSize;
  for (let i = 0; i < n; i++) {
    const last = batchLogits(model, [ids])[0].subarray(-V);
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

const plain = prompts.map((prompt) => uncached(prompt, 45));

/** Rows of each decoding step during work. */
async function stepsOf(work: () => Promise<unknown>): Promise<number[]> {
  const sizes: number[] = [];
  const { hidden } = FastDecoder.prototype;
  FastDecoder.prototype.hidden = function (tokens, options) {
    sizes.push(tokens.length);
    return hidden.call(this, tokens, options);
  };
  try {
    await work();
  } finally {
    FastDecoder.prototype.hidden = hidden;
  }
  return sizes;
}

describe("generate", () => {
  it("gives, with its cache and past the positions it grows by, what a model without one gives", async () => {
    const found = await generate(model, prompts, GREEDY);
    assert.deepEqual(found.map(([{ ids }]) => ids), plain);
    assert.ok(found.flat().every(({ end }) => end === "length"));
    assert.ok(
      plain.every((ids) => new Set(ids).size > 5),
      "a model that repeats itself shows little",
    );
  });

  it("gives a prompt the same among longer ones as alone", async () => {
    for (const batchRows of [1, 2, 3]) {
      const found = await generate(model, prompts, { ...GREEDY, batchRows });
      assert.deepEqual(found.map(([{ ids }]) => ids), plain);
    }
  });

  it("feeds one token a row after the prompt, and lets a finished row leave", async () => {
    // Step at which each row would end, for the token that ends them at the most different ones.
    const endsAt = (stop: number) =>
      plain.map((ids) => ids.slice(0, 20).indexOf(stop)).map((t) => t < 0 ? 19 : t);
    const variety = (stop: number) => new Set(endsAt(stop)).size;
    const [stop] = plain.flat().sort((a, b) => variety(b) - variety(a));
    const ends = endsAt(stop);
    const steps = await stepsOf(() =>
      generate(model, prompts, { ...GREEDY, maxNewTokens: 20, stopIds: [stop] })
    );
    assert.deepEqual(
      steps,
      Array.from({ length: Math.max(...ends) }, (_, t) => ends.filter((end) => end > t).length),
    );
    assert.ok(new Set(steps).size >= 3, "rows end at different steps");
  });

  it("ends an answer at a stop token, which is no part of it", async () => {
    const id = plain[0][6];
    const other = plain[2][3];
    const found = await generate(model, prompts, { ...GREEDY, stopIds: [id, other] });
    found.forEach(([{ ids, end }], i) => {
      const at = plain[i].findIndex((token) => token === id || token === other);
      assert.deepEqual(ids, at < 0 ? plain[i] : plain[i].slice(0, at));
      assert.equal(end, at < 0 ? "length" : "stop");
    });
    assert.ok(found.some(([{ end }]) => end === "stop"));
  });

  it("gives at most maxNewTokens", async () => {
    for (const maxNewTokens of [1, 7]) {
      const found = await generate(model, prompts, { ...GREEDY, maxNewTokens });
      assert.deepEqual(found.map(([{ ids }]) => ids), plain.map((a) => a.slice(0, maxNewTokens)));
    }
  });

  it("ends an answer at the end of the model's context", async () => {
    const short = tinyModel({ maxPositions: 16 });
    const found = await generate(short, prompts, GREEDY);
    assert.deepEqual(found.map(([{ ids }]) => ids.length), prompts.map((p) => 16 - p.length));
    assert.deepEqual(
      found.map(([{ ids }]) => ids),
      plain.map((a, i) => a.slice(0, 16 - prompts[i].length)),
    );
    assert.ok(found.every(([{ end }]) => end === "length"));
    await refuses(
      generate(short, [[4], sequence(16)], GREEDY),
      /prompt 1 fills the model's context of 16/,
    );
    short.dispose();
  });

  it("refuses logits that are no numbers, naming prompt and place", async () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const temperature of [0, 0.7, 1]) {
        const broken = tinyModel();
        const norm = broken.weights.get("model.norm.weight")!;
        broken.weights.set("model.norm.weight", tf.keep(tf.fill(norm.shape, value)));
        norm.dispose();
        const options = { maxNewTokens: 3, stopIds: [], temperature, seed: 1 };
        await refuses(
          generate(broken, [[5, 6], [7]], options),
          /generate: prompt \d, new token 1: .* are NaN\n.*check the checkpoint/,
        );
        broken.dispose();
      }
    }
  });

  it("refuses an empty prompt, and settings out of range", async () => {
    await refuses(generate(model, [[4], []], GREEDY), /sequence 1 is empty/);
    const counts = [{ maxNewTokens: 0 }, { maxNewTokens: NaN }, { samples: 1.5 }, { batchRows: 0 }];
    for (const bad of [{ topP: 0 }, ...counts]) {
      const [[name, value]] = Object.entries(bad);
      await refuses(generate(model, [[5]], { ...GREEDY, ...bad }), `${name} is ${value}`);
    }
  });

  it("of no prompts is no answer", async () => {
    assert.deepEqual(await generate(model, [], GREEDY), []);
  });
});

describe("sampling", () => {
  const SAMPLED: GenerateOptions = { maxNewTokens: 12, stopIds: [2], seed: 5, samples: 3 };
  const draw = (options: Partial<GenerateOptions> = {}) =>
    generate(model, prompts, { ...SAMPLED, ...options });

  it("draws the same answers from the same seed, however they are batched, and others from another", async () => {
    const first = await draw();
    assert.deepEqual(first.map((answers) => answers.length), [3, 3, 3, 3, 3]);
    for (const batchRows of [3, 6, 100]) assert.deepEqual(await draw({ batchRows }), first);
    assert.notDeepEqual(await draw({ seed: 6 }), first);
    const texts = first.map((answers) => new Set(answers.map(({ ids }) => ids.join())));
    assert.ok(
      texts.every((different) => different.size > 1),
      "samples of a prompt are all the same",
    );
  });

  it("draws the first samples of a prompt the same when more are drawn", async () => {
    const [one, three] = [await draw({ samples: 1 }), await draw()];
    one.forEach(([answer], i) => assert.deepEqual(answer, three[i][0]));
  });

  it("divides logits by the temperature", async () => {
    // The first token of many samples against the model's own softmax.
    const prompt = prompts[0];
    const [logits] = batchLogits(model, [prompt]).map((all) =>
      all.subarray(-model.config.vocabSize)
    );
    for (const temperature of [0.5, 1, 2]) {
      const n = 600;
      const [answers] = await generate(model, [prompt], {
        ...SAMPLED,
        maxNewTokens: 1,
        stopIds: [],
        samples: n,
        topP: 1,
        temperature,
      });
      const weights = [...logits].map((x) => Math.exp(x / temperature));
      const total = weights.reduce((a, b) => a + b, 0);
      const top = logits.indexOf(Math.max(...logits));
      const p = weights[top] / total;
      const share = answers.filter(({ ids }) => ids[0] === top).length / n;
      // Five standard deviations of a share.
      const limit = 5 * Math.sqrt(p * (1 - p) / n);
      assert.ok(Math.abs(share - p) < limit, `temperature ${temperature}: ${share}, expected ${p}`);
    }
  });

  it("counts answers as they finish", async () => {
    const seen: number[][] = [];
    await draw({ batchRows: 6, onProgress: (done, total) => seen.push([done, total]) });
    assert.deepEqual(seen, Array.from({ length: 15 }, (_, i) => [i + 1, 15]));
  });
});

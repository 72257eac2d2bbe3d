import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { checkSampling, drawToken, type SamplingConfig } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { refusesAtOnce } from "./refusals.ts";

const config = (settings: Partial<SamplingConfig>): SamplingConfig => ({
  temperature: 1,
  topK: 0,
  topP: 1,
  ...settings,
});

/** A softmax of logits, in float32 as the model gives it. */
function softmax(logits: number[]): Float32Array {
  const exp = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = exp.reduce((a, b) => a + b, 0);
  return Float32Array.from(exp, (x) => x / sum);
}

/** The tokens that may be drawn, found by sorting: likeliest first, the lower id first among equals. */
function allowed(p: Float32Array, { topK, topP }: SamplingConfig): number[] {
  let order = [...p.keys()].sort((a, b) => p[b] - p[a] || a - b);
  if (topK > 0) order = order.slice(0, topK);
  const whole = order.reduce((sum, i) => sum + p[i], 0);
  let mass = 0;
  const kept: number[] = [];
  for (const i of order) {
    kept.push(i);
    mass += p[i];
    if (topP < 1 && mass >= topP * whole) break;
  }
  return kept;
}

/** Share of each token over n random numbers that are spread evenly. */
function shares(p: Float32Array, settings: SamplingConfig, n: number): Float64Array {
  const found = new Float64Array(p.length);
  for (let i = 0; i < n; i++) found[drawToken(p, settings, fixed((i + 0.5) / n))] += 1 / n;
  return found;
}

const rng = Rng.named(5, "distributions");
const random = (n: number, spread: number) =>
  softmax(Array.from({ length: n }, () => spread * rng.uniform()));
const DISTRIBUTIONS: Record<string, Float32Array> = {
  "spread out": random(40, 6),
  "almost flat": random(40, 0.01),
  "flat, all tied": softmax(Array(32).fill(0)),
  "tied in steps": softmax([3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 0, 0]),
  "one token alone": Float32Array.from([0, 0, 1, 0]),
  "with zeros": Float32Array.from([0, 0.25, 0, 0.5, 0.25, 0]),
};

describe("drawToken", () => {
  for (const [name, p] of Object.entries(DISTRIBUTIONS)) {
    it(`draws what a sort would keep, as often as it should: ${name}`, () => {
      const n = 150;
      for (const topK of [0, 2, 5, 1000]) {
        for (const topP of [1, 0.9, 0.5, 0.01]) {
          const settings = config({ topK, topP });
          const kept = allowed(p, settings);
          const whole = kept.reduce((sum, i) => sum + p[i], 0);
          const found = shares(p, settings, n);
          found.forEach((share, i) => {
            const expected = kept.includes(i) ? p[i] / whole : 0;
            // A token's share of [0, 1) holds its number of draws, give or take one.
            assert.ok(
              Math.abs(share - expected) <= (expected > 0 ? 1 / n : 0) + 1e-6,
              `top-k ${topK}, top-p ${topP}: token ${i} drawn ${share}, expected ${expected}`,
            );
          });
        }
      }
    });
  }

  it("keeps the exact set of a sort over a large vocabulary", () => {
    for (const spread of [0.5, 4, 12]) {
      const p = random(5000, spread);
      for (const settings of [config({ topP: 0.9 }), config({ topK: 50, topP: 0.7 })]) {
        const kept = new Set(allowed(p, settings));
        // u just below 1 and 0 reach the last and first token kept; a sweep reaches all that are likely.
        const seen = new Set<number>();
        for (let i = 0; i < 800; i++) seen.add(drawToken(p, settings, fixed((i + 0.5) / 800)));
        for (const token of seen) assert.ok(kept.has(token), `token ${token} was filtered out`);
        const sure = [...kept].filter((i) => p[i] > 1 / 400);
        assert.ok(sure.every((token) => seen.has(token)));
      }
    }
  });

  it("takes the likeliest token at temperature 0 and at top-k 1, the first among equals", () => {
    const p = softmax([1, 5, 2, 5, 0]);
    for (const settings of [config({ temperature: 0, topP: 0.9 }), config({ topK: 1 })]) {
      for (let i = 0; i < 50; i++) assert.equal(drawToken(p, settings, rng), 1);
    }
  });

  it("never draws a token of probability 0, whatever the random number", () => {
    const p = Float32Array.from([0, 0.3, 0, 0.7, 0]);
    for (const settings of [config({}), config({ topP: 0.99 }), config({ topK: 4 })]) {
      for (const u of [0, 1e-12, 0.299999, 0.3, 0.300001, 1 - 2 ** -32]) {
        assert.ok([1, 3].includes(drawToken(p, settings, fixed(u))), `u ${u}`);
      }
    }
  });

  it("refuses what is no distribution, greedy or drawn", () => {
    const rows = [[NaN, NaN, NaN], [0.5, NaN, 0.5], [NaN, 1, 0]].map((p) => Float32Array.from(p));
    const greedy = config({ temperature: 0 });
    for (const settings of [greedy, config({ topK: 1 }), config({}), config({ topP: 0.5 })]) {
      for (const p of rows) {
        refusesAtOnce(() => drawToken(p, settings, rng), /probabilities of the next token are NaN/);
      }
    }
  });

  it("reads its own part of a larger buffer", () => {
    const whole = new Float32Array(300).fill(1);
    const p = whole.subarray(100, 110);
    p.set(softmax([0, 0, 9, 0, 0, 0, 0, 0, 0, 0]));
    for (const settings of [config({ topP: 0.5 }), config({ topK: 1 }), config({ topK: 2 })]) {
      assert.equal(drawToken(p, settings, fixed(0.5)), 2);
    }
  });

  it("draws the same tokens from the same stream", () => {
    const p = random(100, 3);
    const draw = () => {
      const stream = Rng.named(3, "s");
      return Array.from({ length: 20 }, () => drawToken(p, config({ topP: 0.9 }), stream));
    };
    assert.deepEqual(draw(), draw());
  });
});

describe("checkSampling", () => {
  it("refuses settings out of range, by name and value", () => {
    const wrong: [Partial<SamplingConfig>, RegExp][] = [
      [{ temperature: -1 }, /temperature is -1/],
      [{ temperature: NaN }, /temperature is NaN/],
      [{ temperature: Infinity }, /temperature is Infinity/],
      [{ topK: -1 }, /topK is -1/],
      [{ topK: 2.5 }, /topK is 2\.5/],
      [{ topP: 0 }, /topP is 0/],
      [{ topP: 1.1 }, /topP is 1\.1/],
      [{ topP: NaN }, /topP is NaN/],
    ];
    for (const [settings, message] of wrong) {
      refusesAtOnce(() => checkSampling(config(settings)), message);
    }
    checkSampling(config({ temperature: 0 }));
    checkSampling(config({ topK: 7, topP: 0.1 }));
  });
});

/** A stream that gives one number for ever. */
function fixed(u: number): Rng {
  const stream = Rng.named(0, "");
  stream.uniform = () => u;
  return stream;
}

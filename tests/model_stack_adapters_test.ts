import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  LINEAR_MODULES,
  LoraAdapter,
  type LoraConfig,
  sequenceLogProbs,
  splitAdapter,
  stackAdapters,
  stackedConfig,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { randoms, tinyConfig, tinyModel } from "./tiny.ts";
import { distance, tinyExamples } from "./tiny_method.ts";

const lora = (change: Partial<LoraConfig> = {}): LoraConfig => ({
  r: 4,
  alpha: 8,
  dropout: 0.1,
  targetModules: LINEAR_MODULES,
  ...change,
});

/** An adapter with random values. */
function random(config: LoraConfig, seed: number): LoraAdapter {
  const rng = Rng.named(seed, "stacked");
  const model = tinyConfig();
  const fresh = LoraAdapter.create(model, config, rng);
  const values = new Map(
    [...fresh.parameters].map(([name, { shape, size }]) => [
      name,
      { shape, data: randoms(size, { rng, low: -0.3, high: 0.3 }) },
    ]),
  );
  fresh.dispose();
  return LoraAdapter.from(model, config, { file: "random", get: (name) => values.get(name) });
}

const CASES: [what: string, first: LoraConfig, second: LoraConfig][] = [
  ["two of one rank and scale", lora(), lora()],
  ["two ranks, one scale", lora(), lora({ r: 2, alpha: 4 })],
  ["two scales", lora(), lora({ r: 8, alpha: 32, dropout: 0 })],
  [
    "other layers",
    lora({ targetModules: ["q_proj", "v_proj"] }),
    lora({ targetModules: ["up_proj"] }),
  ],
];

describe("adapters in one stack", () => {
  for (const [what, one, two] of CASES) {
    it(`give the log-probabilities of the weights with both folded in: ${what}`, async () => {
      const examples = tinyExamples(4);
      const parts = [random(one, 1), random(two, 2)];
      const stack = await stackAdapters(tinyConfig(), parts);
      assert.equal(stack.config.r, one.r + two.r);
      const whole = tinyModel();
      whole.adapter = stack;
      const stacked = await sequenceLogProbs(whole, examples);
      const folded = tinyModel();
      const base = await sequenceLogProbs(folded, examples);
      for (const part of parts) {
        folded.adapter = part; // folding frees it
        folded.foldAdapter();
      }
      const expected = await sequenceLogProbs(folded, examples);
      assert.ok(distance(stacked, expected) < 2e-4, `${distance(stacked, expected)}`);
      assert.ok(distance(base, expected) > 0.1, "the adapters do something");
      whole.dispose();
      folded.dispose();
    });

    it(`come apart again, bit for bit: ${what}`, async () => {
      const parts = [random(one, 1), random(two, 2)];
      const stack = await stackAdapters(tinyConfig(), parts);
      const again = await splitAdapter(tinyConfig(), {
        stack,
        parts: [{ ...one, name: "one" }, { ...two, name: "two" }],
      });
      for (const [i, part] of parts.entries()) {
        assert.deepEqual(again[i].config, part.config);
        assert.deepEqual([...again[i].parameters.keys()], [...part.parameters.keys()]);
        for (const [name, tensor] of part.parameters) {
          assert.deepEqual(again[i].parameters.get(name)!.dataSync(), tensor.dataSync(), name);
        }
      }
      for (const adapter of [stack, ...parts, ...again]) adapter.dispose();
    });
  }

  it("have one rank and scale for every layer that any of them has", () => {
    const [first, second] = [
      lora({ targetModules: ["v_proj", "q_proj"] }),
      lora({ r: 2, alpha: 6, targetModules: ["down_proj"], dropout: 0 }),
    ];
    assert.deepEqual(stackedConfig([first, second]), {
      r: 6,
      alpha: 6, // the scales, 2 and 3, are in B
      dropout: 0,
      targetModules: ["q_proj", "v_proj", "down_proj"],
    });
    assert.deepEqual(stackedConfig([first]), { ...first, targetModules: ["q_proj", "v_proj"] });
  });
});

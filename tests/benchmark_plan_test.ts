import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { type BenchmarkOptions, planOf } from "../lib/benchmark/plan.ts";
import { refusesAtOnce } from "./refusals.ts";

/** Options as the command line gives them. */
const options = (more: Partial<BenchmarkOptions> = {}): BenchmarkOptions => ({
  ...{ bench: "vicuna", model: ["m=x"], rows: 8, set: [], seed: 7, figures: true },
  ...more,
});

describe("the plan of a benchmark", () => {
  it("compares and grades where that can be, else does what can be", () => {
    const modes = (more: Partial<BenchmarkOptions>) => planOf(options(more)).modes;
    assert.deepEqual(modes({}), []);
    assert.deepEqual(modes({ judge: "model:x", against: "n=x" }), ["pair", "single"]);
    assert.deepEqual(modes({ judge: "longer", against: "n=x" }), ["pair"]);
    assert.deepEqual(modes({ judge: "model:x" }), ["single"]);
  });

  const cases: [string, Partial<BenchmarkOptions>, RegExp][] = [
    ["no benchmark", { bench: undefined }, /no benchmark is named/],
    ["an unknown one", { bench: "arena" }, /no benchmark "arena"/],
    ["no model", { model: [] }, /no model is named/],
    ["two models of one name", { against: "m=x" }, /two models are called "m"/],
    ["a grade from a baseline judge", { judge: "longer", mode: "single" }, /does not grade/],
    ["pairs with nobody", { judge: "longer" }, /nobody to compare with/],
    ["an adapter of two models", { model: ["m=x", "n=x"], adapter: "a" }, /with 2 models/],
  ];
  for (const [what, more, message] of cases) {
    it(`refuses ${what}`, () => void refusesAtOnce(() => planOf(options(more)), message));
  }
});

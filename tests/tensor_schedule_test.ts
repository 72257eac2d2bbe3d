import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { learningRate } from "../lib/tensor/schedule.ts";
import { readSchedules } from "./reference/losses.ts";

describe("the learning rate", () => {
  it("is that of transformers at every step of every schedule", async () => {
    const { cases, learning_rate } = await readSchedules();
    for (const { shape, warmup, steps, rates } of cases) {
      const schedule = { learningRate: learning_rate, shape, warmup };
      rates.forEach((wanted, step) => {
        const found = learningRate(schedule, { step, steps });
        assert.ok(Math.abs(found - wanted) < 1e-12, `${shape} ${warmup} ${step}: ${found}`);
      });
    }
    assert.deepEqual(new Set(cases.map((c) => c.shape)), new Set(["cosine", "constant"]));
  });
});

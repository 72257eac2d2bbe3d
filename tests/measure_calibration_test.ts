import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type Call, call } from "../lib/measure/calibration.ts";
import { calibrationMeasure } from "../lib/measure/calibration_interval.ts";
import { Rng } from "../lib/base/random.ts";

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const each = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

/** A judge that says log-odds z from -2 to 2 of pairs whose true log-odds are `times` as large. */
const calls = (count: number, times: number, rng: Rng) =>
  Array.from({ length: count }, (): Call => {
    const z = 4 * (rng.uniform() - 0.5);
    return call(sigmoid(z), rng.uniform() < sigmoid(times * z) ? "first" : "second");
  });

describe("calibrationMeasure", () => {
  // The true errors are integrals of |sigmoid(z) - sigmoid(times z)| over the judge's log-odds.
  for (const [times, truth] of [[1, 0], [1.6, 0.0785], [0.5, 0.0965]] as const) {
    it(`has intervals that hold a true error of ${truth} in about 95 of 100 samples`, () => {
      const rng = Rng.named(5, `calibration ${times}`);
      const repetitions = 150;
      let [held, above] = [0, 0];
      for (let i = 0; i < repetitions; i++) {
        const { value, low, high } = calibrationMeasure(calls(150, times, rng), {
          clusters: each(150),
          rng,
          samples: 150,
        });
        assert.ok(low! <= value! && value! <= high!);
        if (low! <= truth && truth <= high!) held++;
        if (low! > truth) above++;
      }
      // 150 draws at 0.95 stray by 0.036 at two standard errors.
      assert.ok(held / repetitions > 0.9, `${held} of ${repetitions}, ${above} above the truth`);
    });
  }

  it("is narrower of more pairs, and not of the same pairs over again", () => {
    const rng = Rng.named(6, "calibration");
    const some = calls(120, 2, rng);
    const width = (list: readonly Call[], clusters: readonly string[]) => {
      const { low, high } = calibrationMeasure(list, { clusters, rng, samples: 400 });
      return high! - low!;
    };
    const one = width(some, each(120));
    const again = [...some, ...some, ...some, ...some];
    assert.ok(Math.abs(width(again, again.map((_, i) => `${i % 120}`)) / one - 1) < 0.25);
    assert.ok(width(calls(480, 2, rng), each(480)) < 0.8 * one);
  });

  it("has a value without an interval where one cannot be had, and null without labels", () => {
    const rng = Rng.named(7, "calibration");
    const one = calibrationMeasure([call(0.8, "first")], { clusters: ["a"], rng });
    assert.deepEqual([one.low, one.high], [null, null]);
    assert.match(one.reason!, /one prompt/);
    const none = calibrationMeasure([null], { clusters: ["a"], rng });
    assert.deepEqual([none.value, none.n], [null, 0]);
    assert.match(none.reason!, /no pair has a label/);
  });

  it("has no interval of calls without spread, be they all right, all wrong or all even", () => {
    const rng = Rng.named(8, "calibration");
    for (const [pFirst, value] of [[1, 0], [0, 1], [0.5, 0]]) {
      const alike = Array.from({ length: 40 }, () => call(pFirst, "first"));
      for (const clusters of [each(40), each(40).map((_, i) => `${i % 8}`)]) {
        const found = calibrationMeasure(alike, { clusters, rng });
        assert.deepEqual([found.value, found.low, found.high], [value, null, null]);
        assert.match(found.reason!, /the calls show no spread/);
      }
    }
  });

  it("has an interval that chance would give where a sample shows no error, or next to none", () => {
    // 30 of 40 right: Wilson's interval of the share reaches 0.15 below and 0.11 above it.
    for (const confidence of [0.75, 0.7501]) {
      const some = each(40).map((i) => call(confidence, Number(i) < 30 ? "first" : "second"));
      const { value, low, high, reason } = calibrationMeasure(some, {
        clusters: each(40),
        rng: Rng.named(9, "calibration"),
      });
      assert.ok(Math.abs(value! - (confidence - 0.75)) < 1e-9);
      assert.deepEqual([low, reason], [0, undefined]);
      assert.ok(high! > 0.11 && high! < 0.16, `${high}`);
    }
  });
});

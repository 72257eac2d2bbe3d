import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type Call, call } from "../lib/judge/calibration.ts";
import { calibrationMeasure } from "../lib/judge/calibration_interval.ts";
import { Rng } from "../lib/random.ts";

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
    const sure = calibrationMeasure([call(1, "first"), call(0, "second")], {
      clusters: ["a", "b"],
      rng,
    });
    assert.deepEqual([sure.value, sure.low], [0, null]);
    assert.match(sure.reason!, /certain and right/);
    const none = calibrationMeasure([null], { clusters: ["a"], rng });
    assert.deepEqual([none.value, none.n], [null, 0]);
    assert.match(none.reason!, /no pair has a label/);
  });
});

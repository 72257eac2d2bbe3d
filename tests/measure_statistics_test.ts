import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { sampleStandardDeviation } from "simple-statistics";
import { UserError } from "../lib/base/error.ts";
import { Rng } from "../lib/base/random.ts";
import {
  bootstrap,
  correlation,
  overSeeds,
  proportion,
  studentQuantile,
  summary,
} from "../lib/measure/statistics.ts";

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

describe("correlation", () => {
  it("is that of scipy 1.17, pearsonr with the alternative greater", () => {
    const { r, p } = correlation([0.79, 0.74, 0.71, 0.67, 0.62], [0.79, 0.37, 0.29, 0.17, 0.11]);
    close(r, 0.9250392264927685, 1e-12);
    close(p, 0.012178967854086759, 1e-12);
    close(correlation([1, 2, 4], [3, 1, 0]).p, 0.8789622816763233, 1e-12);
  });

  it("asks for three pairs", () => {
    assert.throws(() => correlation([1, 2], [1, 2]), UserError);
    assert.throws(() => correlation([1, 2, 3], [1, 2]), UserError);
    assert.throws(() => correlation([1, 2, 3], [2, 2, 2]), UserError);
  });
});

describe("proportion", () => {
  it("gives the Wilson intervals of statsmodels 0.14 (proportion_confint, method wilson)", () => {
    const rows: [number, number, 0.9 | 0.95 | 0.99, number, number][] = [
      [8, 10, 0.95, 0.49016247153664183, 0.9433178485456247],
      [81, 263, 0.95, 0.2552885198782742, 0.36620957698280004],
      [0, 20, 0.95, 0, 0.16112515805281938],
      [20, 20, 0.9, 0.8808421626390355, 1],
      [1, 29, 0.99, 0.0040614941968838, 0.23825425313641296],
    ];
    for (const [successes, n, level, low, high] of rows) {
      const interval = proportion(successes, n, { level });
      close(interval.low, low, 1e-12);
      close(interval.high, high, 1e-12);
      assert.equal(interval.value, successes / n);
      assert.equal(interval.n, n);
    }
  });

  it("begins at 0 without a success and ends at 1 without a failure, exactly", () => {
    for (let n = 1; n < 300; n++) {
      assert.equal(proportion(0, n).low, 0, `0 of ${n}`);
      assert.equal(proportion(n, n).high, 1, `${n} of ${n}`);
      assert.ok(proportion(0, n).high > 0 && proportion(n, n).low < 1);
    }
  });

  it("refuses what is not a proportion", () => {
    for (const [successes, n] of [[0, 0], [3, 2], [-1, 4], [NaN, 4], [1, 2.5]]) {
      assert.throws(() => proportion(successes, n), UserError);
    }
    assert.throws(() => proportion(1, 2, { level: 0.8 as 0.9 }), /level 0.8 is not on offer/);
  });
});

describe("bootstrap", () => {
  const values = [0.2, 1.4, 3.1, 0.9, 2.2, 5.7, 1.1, 0.4, 2.8, 3.9];

  it("gives the percentile interval of scipy.stats.bootstrap for a mean and a deviation", () => {
    const mean = bootstrap(values, { rng: Rng.named(7, "mean"), samples: 20_000 });
    close(mean.value, 2.17, 1e-12);
    close(mean.low, 1.22, 0.03);
    close(mean.high, 3.25, 0.03);
    const spread = bootstrap(values, {
      rng: Rng.named(7, "spread"),
      samples: 20_000,
      statistic: sampleStandardDeviation,
    });
    close(spread.value, 1.734646938140439, 1e-12);
    close(spread.low, 0.8884, 0.03);
    close(spread.high, 2.2608, 0.03);
  });

  it("gives the same interval for the same seed and another for another", () => {
    const run = (seed: number) => bootstrap(values, { rng: Rng.named(seed, "x"), samples: 500 });
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1), run(2));
  });

  it("covers the true mean in about 95 of 100 repetitions", () => {
    const rng = Rng.named(11, "coverage");
    let covered = 0;
    for (let repetition = 0; repetition < 400; repetition++) {
      const sample = Array.from({ length: 60 }, () => Number(rng.uniform() < 0.7));
      const { low, high } = bootstrap(sample, { rng, samples: 400 });
      if (low <= 0.7 && 0.7 <= high) covered++;
    }
    // 400 draws at 0.95 stray by 2 points at two standard errors; a discrete mean by a little more.
    assert.ok(covered / 400 > 0.91 && covered / 400 < 0.985, `${covered / 400}`);
  });

  it("leaves the caller's values alone and refuses none, NaN and impossible settings", () => {
    const kept = [...values];
    bootstrap(values, { rng: Rng.named(1, "x"), samples: 10 });
    assert.deepEqual(values, kept);
    const rng = Rng.named(1, "x");
    assert.throws(() => bootstrap([], { rng }), /no values/);
    assert.throws(() => bootstrap([1, NaN], { rng }), /value 1 of 2 is NaN/);
    assert.throws(() => bootstrap([1], { rng, level: 1 }), UserError);
    assert.throws(() => bootstrap([1], { rng, samples: 0 }), UserError);
    assert.throws(() => bootstrap([1, 2], { rng, samples: 9, statistic: () => NaN }), UserError);
  });
});

describe("summary", () => {
  it("gives mean, sample deviation and standard error", () => {
    const { mean, deviation, error, n } = summary([2, 4, 4, 4, 5, 5, 7, 9]);
    assert.equal(mean, 5);
    close(deviation, Math.sqrt(32 / 7), 1e-12);
    close(error, Math.sqrt(32 / 7 / 8), 1e-12);
    assert.equal(n, 8);
    assert.deepEqual(summary([3]), { mean: 3, deviation: 0, error: 0, n: 1 });
    assert.throws(() => summary([]), UserError);
  });
});

describe("overSeeds", () => {
  it("agrees with scipy's t interval", () => {
    // scipy.stats.t.interval(0.95, 4, loc=3, scale=scipy.stats.sem([1, 2, 3, 4, 5]))
    const { value, low, high } = overSeeds([1, 2, 3, 4, 5]);
    assert.equal(value, 3);
    close(low!, 1.03676, 1e-3);
    close(high!, 4.96324, 1e-3);
  });

  it("has no interval for one seed", () => {
    assert.deepEqual(overSeeds([2]), { value: 2, low: null, high: null, n: 1 });
  });

  it("takes t beyond its table from the expansion", () => {
    // scipy.stats.t.ppf(0.975, df)
    close(studentQuantile(11), 2.20099, 1e-3);
    close(studentQuantile(30), 2.04227, 1e-3);
    close(studentQuantile(1000), 1.96234, 1e-3);
  });
});

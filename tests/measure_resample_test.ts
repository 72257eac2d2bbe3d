import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { call, reliabilityCurve } from "../lib/measure/calibration.ts";
import { agreementCell, cohenKappa } from "../lib/measure/kappa.ts";
import { measureAll, type SumStatistic } from "../lib/measure/resample.ts";
import { Rng } from "../lib/base/random.ts";
import { bootstrap, proportion } from "../lib/measure/statistics.ts";

const meanOf = (values: readonly (number | null)[], more: Partial<SumStatistic> = {}) => ({
  rows: values.map((value) => value === null ? null : [1, value]),
  of: ([n, sum]: Float64Array) => n > 0 ? sum / n : null,
  undefinedWhen: "there is no value",
  ...more,
});
const each = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const rng = (name = "x") => Rng.named(4, name);

/** Share of repetitions in which an interval holds the truth. */
function coverage(
  truth: number,
  repetitions: number,
  draw: (rng: Rng) => { low: number | null; high: number | null },
): number {
  const source = rng("coverage");
  let covered = 0;
  for (let i = 0; i < repetitions; i++) {
    const { low, high } = draw(source);
    if (low !== null && high !== null && low <= truth && truth <= high) covered++;
  }
  return covered / repetitions;
}

describe("measureAll", () => {
  it("draws what bootstrap draws: one stream gives a mean one interval", () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.sin(i * i));
    const { low, high } = bootstrap(values, { rng: rng(), samples: 300 });
    const { m } = measureAll({ m: meanOf(values) }, {
      clusters: each(40),
      rng: rng(),
      samples: 300,
    });
    assert.ok(Math.abs(m.low! - low) < 1e-12 && Math.abs(m.high! - high) < 1e-12);
  });

  it("covers the true kappa in about 95 of 100 repetitions", () => {
    // A judge that is right with 0.8 of labels that name either side with 0.5: kappa 0.6.
    const kappa = coverage(0.6, 300, (source) => {
      const rows = Array.from({ length: 120 }, () => {
        const label = source.uniform() < 0.5 ? "first" : "second";
        const right = source.uniform() < 0.8;
        return agreementCell(right === (label === "first") ? "first" : "second", label);
      });
      const k = { rows, of: cohenKappa, undefinedWhen: "constant" };
      return measureAll({ k }, { clusters: each(120), rng: source, samples: 300 }).k;
    });
    // 300 draws at 0.95 stray by 0.025 at two standard errors.
    assert.ok(kappa > 0.905 && kappa <= 0.99, `${kappa}`);
  });

  it("draws rows of one group together, so that copies add no certainty", () => {
    const values = Array.from({ length: 40 }, (_, i) => Number(i % 3 === 0));
    const five = values.flatMap((value) => Array(5).fill(value));
    const width = (rows: number[], clusters: string[]) => {
      const { m } = measureAll({ m: meanOf(rows) }, { clusters, rng: rng(), samples: 4000 });
      return m.high! - m.low!;
    };
    const groups = values.flatMap((_, i) => Array(5).fill(`${i}`));
    const one = width(values, each(40));
    assert.ok(Math.abs(width(five, groups) / one - 1) < 0.1);
    assert.ok(Math.abs(width(five, each(200)) / one - 1 / Math.sqrt(5)) < 0.1);
  });

  it("covers the truth where rows of a group are alike, and would not if they were drawn alone", () => {
    const draw = (source: Rng, alone: boolean) => {
      const rows: number[] = [];
      const clusters: string[] = [];
      for (let group = 0; group < 50; group++) {
        const value = Number(source.uniform() < 0.5);
        for (let i = 0; i < 6; i++) {
          rows.push(value);
          clusters.push(alone ? `${group}/${i}` : `${group}`);
        }
      }
      return measureAll({ m: meanOf(rows) }, { clusters, rng: source, samples: 200 }).m;
    };
    const together = coverage(0.5, 200, (source) => draw(source, false));
    const alone = coverage(0.5, 200, (source) => draw(source, true));
    assert.ok(together > 0.89, `${together}`);
    assert.ok(alone < 0.75, `${alone}`);
  });

  it("gives a share of 0 or 1 Wilson's interval, with groups as its n", () => {
    const { m } = measureAll({ m: meanOf([1, 1, 1, 1, 1, 1], { share: true }) }, {
      clusters: ["a", "a", "b", "b", "c", "c"],
      rng: rng(),
    });
    const { low, high } = proportion(3, 3);
    assert.deepEqual(m, { value: 1, low, high, n: 6, clusters: 3 });
  });

  it("calls no statistic certain whose resamples are all alike: Wilson's interval of a share, or none", () => {
    // Tenths leave rounding in the sums.
    const halves = Array(12).fill(0.5);
    const found = measureAll({
      share: meanOf(halves, { share: true }),
      tenth: meanOf(Array(12).fill(0.1), { share: true }),
      brier: meanOf(Array(12).fill(0.1)),
      difference: meanOf(Array(12).fill(0)),
    }, { clusters: each(12), rng: rng(), samples: 200 });
    const { low, high } = proportion(6, 12);
    assert.deepEqual(found.share, { value: 0.5, low, high, n: 12, clusters: 12 });
    assert.ok(found.tenth.low! < 0.03 && found.tenth.high! > 0.3, JSON.stringify(found.tenth));
    for (const { value, low, high, reason } of [found.brier, found.difference]) {
      assert.ok(value === 0 || Math.abs(value! - 0.1) < 1e-12);
      assert.deepEqual([low, high, reason], [null, null, "no interval: all resamples are alike"]);
    }
  });

  it("gives null with the reason where a statistic is not defined, and a value without interval", () => {
    const clusters = ["a", "a", "b"];
    const { none, one } = measureAll({
      none: meanOf([null, null, null]),
      one: meanOf([0.5, null, null]), // resamples without group a have no value
    }, { clusters, rng: rng() });
    assert.deepEqual(none, {
      value: null,
      low: null,
      high: null,
      n: 0,
      clusters: 0,
      reason: "there is no value",
    });
    assert.equal(one.value, 0.5);
    assert.deepEqual([one.low, one.high], [null, null]);
    assert.match(one.reason!, /one prompt/);
  });

  it("is the same for the same seed, and refuses what it cannot measure", () => {
    const values = [1, 2, 3, 4, 5, 9];
    const run = (name: string) =>
      measureAll({ m: meanOf(values) }, { clusters: each(6), rng: rng(name), samples: 100 });
    assert.deepEqual(run("a"), run("a"));
    assert.notDeepEqual(run("a"), run("b"));
    const options = { clusters: each(2), rng: rng() };
    assert.throws(() => measureAll({ m: meanOf([1]) }, options), /m has 1 rows, but there are 2/);
    assert.throws(() => measureAll({ m: meanOf([1, NaN]) }, options), /row 1 holds NaN/);
    assert.throws(() => measureAll({ m: meanOf([]) }, { ...options, clusters: [] }), /no rows/);
    assert.throws(
      () => measureAll({ m: meanOf([1, 2]) }, { ...options, samples: 0 }),
      /0 resamples/,
    );
  });
});

describe("reliabilityCurve", () => {
  it("has a row a bin that is not empty, with its count, means and interval", () => {
    const calls = [
      ...Array.from({ length: 40 }, (_, i) => call(0.62, i < 10 ? "first" : "second")),
      ...Array.from({ length: 20 }, () => call(0.01, "second")),
      null,
    ];
    const rows = reliabilityCurve(calls, { clusters: each(61), rng: rng(), samples: 500 });
    assert.deepEqual(rows.map(({ from, to, n }) => [from, to, n]), [[0.6, 0.65, 40], [
      0.95,
      1,
      20,
    ]]);
    assert.ok(Math.abs(rows[0].confidence - 0.62) < 1e-12);
    assert.equal(rows[0].accuracy, 0.25);
    assert.ok(rows[0].low! > 0.08 && rows[0].low! < 0.2 && rows[0].high! < 0.45);
    assert.equal(rows[1].accuracy, 1);
    assert.ok(rows[1].low! < 1); // Wilson's
  });

  it("is empty without labels", () => {
    assert.deepEqual(reliabilityCurve([null], { clusters: ["a"], rng: rng() }), []);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { combineScores, type Comparison, type Winner } from "../lib/method/judgment.ts";
import { fullReport, judgeMeasures } from "../lib/measure/report.ts";
import { triplesOf } from "../lib/measure/round_robin.ts";
import { describeUnanswered, unansweredOf } from "../lib/measure/unanswered.ts";
import { Rng } from "../lib/base/random.ts";
import { user } from "./judge_fakes.ts";

const said = (a: number, b: number, [c, d]: [number, number] = [b, a]) =>
  combineScores([{ principle: "overall", forward: { a, b }, backward: { a: c, b: d } }]);
const comparison = (i: number): Comparison => ({
  prompt: [user(`q${i}`)],
  first: "x".repeat(1 + i % 5),
  second: "y".repeat(1 + i % 3),
});
const rng = () => Rng.named(3, "unanswered");

/** Every other pair is answered, the rest with nothing or next to nothing. */
const judgments = Array.from(
  { length: 60 },
  (_, i) =>
    i % 2 === 0
      ? said(0.5 + (i % 7) / 20, 0.45 - (i % 11) / 30, [0.6 - (i % 5) / 10, 0.3])
      : i % 4 === 1
      ? said(0, 0)
      : said(0.006, 0.001),
);
const comparisons = judgments.map((_, i) => comparison(i));
const labels = judgments.map((_, i): Winner => i % 3 === 0 ? "second" : "first");

describe("a pair that the judge did not answer", () => {
  it("is in no measure but labelProbability and unansweredRate: all others are those of the rest", () => {
    const half = <T>(list: readonly T[]) => list.filter((_, i) => i % 2 === 0);
    const more = {
      labelProbabilities: labels.map((label) => label === "first" ? 0.8 : 0.3),
      own: labels.map((_, i) => i % 5 === 0 ? "first" as const : "second" as const),
    };
    const whole = fullReport(judgments, { comparisons, labels, ...more, rng: rng(), samples: 60 });
    const rest = fullReport(half(judgments), {
      comparisons: half(comparisons),
      labels: half(labels),
      labelProbabilities: half(more.labelProbabilities),
      own: half(more.own),
      rng: rng(),
      samples: 60,
    });
    for (const [name, { value, n }] of Object.entries(rest.measures)) {
      if (["labelProbability", "unansweredRate", "calibrationFloor"].includes(name)) continue;
      assert.deepEqual([whole.measures[name].value, whole.measures[name].n], [value, n], name);
    }
    const { unansweredRate, labelProbability, tieRate, flipRate } = whole.measures;
    assert.deepEqual([unansweredRate.value, unansweredRate.n], [0.5, 60]);
    assert.equal(labelProbability.n, 60);
    assert.deepEqual([tieRate.value, tieRate.n, flipRate.n], [0, 30, 30]);
    assert.deepEqual(
      whole.reliability.reduce((n, row) => n + row.n, 0),
      30,
    );
  });

  it("leaves a judge that answers nothing without rates, for a reason, not with ties", () => {
    const silent = judgments.filter((_, i) => i % 2 === 1);
    const options = { comparisons: comparisons.slice(0, 30), rng: rng(), samples: 20 };
    const { accuracy, flipRate, unansweredRate, labelProbability } = judgeMeasures(silent, {
      ...options,
      preferred: "first",
    });
    for (const { value, n, reason } of [accuracy, flipRate]) {
      assert.deepEqual([value, n], [null, 0]);
      assert.match(reason!, /answered no pair/);
    }
    assert.equal(unansweredRate.value, 1);
    assert.ok(Math.abs(labelProbability.value! - 0.0035) < 1e-9);
  });

  it("is told of with its count and the mean labelProbability", () => {
    assert.equal(
      describeUnanswered(unansweredOf(judgments)),
      "named neither answer in 30 of 60 pairs (mean P(A) + P(B) = 0.0035): they are no ties, and count in " +
        "no rate but unansweredRate",
    );
    assert.equal(describeUnanswered(unansweredOf([said(0.5, 0.4)])), null);
  });

  it("leaves the triple of answers it belongs to out", () => {
    const [win, silence] = [said(0.9, 0.1), said(0, 0)];
    const meetings = [
      { first: 0, second: 1, judgment: win },
      { first: 1, second: 2, judgment: win },
      { first: 0, second: 2, judgment: silence },
    ];
    assert.deepEqual(triplesOf({ candidates: ["a", "b", "c"], meetings }), []);
  });
});

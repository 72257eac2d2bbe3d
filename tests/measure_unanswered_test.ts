import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type Comparison, type Judgment, type Winner } from "../lib/method/judgment.ts";
import { fullReport, judgeMeasures } from "../lib/measure/report.ts";
import { reportText } from "../lib/measure/report_text.ts";
import { roundRobins, triplesOf } from "../lib/measure/round_robin.ts";
import { describeUnanswered, unansweredOf } from "../lib/measure/unanswered.ts";
import { Rng } from "../lib/base/random.ts";
import { judgmentOf, user } from "./judge_fakes.ts";

const said = (a: number, b: number, backward?: [number, number]) => judgmentOf([a, b], backward);
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
  const labelProbabilities = labels.map((label) => label === "first" ? 0.8 : 0.3);
  const own = labels.map((_, i) => i % 5 === 0 ? "first" as const : "second" as const);
  const given = { comparisons, labels, labelProbabilities, own, samples: 60 };
  const measured = (list: readonly Judgment[]) => fullReport(list, { ...given, rng: rng() });
  const answered = (i: number) => i % 2 === 0;

  it("counts a half where right and wrong are counted, over all pairs", () => {
    const { measures } = measured(judgments);
    const mean = (value: (i: number) => number | null) => {
      const values = judgments.flatMap((_, i) => value(i) ?? []);
      return [values.reduce((a, b) => a + b, 0) / values.length, values.length];
    };
    const credit = (side: Winner, i: number) =>
      answered(i) ? Number(judgments[i].winner === side) : 0.5;
    const longer = (i: number) => {
      const [first, second] = [comparisons[i].first.length, comparisons[i].second.length];
      return first === second ? null : first > second ? "first" : "second";
    };
    const expected = {
      accuracy: mean((i) => credit(labels[i], i)),
      longerRate: mean((i) => longer(i) && credit(longer(i)!, i)),
      ownRate: mean((i) => credit(own[i], i)),
      flipRate: mean((i) => answered(i) ? Number(!judgments[i].consistent) : 1),
      brier: mean((i) =>
        ((answered(i) ? judgments[i].pFirst : 0.5) - Number(labels[i] === "first")) ** 2
      ),
      tieRate: [0, 60],
      unansweredRate: [0.5, 60],
    };
    for (const [name, [value, n]] of Object.entries(expected)) {
      assert.ok(Math.abs(measures[name].value! - value) < 1e-12, `${name} ${measures[name].value}`);
      assert.equal(measures[name].n, n, name);
    }
  });

  it("counts the same whatever next to nothing the judge said of it", () => {
    const [one, other] = [said(0.006, 0.001), said(0.0001, 0.003, [0.002, 0.002])];
    const [with1, with2] = [one, other].map((silence) =>
      measured(judgments.map((judgment, i) => answered(i) ? judgment : silence))
    );
    for (const name of Object.keys(with1.measures).filter((name) => name !== "labelProbability")) {
      assert.deepEqual(with1.measures[name], with2.measures[name], name);
    }
    assert.deepEqual(with1.reliability, with2.reliability);
  });

  it("is what a judge gains nothing by: silent on every pair it is at chance, not consistent, and even", () => {
    const silent = judgments.map(() => said(0.001, 0.002, [0.003, 0.001]));
    const { measures, reliability } = measured(silent);
    const values = ["accuracy", "longerRate", "ownRate", "firstPositionRate", "kappa", "brier"]
      .map((name) => measures[name].value);
    assert.deepEqual(values, [0.5, 0.5, 0.5, 0.5, 0, 0.25]);
    assert.deepEqual([measures.flipRate.value, measures.tieRate.value], [1, 0]);
    assert.deepEqual([measures.lengthBias.value, measures.selfPreference.value], [0, 0]);
    assert.deepEqual([measures.calibrationError.value, measures.overconfidence.value], [0, 0]);
    assert.deepEqual(reliability.map(({ confidence, accuracy, n }) => [confidence, accuracy, n]), [
      [0.5, 0.5, 60],
    ]);
  });

  it("keeps kappa at twice the accuracy less one where there are no ties and the file's order is even", () => {
    const alternating = labels.map((_, i): Winner => i % 4 < 2 ? "first" : "second");
    const { measures } = fullReport(judgments, { ...given, labels: alternating, rng: rng() });
    assert.ok(Math.abs(measures.kappa.value! - (2 * measures.accuracy.value! - 1)) < 1e-12);
  });

  it("stands beside accuracy in a short report and in the printed one", () => {
    const { unansweredRate, labelProbability } = judgeMeasures(judgments, {
      comparisons,
      preferred: "first",
      rng: rng(),
      samples: 20,
    });
    assert.equal(unansweredRate.value, 0.5);
    assert.equal(labelProbability.n, 60);
    const unanswered = unansweredOf(judgments);
    const judge = { name: "m", judged: 60, notCovered: 0, ownLabels: 0, unanswered };
    const lines = reportText([{ ...judge, report: measured(judgments) }]).split("\n");
    const at = lines.findIndex((line) => line.startsWith("accuracy "));
    assert.match(lines[at + 1], /^unansweredRate +0\.500 /);
    assert.equal(lines.filter((line) => line.startsWith("unansweredRate")).length, 1);
  });

  it("is told of with its count and the mean labelProbability", () => {
    assert.equal(
      describeUnanswered(unansweredOf(judgments)),
      "named neither answer in 30 of 60 pairs (mean P(A) + P(B) = 0.0035): each counts a half where right and " +
        "wrong are counted, and is no tie",
    );
    assert.equal(describeUnanswered(unansweredOf([said(0.5, 0.4)])), null);
  });

  it("is a half for both answers in a round robin", async () => {
    const replies = [said(0.9, 0.1), said(0.0001, 0.004), said(0.2, 0.8)];
    const [{ order, scores }] = await roundRobins(
      [{ prompt: [user("q")], candidates: ["a", "b", "c"] }],
      () => Promise.resolve(replies), // a beats b, nothing of a and c, c beats b
    );
    assert.deepEqual(scores, [1.5, 0, 1.5]);
    assert.deepEqual(order, [0, 2, 1]);
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

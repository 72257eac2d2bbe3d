import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  byScore,
  firstPosition,
  inverted,
  longerWins,
  randomJudge,
} from "../lib/measure/baseline_judges.ts";
import {
  definedReport,
  judgeMeasures,
  type JudgeReport,
  reportRows,
} from "../lib/measure/report.ts";
import { Rng } from "../lib/base/random.ts";
import { judgmentOf as judged, user } from "./judge_fakes.ts";

const comparison = (first: string, second: string) => ({ prompt: [user("Hi")], first, second });
const rng = () => Rng.named(3, "report");

/** A report of judgments that define all of it. */
const reportOf = (...given: Parameters<typeof judgeMeasures>) =>
  definedReport(judgeMeasures(...given)) as JudgeReport;

describe("a judge's report", () => {
  const judgments = [
    judged([0.8, 0.1], [0.1, 0.8]), // first, both positions agree
    judged([0.7, 0.2], [0.4, 0.3]), // first, but each order names its first position
    judged([0.1, 0.6], [0.5, 0.4]), // second, both positions agree
    judged([0.004, 0.002], [0.002, 0.004]), // next to nothing: no answer
    judged([0.5, 0.25], [0.5, 0.25]), // a tie
  ];
  const comparisons = [
    comparison("longer", "long"),
    comparison("long", "longer"),
    comparison("even", "odd?"),
    comparison("longer", "long"),
    comparison("long", "longer"),
  ];

  it("gives the numbers counted by hand", () => {
    const report = reportOf(judgments, { comparisons, preferred: "first", rng: rng() });
    const values = Object.fromEntries(reportRows(report).map((row) => [row.measure, row.value]));
    const labelProbability = values.labelProbability;
    delete values.labelProbability;
    assert.deepEqual(values, {
      accuracy: 3 / 5, // the pair without an answer is a half, and so is the tie
      longerWinsAccuracy: 2.5 / 5,
      preferredLonger: 2 / 5,
      flipRate: 3 / 5, // the pair without an answer names no winner in either position
      firstPositionRate: 7 / 10, // verdicts that name A: 1, 2, 1, a half of 2 and 2 of 2
      tieRate: 1 / 5,
      unansweredRate: 1 / 5,
    });
    assert.ok(Math.abs(labelProbability - (0.9 + 0.8 + 0.8 + 0.006 + 0.75) / 5) < 1e-12);
    for (const { measure, n } of reportRows(report)) assert.equal(n, 5, measure);
  });

  it("follows the preferred side of each pair", () => {
    const report = reportOf(judgments, {
      comparisons,
      preferred: ["second", "second", "second", "second", "first"],
      rng: rng(),
    });
    assert.equal(report.accuracy.value, 2 / 5);
  });

  it("has an interval around each number, the same for the same seed", () => {
    const run = () => reportOf(judgments, { comparisons, preferred: "first", rng: rng() });
    assert.deepEqual(run(), run());
    for (const { low, value, high } of reportRows(run())) assert.ok(low <= value && value <= high);
    const { accuracy } = run();
    assert.ok(accuracy.low < accuracy.value && accuracy.value < accuracy.high);
  });

  it("of one pair says that anything is possible, also where it is not answered", () => {
    const options = { comparisons: [comparisons[3]], preferred: "first", rng: rng() } as const;
    const rows = reportRows(definedReport(judgeMeasures([judgments[3]], options)));
    const found = Object.fromEntries(rows.map(({ measure, value }) => [measure, value]));
    assert.deepEqual([found.accuracy, found.flipRate, found.unansweredRate], [0.5, 1, 1]);
    const { low, high } = rows.find(({ measure }) => measure === "labelProbability")!;
    assert.deepEqual([low, high], [0, 1]);
  });

  it("refuses no judgments and lists that do not belong together", () => {
    const options = { preferred: "first", rng: rng() } as const;
    assert.throws(() => judgeMeasures([], { ...options, comparisons: [] }), /no judgments/);
    assert.throws(() => judgeMeasures(judgments, { ...options, comparisons: [] }), /do not belong/);
  });
});

describe("baseline judges", () => {
  const pairs = Array.from({ length: 400 }, (_, i) => comparison("x".repeat(i % 7), "yyy"));
  const report = async (compare: typeof longerWins) =>
    reportOf(await compare(pairs), {
      comparisons: pairs,
      preferred: "first",
      rng: rng(),
      samples: 50,
    });

  it("score what their bias alone scores", async () => {
    const longer = await report(longerWins);
    assert.equal(longer.accuracy.value, longer.longerWinsAccuracy.value);
    assert.equal(longer.flipRate.value, 0);
    const position = await report(firstPosition);
    assert.deepEqual([
      position.flipRate.value,
      position.firstPositionRate.value,
      position.accuracy.value,
    ], [
      1,
      1,
      0.5,
    ]);
    const random = await report(randomJudge(Rng.named(5, "coin")));
    assert.ok(Math.abs(random.accuracy.value - 0.5) < 0.08);
    assert.ok(Math.abs(random.flipRate.value - 0.5) < 0.08);
    assert.deepEqual(random, await report(randomJudge(Rng.named(5, "coin"))));
  });

  it("can be turned round", async () => {
    const straight = byScore(({ answer }) => answer.charCodeAt(0) || 0);
    const [one, other] = [await report(straight), await report(inverted(straight))];
    assert.equal(one.accuracy.value + other.accuracy.value, 1);
    const judgments = await inverted(inverted(longerWins))(pairs);
    assert.deepEqual(judgments, await longerWins(pairs));
  });
});

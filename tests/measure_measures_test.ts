import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  binOf,
  calibrationError,
  calibrationFloor,
  calibrationSums,
  call,
} from "../lib/measure/calibration.ts";
import {
  combineScores,
  type Comparison,
  type Judgment,
  type Winner,
} from "../lib/method/judgment.ts";
import { agreementCell, cohenKappa } from "../lib/measure/kappa.ts";
import { MEASURES } from "../lib/measure/measures.ts";
import { randomJudge } from "../lib/measure/baseline_judges.ts";
import { fullReport, type FullReportOptions, reportRows } from "../lib/measure/report.ts";
import { Rng } from "../lib/base/random.ts";
import { judgmentOf, user } from "./judge_fakes.ts";

const close = (actual: number | null, expected: number, tolerance = 1e-12) =>
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected}`,
  );

/** A verdict that gives the first answer probability `p` in both positions. */
const sure = (p: number) => judgmentOf([p, 1 - p]);

const pair = (i: number, first: string, second: string): Comparison => ({
  prompt: [user(`Question ${i}`)],
  first,
  second,
});

const report = (
  judgments: readonly Judgment[],
  options: Omit<FullReportOptions, "rng">,
) => fullReport(judgments, { samples: 40, ...options, rng: Rng.named(3, "report") }).measures;

describe("cohenKappa", () => {
  it("gives the values of scikit-learn 1.9 (cohen_kappa_score)", () => {
    const table = [15, 5, 2, 1, 9, 1, 0, 1, 6];
    close(cohenKappa(table), 0.607843137254902);
    close(cohenKappa([7, 2, 1, 2]), 0.4);
  });

  it("gives Cohen's own kind of example by hand: 0.7 observed, 0.5 expected", () => {
    close(cohenKappa([20, 5, 10, 15]), 0.4);
    close(cohenKappa([10, 0, 0, 10]), 1);
    close(cohenKappa([0, 10, 10, 0]), -1);
  });

  it("is not defined when both say one same thing, or nothing", () => {
    assert.equal(cohenKappa([7, 0, 0, 0]), null);
    assert.equal(cohenKappa([0, 0, 0, 0]), null);
    close(cohenKappa([5, 5, 0, 0]), 0); // a constant judge is at chance
  });

  it("counts a pair in one cell: the verdict's row, the label's column", () => {
    assert.deepEqual(agreementCell("tie", "second"), [0, 0, 0, 0, 0, 0, 0, 1, 0]);
    assert.deepEqual(agreementCell("first", "second"), [0, 1, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("calibration", () => {
  it("puts confidences into equal bins over [0.5, 1], the end into the last", () => {
    assert.deepEqual([0.5, 0.549, 0.551, 0.76, 0.999, 1].map((c) => binOf(c)), [0, 0, 1, 5, 9, 9]);
    assert.deepEqual([0.55, 0.6, 0.65, 0.7, 0.8, 0.9].map((c) => binOf(c)), [1, 2, 3, 4, 6, 8]);
  });

  it("gives the error counted by hand", () => {
    // bin [0.6, 0.65): 0.62 right, 0.64 wrong: |1.26 - 1| = 0.26; bin [0.9, 0.95): 0.9 right: 0.1
    const sums = [call(0.62, "first"), call(0.36, "first"), call(0.1, "second")]
      .map((made) => calibrationSums(made))
      .reduce((a, b) => a.map((value, i) => value + b[i]));
    close(calibrationError(sums), (0.26 + 0.1) / 3);
    assert.equal(calibrationError([0, 0, 0]), null);
  });

  it("does not see which answer was written first", () => {
    for (const p of [0.1, 0.3, 0.5, 0.8]) {
      const [one, other] = [call(p, "first"), call(1 - p, "second")];
      close(one.confidence, other.confidence);
      assert.equal(one.right, other.right);
    }
    assert.equal(call(0.5, "first").right, 0.5);
  });

  it("expects from exact probabilities the error that their noise makes", () => {
    // One bin, confidence 0.75, n calls: E|mean - 0.75| is about sqrt(2 p q / (pi n)).
    const calls = Array.from({ length: 300 }, () => ({ confidence: 0.75, right: 1 }));
    const { value, low, high } = calibrationFloor(calls, {
      rng: Rng.named(5, "floor"),
      samples: 4000,
    });
    close(value, Math.sqrt(2 * 0.75 * 0.25 / (Math.PI * 300)), 0.001);
    assert.ok(low! < value! && value! < high!);
    const even = calls.map(() => call(0.5, "first")); // leans to none, so there is no noise
    assert.equal(calibrationFloor(even, { rng: Rng.named(5, "floor") }).value, 0);
    const certain = calls.map(() => ({ confidence: 1, right: 1 }));
    assert.equal(calibrationFloor(certain, { rng: Rng.named(5, "floor") }).value, 0);
  });
});

describe("fullReport", () => {
  it("gives the numbers counted by hand", () => {
    const comparisons = [
      pair(0, "aaaa", "aa"), // difference 2
      pair(1, "a", "aaa"), // -2
      pair(2, "aa", "aaa"), // -1
      pair(3, "aaa", "bbb"), // 0
    ];
    const judgments = [0.9, 0.3, 0.6, 0.5].map(sure);
    const found = report(judgments, {
      comparisons,
      labels: ["first", "second", "second", "tie"],
      labelProbabilities: [0.8, 0.1, 0.4, null],
      own: ["first", "first", "second", null],
    });
    const value = (name: string) => found[name].value;
    close(value("accuracy"), 2 / 3);
    close(value("longerRate"), 2 / 3);
    close(value("preferredLonger"), 1);
    close(value("tieRate"), 1 / 4);
    close(value("brier"), (0.01 + 0.09 + 0.36) / 3);
    // p - 0.5: 0.4, -0.2, 0.1, 0; differences 2, -2, -1, 0
    close(value("lengthCorrelation"), (0.8 + 0.4 - 0.1) / Math.sqrt(0.21 * 9));
    // verdicts 0.5, -0.5, 0.5, 0
    close(value("lengthCorrelationVerdict"), (1 + 1 - 0.5) / Math.sqrt(0.75 * 9));
    // labels 0.3, -0.4, -0.1
    close(value("labelCorrelation"), (0.12 + 0.08 - 0.01) / Math.sqrt(0.21 * 0.26));
    close(value("ownRate"), 1 / 3); // won, lost, lost
    // labelled own (0 won, 2 lost): 1/2; labelled other (1 won): 1
    close(value("selfPreference"), 1 / 2 - 1);
    // 3 of 4 agree, one a tie; verdicts 2 first, 1 second, 1 tie; labels 1, 2, 1: 5/16 by chance
    close(value("kappa"), (3 / 4 - 5 / 16) / (1 - 5 / 16));
    close(value("overconfidence"), (0.9 + 0.7 + 0.6) / 3 - 2 / 3);
    close(value("calibrationError"), (0.1 + 0.3 + 0.6) / 3);
    assert.equal(found.accuracy.n, 3);
    assert.equal(found.kappa.n, 4);
    assert.equal(found.lengthBias.value, null); // the better answer is never the shorter one
  });

  it("tells a length bias from being right about long answers", () => {
    const rng = Rng.named(2, "length");
    const comparisons: Comparison[] = [];
    const labels: Winner[] = [];
    for (let i = 0; i < 600; i++) {
      const [long, short] = ["x".repeat(9), "x".repeat(4)];
      comparisons.push(rng.uniform() < 0.5 ? pair(i, long, short) : pair(i, short, long));
      const longerIsBetter = rng.uniform() < 0.8; // labels like length, the fair judges below do not
      labels.push((comparisons[i].first === long) === longerIsBetter ? "first" : "second");
    }
    const biasOf = (verdict: (i: number) => number) =>
      report(comparisons.map((_, i) => sure(verdict(i))), { comparisons, labels }).lengthBias
        .value!;
    assert.equal(biasOf((i) => labels[i] === "first" ? 1 : 0), 0); // always right
    close(biasOf(() => rng.uniform() < 0.5 ? 1 : 0), 0, 0.12); // a coin
    assert.equal(biasOf((i) => comparisons[i].first.length > 4 ? 1 : 0), 1); // length alone
  });

  it("says n/a with a reason, never NaN, where the pairs define no value", () => {
    const comparisons = [pair(0, "aa", "bb"), pair(1, "cc", "dd")];
    const rows = reportRows(
      fullReport([0.5, 0.5].map(sure), {
        comparisons,
        labels: [null, null],
        rng: Rng.named(1, "none"),
        samples: 20,
      }).measures,
    );
    assert.deepEqual(rows.map(({ measure }) => measure).sort(), Object.keys(MEASURES).sort());
    for (const { measure, value, low, high, reason } of rows) {
      for (const number of [value, low, high]) {
        assert.ok(number === null || Number.isFinite(number), `${measure} ${number}`);
      }
      if (value === null) assert.ok(reason !== undefined && reason.length > 10, measure);
    }
    const missing = rows.filter(({ value }) => value === null).map(({ measure }) => measure);
    for (const name of ["accuracy", "kappa", "longerRate", "selfPreference", "calibrationError"]) {
      assert.ok(missing.includes(name), name);
    }
    assert.ok(!missing.includes("firstPositionRate") && !missing.includes("flipRate"));
  });

  describe("of agreement beyond chance", () => {
    const judgeAnd = (verdicts: readonly Winner[], labels: readonly Winner[]) =>
      report(verdicts.map((verdict) => sure({ first: 0.9, second: 0.2, tie: 0.5 }[verdict])), {
        comparisons: verdicts.map((_, i) => pair(i, "aa", "b")),
        labels,
      });
    const times = (n: number, verdict: Winner) => Array.from({ length: n }, () => verdict);
    const labels = [...times(8, "first"), ...times(4, "second")];
    const verdicts = [...times(7, "first"), "second", ...times(2, "first"), ...times(2, "second")];

    it("has scikit-learn's kappa of the verdicts and the labels, which is not 2 accuracy - 1", () => {
      const found = judgeAnd(verdicts as Winner[], labels);
      close(found.accuracy.value, 0.75);
      close(found.kappa.value, 0.4);
      const tied = judgeAnd(
        [...verdicts, "tie", "first", "second"] as Winner[],
        [...labels, "tie", "tie", "first"],
      );
      close(tied.kappa.value, 0.3589743589743589);
    });

    it("has none for a judge that always names one answer, however often that is right", () => {
      const found = judgeAnd(times(12, "first"), labels);
      close(found.accuracy.value, 8 / 12);
      close(found.kappa.value, 0);
    });

    it("is not defined where the file always writes the better answer first, ties apart", () => {
      for (const more of [[], times(2, "tie")]) {
        const given = [...times(3, "first"), ...more];
        const { kappa } = judgeAnd(
          [...times(2, "first"), ...times(1 + more.length, "second")],
          given,
        );
        assert.equal(kappa.value, null);
        assert.match(kappa.reason!, /every label names the same side \(first\)/);
      }
    });
  });

  it("is the same when the answers of any pairs are swapped", async () => {
    const rng = Rng.named(8, "swap");
    const text = () => "y".repeat(1 + rng.int(9));
    const comparisons = Array.from({ length: 60 }, (_, i) => pair(i % 40, text(), text()));
    const judgments = await randomJudge(rng)(comparisons);
    const side = () => (["first", "second"] as const)[rng.int(2)];
    const labels = comparisons.map((): Winner => rng.uniform() < 0.1 ? "tie" : side());
    const labelProbabilities = comparisons.map(() => rng.uniform());
    const own = comparisons.map(() => rng.uniform() < 0.3 ? null : side());
    const straight = report(judgments, { comparisons, labels, labelProbabilities, own });

    const swapped = comparisons.map(() => rng.uniform() < 0.5);
    const other = { first: "second", second: "first", tie: "tie" } as const;
    const mirrored = report(
      judgments.map((judgment, i) =>
        swapped[i]
          ? combineScores(judgment.votes.map(({ principle, forward, backward }) => ({
            principle,
            forward: backward,
            backward: forward,
          })))
          : judgment
      ),
      {
        comparisons: comparisons.map((made, i) =>
          swapped[i] ? { ...made, first: made.second, second: made.first } : made
        ),
        labels: labels.map((label, i) => swapped[i] ? other[label] : label),
        labelProbabilities: labelProbabilities.map((p, i) => swapped[i] ? 1 - p : p),
        own: own.map((o, i) => o && swapped[i] ? other[o] : o),
      },
    );
    for (const name of Object.keys(straight).filter((name) => name !== "kappa")) {
      for (const end of ["value", "low", "high"] as const) {
        const [one, two] = [straight[name][end], mirrored[name][end]];
        if (one === null) assert.equal(two, null, name);
        else close(two, one, 1e-9);
      }
    }
  });

  it("leaves out what a verdict taken down in one position does not tell", () => {
    const comparisons = Array.from({ length: 8 }, (_, i) => pair(i, "aa", "b"));
    // The first answer always wins, and sat in the first position 6 times of 8: that is no position bias.
    const judgments = comparisons.map((_, i): Judgment => ({
      ...sure(0.9),
      recorded: i < 6 ? "forward" : "backward",
    }));
    const found = report(judgments, { comparisons, labels: comparisons.map(() => null) });
    assert.equal(found.flipRate.value, null);
    assert.equal(found.labelProbability.value, null);
    assert.equal(found.unansweredRate.value, null);
    assert.match(found.flipRate.reason!, /one position only/);
    close(found.firstPositionRate.value, 0.5);
    const unknown = judgments.map((judgment) => ({ ...judgment, recorded: "unknown" as const }));
    const blind = report(unknown, { comparisons, labels: comparisons.map(() => null) });
    assert.equal(blind.firstPositionRate.value, null);
  });

  it("refuses lists that do not belong together", () => {
    const options = { comparisons: [pair(0, "a", "b")], rng: Rng.named(1, "x") };
    assert.throws(() => fullReport([sure(1)], { ...options, labels: [] }), /do not belong/);
    assert.throws(
      () => fullReport([sure(1)], { ...options, labels: [null], own: [] }),
      /0 own do not belong/,
    );
    assert.throws(
      () => fullReport([], { ...options, comparisons: [], labels: [] }),
      /no judgments/,
    );
  });
});

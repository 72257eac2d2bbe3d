import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { deskCoverage, faultyDeskJudge } from "../lib/lab/coverage/desk.ts";
import { intervalCoverage } from "../lib/lab/coverage/coverage.ts";

describe("a judge report in the world of the order desk", () => {
  it("has intervals that hold the truth in about 95 of 100 samples", () => {
    const rows = deskCoverage({ pairs: 6000, draws: 100, n: 200, samples: 150 });
    const found = new Map(rows.map((row) => [row.measure, row]));
    for (
      const measure of [
        ...["accuracy", "kappa", "flipRate", "firstPositionRate", "lengthCorrelation"],
        ...["calibrationError", "overconfidence", "brier", "unansweredRate", "labelProbability"],
      ]
    ) {
      const { coverage, draws, n, truth } = found.get(measure)!;
      assert.ok(Number.isFinite(truth));
      assert.ok(draws > 95 && n === 200, `${measure}: ${draws} of 100 samples had an interval`);
      // 100 draws at 0.95 stray by 0.065 at three standard errors; the error's interval is wide on purpose.
      assert.ok(coverage > 0.88, `${measure} ${coverage}`);
      assert.ok(coverage < 1 || measure === "calibrationError", `${measure} ${coverage}`);
    }
  });

  it("would be told from one with narrower intervals", () => {
    // Narrower intervals of the same samples have to hold the truth less often.
    const population = faultyDeskJudge({ seed: 1, pairs: 2000 });
    const options = { seed: 1, draws: 25, n: 60, samples: 60 };
    const [wide, narrow] = ([0.99, 0.9] as const).map((level) =>
      intervalCoverage(population, { ...options, level })
        .find(({ measure }) => measure === "accuracy")!.coverage
    );
    assert.ok(wide > narrow, `${wide} at 0.99, ${narrow} at 0.9`);
  });

  it("is of a judge whose faults are known", () => {
    const judged = faultyDeskJudge({ seed: 2, pairs: 3000 });
    const silent = judged.filter(({ judgment }) => !judgment.answered).length / judged.length;
    assert.ok(Math.abs(silent - 0.1) < 0.02, `${silent}`);
    assert.deepEqual(faultyDeskJudge({ seed: 2, pairs: 5 }), judged.slice(0, 5));
  });
});

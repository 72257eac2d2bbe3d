import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  CLAIMS,
  type Contrast,
  measure,
  type Measured,
  verdictOf,
} from "../lib/lab/study/claims.ts";
import { METHODS } from "../lib/method/mod.ts";

const contrast = (says: Contrast["says"], margin?: number): Contrast => ({
  a: "a",
  b: "b",
  says,
  margin,
});
/** Five seeds in which a is better than b by about `gap`. */
const seeds = (gap: number) =>
  [-0.02, -0.01, 0, 0.01, 0.02].map((e) => ({ a: [gap + e, gap + e], b: [0, 0] }));

describe("a contrast", () => {
  it("has Student's interval of the seeds' mean differences", () => {
    const found = measure(contrast("greater"), seeds(1))!;
    // Deviation of (-.02 .. .02) is 0.0158114, over sqrt 5 is 0.00707107, times 2.77645.
    assert.ok(Math.abs(found.low! - (1 - 0.0196325)) < 1e-6, `${found.low}`);
    assert.ok(Math.abs(found.high! - (1 + 0.0196325)) < 1e-6);
    assert.deepEqual([found.valueA, found.valueB, found.seeds], [1, 0, 5]);
  });

  it("is judged by its interval and margin", () => {
    const verdict = (says: Contrast["says"], gap: number, margin?: number) =>
      measure(contrast(says, margin), seeds(gap))!.verdict;
    assert.equal(verdict("greater", 0.1), "held");
    assert.equal(verdict("greater", 0), "open");
    assert.equal(verdict("greater", -0.1), "not held");
    assert.equal(verdict("no worse", -0.01, 0.05), "held");
    assert.equal(verdict("no worse", -0.05, 0.05), "open");
    assert.equal(verdict("no worse", -0.1, 0.05), "not held");
    assert.equal(verdict("report", 5), "reported");
  });

  it("rests on a bootstrap over items with one seed, on nothing with one number", () => {
    const items = [{ a: [1, 2, 3, 4], b: [0, 0, 0, 0] }];
    const found = measure(contrast("greater"), items)!;
    assert.equal(found.difference, 2.5);
    assert.ok(found.low! >= 1 && found.low! < 2.5 && found.high! > 2.5 && found.high! <= 4);
    const lone = measure(contrast("greater"), [{ a: [1], b: [0] }])!;
    assert.deepEqual([lone.low, lone.high, lone.verdict], [null, null, "open"]);
  });

  it("uses only seeds that have both, and is absent without one", () => {
    assert.equal(measure(contrast("greater"), [...seeds(1), { a: [9] }])!.seeds, 5);
    assert.equal(measure(contrast("greater"), [{ a: [9] }]), null);
  });
});

describe("a claim", () => {
  const parts = (...verdicts: string[]) => verdicts.map((verdict) => ({ verdict }) as Measured);

  it("is held if all its parts are, and mixed if some are", () => {
    assert.equal(verdictOf(parts("held", "held", "reported")), "held");
    assert.equal(verdictOf(parts("held", "not held")), "mixed");
    assert.equal(verdictOf(parts("held", "open", "reported")), "mixed");
  });

  it("is not held, where no part is, as soon as one is refuted, and open before", () => {
    assert.equal(verdictOf(parts("not held", "not held")), "not held");
    assert.equal(verdictOf(parts("open", "not held")), "not held");
    assert.equal(verdictOf(parts("open", "open", "reported")), "open");
    assert.equal(verdictOf(parts("reported")), "reported");
  });

  it("of SELF-JUDGE against RAFT is about as many samples as SELF-JUDGE draws, too", () => {
    const { contrasts } = CLAIMS.find(({ number }) => number === 3)!;
    for (const other of ["raft", "raft-2"]) {
      assert.ok(
        contrasts.some(({ a, b, says }) =>
          a === "reward/self-judge" && b === `reward/${other}` && says === "greater"
        ),
        other,
      );
    }
    assert.equal(METHODS["raft-2"].candidates, METHODS["self-judge"].candidates);
  });
});

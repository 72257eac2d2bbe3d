import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  type Contrast,
  FAMILIES,
  type Family,
  type Measured,
  measureFamily,
  type RunItems,
} from "../lib/lab/study/claims.ts";
import { studyMethod } from "../lib/lab/study/methods.ts";
import { COUNTED } from "../lib/lab/study/rows.ts";

const contrast = (a: string, says: Contrast["says"] = "greater", margin?: number): Contrast => ({
  ...{ text: a, a, b: "b", says, margin },
  paper: "says so",
});
const family = (...contrasts: Contrast[]): Family => ({ number: 1, text: "one", contrasts });

/** Three bases with five seeds each, in which `a` is better than b by about `gaps`, one a base. */
const runs = (gaps: readonly number[], name = "a"): RunItems[] =>
  gaps.flatMap((gap, base) =>
    [-0.02, -0.01, 0, 0.01, 0.02].map((e, seed) => ({
      ...{ base: `${base + 1}`, seed: seed + 1 },
      items: { [name]: [gap + e, gap + e], b: [0, 0] },
    }))
  );
const only = (gaps: readonly number[], says?: Contrast["says"], margin?: number): Measured =>
  measureFamily(family(contrast("a", says, margin)), runs(gaps))[0];

describe("a contrast", () => {
  it("has the mean of bases and an interval that knows of them", () => {
    const alike = only([1, 1, 1]);
    assert.deepEqual([alike.valueA, alike.valueB, alike.runs, alike.bases], [1, 0, 15, 3]);
    assert.ok(Math.abs(alike.difference - 1) < 1e-12);
    assert.ok(alike.low > 0.985 && alike.high < 1.015, `${alike.low} ${alike.high}`);
    const apart = only([0.5, 1, 1.5]);
    assert.ok(apart.low < 0.75 && apart.high > 1.25, "bases that differ widen it");
    assert.deepEqual(Object.keys(apart.perBase), ["1", "2", "3"]);
  });

  it("is held only if every base has its sign", () => {
    assert.equal(only([0.1, 0.1, 0.1]).verdict, "held");
    assert.equal(only([0.5, 0.5, -0.01]).verdict, "open");
    assert.equal(only([-0.1, -0.1, -0.1]).verdict, "not held");
    assert.equal(only([0, 0, 0]).verdict, "open");
  });

  it("of no worse allows the margin, and is refuted only beyond it", () => {
    assert.equal(only([-0.01, -0.01, -0.01], "no worse", 0.05).verdict, "held");
    assert.equal(only([-0.05, -0.05, -0.05], "no worse", 0.05).verdict, "open");
    assert.equal(only([-0.1, -0.1, -0.1], "no worse", 0.05).verdict, "not held");
  });

  it("is corrected for its family by Holm", () => {
    // Alone the gap is shown; among nine of nothing it is not.
    const weak = runs([0.009, 0.009, 0.009]).map((run) => ({ ...run }));
    const names = Array.from({ length: 9 }, (_, i) => `none${i}`);
    for (const run of weak) {
      for (const name of names) {
        (run.items as Record<string, number[]>)[name] = [0.001 * (run.seed - 3)];
      }
    }
    const alone = measureFamily(family(contrast("a")), weak)[0];
    const among = measureFamily(family(contrast("a"), ...names.map((n) => contrast(n))), weak)[0];
    assert.equal(alone.verdict, "held");
    assert.ok(Math.abs(among.p! - 10 * alone.p!) < 1e-12);
    assert.equal(among.verdict, "open");
  });

  it("of one run has an interval over prompts and no verdict", () => {
    const [found] = measureFamily(family(contrast("a")), [
      { base: "1", seed: 1, items: { a: [1, 2, 3, 4], b: [0, 0, 0, 0] } },
    ]);
    assert.equal(found.difference, 2.5);
    assert.ok(found.low >= 1 && found.low < 2.5 && found.high > 2.5 && found.high <= 4);
    assert.deepEqual([found.p, found.verdict], [null, "one run"]);
  });

  it("uses only runs that have both, and is absent without one", () => {
    const lone = { base: "9", seed: 1, items: { a: [9] } };
    assert.equal(measureFamily(family(contrast("a")), [...runs([1, 1, 1]), lone])[0].runs, 15);
    assert.deepEqual(measureFamily(family(contrast("a")), [lone]), []);
  });
});

describe("the protocol's families", () => {
  it("are those of the protocol file, contrast by contrast", async () => {
    const protocol = await Deno.readTextFile("data/results/claims/protocol.md");
    for (const { number, contrasts } of FAMILIES) {
      const rows = [...protocol.matchAll(new RegExp(`^\\| ${number} .*$`, "gm"))];
      assert.ok(rows.length > 0, `family ${number} is in the protocol`);
      const margins = contrasts.some(({ says }) => says === "no worse");
      assert.equal(rows.some(([row]) => row.includes("no worse")), margins, `family ${number}`);
    }
  });

  it("compare like with like: as many samples on both sides", () => {
    const method = (name: string) => name.replace("reward/", "");
    for (const { contrasts } of FAMILIES) {
      for (const { a, b } of contrasts) {
        if (!a.startsWith("reward/") || !b.startsWith("reward/")) continue;
        const [x, y] = [a, b].map(method);
        if (["sft", "jsft"].some((start) => [x, y].includes(start))) continue;
        assert.ok((COUNTED as readonly string[]).includes(x), `${x} is counted`);
        assert.ok((COUNTED as readonly string[]).includes(y), `${y} is counted`);
        const samples = [x, y].map((name) =>
          studyMethod(name as typeof COUNTED[number]).candidates
        );
        assert.equal(samples[0], samples[1], `${x} and ${y}`);
      }
    }
  });
});

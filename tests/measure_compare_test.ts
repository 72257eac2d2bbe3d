import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { compareModels, notComparable, readComparisons, winRate } from "../lib/measure/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { comparisons } from "./measure_annotation_files.ts";
import { ALPACA, itWith } from "./real_data.ts";
import { refusesAtOnce } from "./refusals.ts";

const rng = () => Rng.named(7, "test");

describe("compareModels", () => {
  it("pairs by instruction, not by place", () => {
    const a = comparisons("a", { x: 0.9, y: 0.2, z: 0.5 });
    const b = comparisons("b", { z: 0.5, y: 0.3, x: 0.4 });
    const found = compareModels(a, b, { rng: rng() });
    assert.ok(Math.abs(found.difference.value - 40 / 3) < 1e-9);
    assert.deepEqual([found.better, found.equal, found.worse, found.leftOut], [1, 1, 1, {}]);
    const back = compareModels(b, a, { rng: rng() });
    assert.ok(Math.abs(found.difference.value + back.difference.value) < 1e-9);
    assert.equal(found.difference.n, 3);
  });

  it("has no width for a constant difference, however much the instructions vary", () => {
    const draw = rng();
    const values = Array.from({ length: 50 }, (_, i) => [String(i), draw.uniform() / 2] as const);
    const a = comparisons("a", Object.fromEntries(values.map(([i, p]) => [i, p + 0.25])));
    const b = comparisons("b", Object.fromEntries(values));
    const { difference, standardError } = compareModels(a, b, { rng: rng() });
    // Sums of tenths differ in their last bits, so the width need not be exactly 0.
    assert.ok((difference.high ?? 0) - (difference.low ?? 0) < 1e-9);
    assert.ok(Math.abs(difference.value - 25) < 1e-9);
    assert.ok(standardError! < 1e-9);
  });

  it("leaves out, counted, what has no counterpart", () => {
    const a = comparisons("a", { x: 0.9, only: 1, none: null, other: 1 });
    const b = comparisons("b", { x: 0.4, none: 1, other: 0, twice: 1, extra: 0 });
    const items = b.items.map((item) => ({
      ...item,
      instruction: item.instruction === "twice" ? "x2" : item.instruction,
      baselineAnswer: item.instruction === "other" ? "another" : item.baselineAnswer,
    }));
    const repeated = [...items, { ...items[3], item: 9 }];
    const withX2 = { ...a, items: [...a.items, { ...a.items[0], instruction: "x2", item: 9 }] };
    const found = compareModels(withX2, { ...b, items: repeated }, { rng: rng() });
    assert.equal(found.difference.n, 1);
    assert.equal(found.standardError, null);
    assert.deepEqual(found.leftOut, {
      "not in b": 1,
      "without a preference": 1,
      "with different baseline answers": 1,
      "comes twice": 1,
      "not in a": 1,
    });
  });

  it("refuses different baselines and disjoint instructions", () => {
    const a = comparisons("a", { x: 1 });
    refusesAtOnce(
      () => compareModels(a, comparisons("b", { x: 1 }, { baseline: "other" }), { rng: rng() }),
      /"base", b\.json with "other"/,
    );
    refusesAtOnce(
      () =>
        compareModels(
          comparisons("a", { x: 1 }, { annotator: "one" }),
          comparisons("b", { x: 1 }, { annotator: "two" }),
          { rng: rng() },
        ),
      /a\.json was annotated by "one", b\.json by "two"[^]*files of one annotator/,
    );
    refusesAtOnce(
      () => compareModels(a, comparisons("b", { y: 1 }), { rng: rng() }),
      /no instruction in common.*1 not in b/,
    );
  });

  itWith(ALPACA)("gives less error than two separate rates on published models", async () => {
    const [a, b] = await Promise.all(
      ["alpaca-7b", "alpaca-7b_concise"].map((m) => readComparisons(`${ALPACA}/${m}.json.gz`)),
    );
    const paired = compareModels(a, b, { rng: rng() });
    const [ra, rb] = [a, b].map((file) => winRate(file, { rng: rng(), samples: 2 }));
    assert.equal(paired.difference.n, 804);
    assert.deepEqual(paired.leftOut, { "not in alpaca-7b_concise": 1 });
    assert.ok(paired.standardError! < 0.95 * Math.hypot(ra.standardError!, rb.standardError!));
  });
});

describe("notComparable", () => {
  it("is silent for the same instructions in another order", () => {
    const files = [comparisons("a", { x: 1, y: 0 }), comparisons("b", { y: 1, x: 0 })];
    assert.deepEqual(notComparable(files), []);
  });

  it("names different annotators, and one that is not its folder's", () => {
    const by = (model: string, annotator: string | null, file = `${model}.json`) =>
      comparisons(model, { x: 1 }, { annotator, file });
    assert.deepEqual(notComparable([by("a", "one"), by("b", "one"), by("c", null)]), []);
    const [note, ...rest] = notComparable([by("a", "one"), by("b", "two"), by("c", null)]);
    assert.match(note, /different annotators.*a\.json one, b\.json two, c\.json \(not known\)/);
    assert.deepEqual(rest, []);
    const folders: [string, string, number][] = [
      ["results/m/alpaca_eval_gpt4_turbo_fn/annotations.json", "alpaca_eval_cot_gpt4_turbo_fn", 1],
      ["results/m/alpaca_eval_gpt4_turbo_fn/annotations.json.gz", "alpaca_eval_gpt4_turbo_fn", 0],
      ["results/m/mt-bench_gpt-4/annotations.json", "mt-bench:gpt-4", 0],
      ["my results/annotations.json", "alpaca_eval_gpt4_turbo_fn", 0],
    ];
    for (const [file, annotator, notes] of folders) {
      const found = notComparable([by("m", annotator, file)]);
      assert.equal(found.length, notes, file);
      if (notes > 0) {
        assert.match(found[0], /folder of "alpaca_eval_gpt4_turbo_fn" and was annotated/);
      }
    }
  });

  it("names different baselines, and missing instructions with a place", () => {
    const notes = notComparable([
      comparisons("a", { x: 1, y: 0, z: 1 }),
      comparisons("b", { x: 1, w: 0 }, { baseline: "other" }),
    ]);
    assert.equal(notes.length, 3);
    assert.match(notes[0], /different baselines.*a\.json base, b\.json other/);
    assert.match(notes[1], /a\.json lacks 1 of the 4 instructions .*b\.json item 2/);
    assert.match(notes[2], /b\.json lacks 2 of the 4 instructions .*a\.json item 2/);
  });
});

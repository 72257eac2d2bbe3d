import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { describeWarning } from "../lib/preference/mod.ts";
import { readComparisons } from "../lib/measure/mod.ts";
import { annotation } from "./measure_annotation_files.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";

const items = () => ["a", "b", "c", "d"].map((name, i) => annotation(name, 1 + i / 4));

describe("readComparisons", () => {
  it("reads the fields it needs in any order, plain or packed", async () => {
    const text = JSON.stringify(items());
    const plain = await readComparisons(await file("gpt-3.5.json", text));
    const packed = await readComparisons(await file("gpt-3.5.json.gz", gzipSync(text)));
    assert.deepEqual(packed.items, plain.items);
    assert.deepEqual([plain.model, packed.model], ["gpt-3.5", "gpt-3.5"]);
    assert.deepEqual([plain.baseline, plain.generator, plain.warnings], ["base", "model", []]);
    assert.deepEqual(plain.items.map(({ preference }) => preference), [0, 0.25, 0.5, 0.75]);
    assert.deepEqual(plain.items[1], {
      item: 2,
      instruction: "b",
      preference: 0.25,
      baselineAnswer: "baseline on b",
      lengths: { baseline: 13, model: 10 },
    });
  });

  it("leaves out null and NaN preferences and counts them, wherever the file is cut", async () => {
    const list = items();
    list[1].preference = null;
    list[2].output_2 = 'NaN and "NaN" \\';
    const text = JSON.stringify(list).replace('"preference":1.75', '"preference": NaN');
    for (const content of [text, gzipSync(text)]) {
      const read = await readComparisons(await file("nan.json", content));
      assert.deepEqual(read.items.map(({ preference }) => preference), [0, null, 0.5, null]);
      assert.equal(read.items[2].lengths.model, 15);
      assert.match(
        read.warnings.map(describeWarning).join(),
        /^\/.+\/nan\.json: 2 items \(2, 4\): no preference \(null or NaN\): in no rate$/,
      );
    }
  });

  it("counts a preference of 0, null answers, doubles and unnamed baselines, each by item", async () => {
    const list = [
      ...items(),
      annotation("a", 0),
      annotation("e", 2, { output_2: null, generator_1: null }),
      annotation("f", 2, { output_1: null, generator_1: undefined }),
    ];
    const { items: read, warnings } = await readComparisons(await file("odd.json", list));
    assert.equal(read[4].preference, 0.5);
    assert.equal(read[5].lengths.model, null);
    assert.deepEqual(
      warnings.map(({ reason, items }) => [reason.replace(/[,:(].*/, "").trim(), items]),
      [
        ["preference 0", [5]],
        ["the instruction came before", [5]],
        ["no generator_1", [6, 7]],
        ["no answer", [6]],
        ["no baseline answer", [7]],
      ],
    );
  });

  const wrong: [string, (list: Record<string, unknown>[]) => void, RegExp][] = [
    ["a preference above 2", (l) => l[2].preference = 2.5, /item 3: "preference": .*\(2\.5\)/],
    ["a preference below 1", (l) => l[1].preference = 0.5, /item 2: "preference": .*\(0\.5\)/],
    ["a preference that is text", (l) => l[0].preference = "2", /item 1: "preference"/],
    ["no preference field", (l) => delete l[3].preference, /item 4: "preference" is missing/],
    ["no instruction", (l) => delete l[3].instruction, /item 4: "instruction" is missing/],
    ["no answer", (l) => delete l[1].output_2, /item 2: "output_2" is missing/],
    ["no baseline answer", (l) => delete l[1].output_1, /item 2: "output_1" is missing/],
    ["an answer that is a number", (l) => l[1].output_1 = 5, /item 2: "output_1": .*\(5\)/],
  ];
  for (const [what, spoil, message] of wrong) {
    it(`refuses ${what}, and leaves it out, counted, when asked`, async () => {
      const list = items();
      spoil(list);
      const path = await file("wrong.json", list);
      await refuses(() => readComparisons(path), /wrong\.json item/, message);
      const { items: kept, warnings } = await readComparisons(path, { onBadItem: "skip" });
      assert.equal(kept.length, 3);
      assert.equal(warnings.length, 1);
      assert.match(describeWarning(warnings[0]), /wrong\.json item \d: left out: "/);
    });
  }

  it("refuses two baselines or two models in one file, even when bad items are skipped", async () => {
    for (const field of ["generator_1", "generator_2"]) {
      const list = items();
      list[2][field] = "other";
      const path = await file("mixed.json", list);
      for (const onBadItem of ["fail", "skip"] as const) {
        await refuses(
          () => readComparisons(path, { onBadItem }),
          new RegExp(`mixed\\.json item 3: the \\w+ \\(${field}\\) is "other", in item 1 it is`),
        );
      }
    }
  });

  it("refuses two annotators in one file, unless one of them is asked for", async () => {
    const by = (annotator: string | null, i: number) =>
      annotation(`${i}`, 1.5 + i / 20, { annotator });
    const path = await file("annotators.json", ["one", "one", "two", null].map(by));
    await refuses(
      () => readComparisons(path),
      /annotators\.json item 3: the annotator is "two", in item 1 it is "one"\n.*--annotator NAME/,
    );
    const { items: kept, annotator, warnings } = await readComparisons(path, { annotator: "one" });
    assert.deepEqual([kept.length, annotator], [2, "one"]);
    assert.match(
      describeWarning(warnings[0]),
      /annotators\.json: 2 items \(3, 4\): left out: not of the annotator "one"/,
    );
    await refuses(
      () => readComparisons(path, { annotator: "three" }),
      /no comparison of the annotator "three"\n.*"one", "two", "\(none named\)"/,
    );
    const alone = await readComparisons(await file("alone.json", [by("one", 0), by(null, 1)]));
    assert.equal(alone.annotator, "one");
  });

  it("refuses a file without a single preference", async () => {
    const none = /holds no comparison with a preference/;
    await refuses(async () => readComparisons(await file("none.json", [])), none);
    const list = [annotation("a", null), annotation("b", null)];
    await refuses(
      async () => readComparisons(await file("nulls.json", list)),
      none,
      /2 x no preference/,
    );
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { collectPairs, NO_PREFERENCE, readAnnotations } from "../lib/preference/mod.ts";
import { nanAsNull } from "../lib/preference/python_json.ts";
import { skipping } from "./preference_files.ts";
import { annotation } from "./measure_annotation_files.ts";
import { ALPACA, itWith } from "./real_data.ts";
import { file } from "./temporary_files.ts";

const itWithAlpaca = itWith(ALPACA);

describe("AlpacaEval annotations", () => {
  it("give the preferred output as chosen, with its strength; ties are counted", async () => {
    const path = await file("m.json", [
      annotation("a", 1.25),
      annotation("b", 1.75),
      annotation("c", 1.5),
      annotation("d", 2),
    ]);
    const { pairs, counts } = await collectPairs(path);
    assert.deepEqual(
      pairs.map(({ id, chosen, rejected, strength }) => [id, chosen, rejected, strength]),
      [
        ["m:1", "baseline on a", "model on a", 0.5],
        ["m:2", "model on b", "baseline on b", 0.5],
        ["m:4", "model on d", "baseline on d", 1],
      ],
    );
    assert.deepEqual(counts, { pairs: 3, bad: 0, ties: 1, reasons: {} });
    assert.deepEqual(pairs[0].prompt, [{ role: "user", content: "a" }]);
  });

  it("that are malformed are reported with their item and field", async () => {
    const path = await file("bad.json", [
      annotation("a", 2),
      annotation("b", null),
      annotation("c", 2.5),
      annotation("d", 0.99),
      { instruction: "e", preference: 1 },
      7,
      annotation("f", 1, { output_1: "" }),
      annotation("g", 1, { output_1: "model on g" }),
    ]);
    const { pairs, bad } = await skipping(path);
    assert.equal(pairs.length, 1);
    const expected: [number, RegExp][] = [
      [2, /no preference \(null or NaN\)/],
      [3, /"preference": outside \[1, 2\]/],
      [4, /"preference": outside \[1, 2\]/],
      [5, /"output_1" is missing/],
      [6, /expected object/],
      [7, /the chosen response is empty/],
      [8, /chosen and rejected are equal/],
    ];
    assert.deepEqual(bad.map(({ line, unit }) => [line, unit]), expected.map(([n]) => [n, "item"]));
    bad.forEach(({ reason }, i) => assert.match(reason, expected[i][1]));
    assert.equal(bad[1].detail, "2.5");
    assert.equal(bad[3].detail, "read as AlpacaEval's annotations");
    await assert.rejects(() => collectPairs(path), /bad\.json item 2: no preference/);
  });

  it("with Python's NaN for a missing preference have a bad item, wherever the file is cut", async () => {
    const text = JSON.stringify([annotation("a NaN \\", 2), annotation('"NaN', 1)]).replace(
      ":2",
      ": NaN",
    );
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const cut = async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      let read = "";
      for await (const chunk of nanAsNull(cut())) read += new TextDecoder().decode(chunk);
      assert.deepEqual(JSON.parse(read), JSON.parse(text.replace(": NaN", ": null")));
    }
    const { pairs, bad } = await skipping(await file("nan.json", text));
    assert.deepEqual([pairs.length, bad[0].line], [1, 1]);
    assert.equal(bad[0].reason, NO_PREFERENCE);
  });

  it("that are not one whole JSON array are refused even where bad items are skipped", async () => {
    const whole = JSON.stringify([annotation("a", 2), annotation("b", 1)]);
    const cases: [string, RegExp][] = [
      [whole.slice(0, -1), /not valid JSON after item 2: the array is not closed/],
      [whole.slice(0, -20), /not valid JSON after item 1/],
      [whole.replace("},{", "} {"), /not valid JSON after item 1: Unexpected/],
      [whole.replace(":2", ":Infinity"), /not valid JSON after item 0: Unexpected "I"/],
      [whole.replace(":2", ":Na"), /not valid JSON after item 0: Unexpected "N"/],
      [whole + "]", /not valid JSON after item 2/],
    ];
    for (const [text, pattern] of cases) {
      const path = await file("broken.json", text);
      await assert.rejects(() => collectPairs(path, { onBadLine: "skip" }), pattern);
    }
    const path = await file("object.json", annotation("a", 2));
    await assert.rejects(() => collectPairs(path, { format: "alpaca" }), /is not a JSON array/);
  });

  itWithAlpaca("of all 15 models: every row is a pair, a tie or a bad item", async () => {
    const odd: Record<string, [pairs: number, ties: number, bad: number]> = {};
    let files = 0;
    for await (const { name } of Deno.readDir(ALPACA)) {
      files++;
      const rows = await Array.fromAsync(readAnnotations(`${ALPACA}/${name}`));
      const { counts } = await collectPairs(`${ALPACA}/${name}`, {
        onBadLine: "skip",
        report() {},
      });
      assert.equal(counts.pairs + counts.ties + counts.bad, rows.length, name);
      if (rows.length !== 805 || counts.bad > 0 || counts.pairs === 0) {
        odd[name.replace(".json.gz", "")] = [counts.pairs, counts.ties, counts.bad];
      }
    }
    assert.equal(files, 15);
    assert.deepEqual(odd, {
      "alpaca-7b_concise": [802, 2, 0], // 804 rows as published
      "alpaca-7b_verbose": [800, 2, 0], // 802 rows as published
      "gemma-2b-it": [783, 0, 22], // 22 empty answers
      "gpt4_1106_preview": [0, 805, 0], // the baseline against itself
    });
  });

  itWithAlpaca("parsed as a stream are what JSON.parse gives", async () => {
    const path = `${ALPACA}/claude-2.json.gz`;
    const whole = JSON.parse(new TextDecoder().decode(gunzipSync(await Deno.readFile(path))));
    const rows = await Array.fromAsync(readAnnotations(path));
    for (const [i, row] of rows.entries()) {
      assert.ok("value" in row && row.line === i + 1);
      for (const [key, value] of Object.entries(row.value)) assert.equal(value, whole[i][key]);
    }
    assert.equal(rows.length, whole.length);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parquetMetadata } from "hyparquet";
import { collectPairs, guessFormat, readPairs, readRows } from "../lib/preference/mod.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";

/** Written by pyarrow, `tests/reference/make_parquet.py`. */
const fixture = (name: string) =>
  fileURLToPath(new URL(`reference/parquet/${name}.parquet`, import.meta.url));
const NAMES = ["snappy", "zstd", "gzip", "brotli", "lz4", "none", "dictionary-v2"];

describe("parquet", () => {
  for (const name of NAMES) {
    it(`of UltraFeedback-binarized, as pyarrow writes it: ${name}`, async () => {
      const { pairs, counts } = await collectPairs(fixture(name));
      assert.deepEqual(counts, { pairs: 5, bad: 0, ties: 1, reasons: {} });
      assert.deepEqual(pairs.map(({ id }) => id), [1, 2, 3, 5, 6].map((n) => `${name}:${n}`));
      assert.deepEqual(pairs[0], {
        id: `${name}:1`,
        prompt: [{ role: "user", content: "Is bread 0 cold? é" }],
        chosen: "Yes 0.",
        rejected: "No 0.",
        source: name,
      });
    });
  }

  it("of UltraFeedback: nested lists and structs, ratings, fields that are null", async () => {
    const rows = await Array.fromAsync(
      readRows(fixture("ultrafeedback"), { ratings: "principles", seed: 1 }),
    );
    assert.deepEqual(rows.map(({ line, unit }) => [line, unit]), [[1, "row"], [2, "row"]]);
    const [shown, helpful, honest] = rows[0].records;
    assert.deepEqual(shown, {
      id: "ultrafeedback:1",
      prompt: [{ role: "system", content: "Be brief." }, { role: "user", content: "Why 0?" }],
      answer: "Because.",
      source: "ultrafeedback",
    });
    assert.deepEqual(helpful, {
      id: "ultrafeedback:1/helpfulness",
      prompt: [{ role: "user", content: "Why 0?" }],
      source: "ultrafeedback",
      chosen: "Because.",
      rejected: "No.",
      principle: "helpfulness",
      rationale: { chosen: "Good. Clear.", rejected: "Poor. Curt." },
      use: "judgments",
    });
    assert.deepEqual("rationale" in honest && honest.rationale, {
      chosen: "Sure.",
      rejected: "Unsure.",
    });
  });

  it("is told by its first bytes, whatever its name", async () => {
    const path = await file("train.jsonl", await Deno.readFile(fixture("snappy")));
    assert.equal(await guessFormat(path), "parquet");
    assert.equal((await collectPairs(path)).pairs.length, 5);
  });

  it("a bad row is named; a damaged or cut file is refused", async () => {
    await refuses(
      () => collectPairs(fixture("bad-row")),
      'bad-row.parquet row 2: "chosen": must be text or a list of one assistant turn (null)',
      "correct the row",
    );
    const bytes = await Deno.readFile(fixture("zstd"));
    const cut = await file("cut.parquet", bytes.subarray(0, bytes.length - 100));
    await refuses(() => collectPairs(cut), /cut\.parquet cannot be read as parquet: /, /again/);
    await refuses(async () => collectPairs(await file("no.parquet", "PAR1")), /as parquet/);
    const format = "parquet" as const;
    await refuses(() => collectPairs("none.parquet", { format }), /there is no file/);
    const pointer = await file(
      "lfs.parquet",
      "version https://git-lfs.github.com/spec/v1\nsize 7\n",
    );
    await refuses(() => collectPairs(pointer, { format }), /is a Git LFS pointer/, /git lfs pull/);
  });

  it("is read one row group at a time", async () => {
    const bytes = await Deno.readFile(fixture("snappy"));
    const { row_groups: [first, second] } = parquetMetadata(bytes.buffer);
    assert.equal(Number(first.num_rows), 4);
    const page = Number(second.columns[0].meta_data?.data_page_offset);
    bytes.fill(0xff, page, page + 40);
    const path = await file("groups.parquet", bytes);
    const pairs = readPairs(path);
    for (let i = 0; i < 3; i++) assert.equal((await pairs.next()).done, false);
    await refuses(() => pairs.next(), /groups\.parquet cannot be read as parquet/);
  });
});

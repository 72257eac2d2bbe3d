import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { z } from "zod";
import { parseRows } from "../lib/base/csv.ts";
import { CALCULATED, MEASURED } from "../lib/tools/speed/memory_cases.ts";
import { rowOf } from "../lib/tools/speed/memory_table.ts";

const path = decodeURIComponent(new URL("../data/results/memory.csv", import.meta.url).pathname);
const rows = parseRows(await Deno.readTextFile(path), {
  path,
  row: z.record(z.string(), z.string()),
});

describe("data/results/memory.csv", () => {
  it("has what the formula says today, case by case", () => {
    const cases = [...MEASURED, ...CALCULATED];
    assert.equal(rows.length, cases.length);
    const calculated = [
      "model",
      "tuning",
      "frozen",
      "work",
      "rows",
      "length",
      "recompute",
      "expected_gb",
      "at",
    ];
    cases.forEach((memoryCase, i) => {
      const now = rowOf(memoryCase, null);
      for (const column of calculated) {
        assert.equal(rows[i][column], `${now[column]}`, `row ${i + 2}`);
      }
    });
  });

  it("has measurements within a tenth of it, and processes that take more than their tensors", () => {
    for (const row of rows.slice(0, MEASURED.length)) {
      const [expected, tensors, whole] = ["expected_gb", "tensors_gb", "process_gb"]
        .map((column) => Number(row[column]));
      assert.ok(expected > 0.9 * tensors && expected < 1.1 * tensors, JSON.stringify(row));
      assert.ok(whole > tensors && whole < tensors + 2.5, JSON.stringify(row));
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { METHODS } from "../lib/method/mod.ts";
import { methodInWords, withMethodTable } from "../lib/method/method_table.ts";

const page = "lib/method/README.md";

/** Cells of a Markdown table's rows, whatever its columns' widths. */
const cells = (text: string) =>
  text.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/^\| | *\|?$/g, "").trim()));

describe("the table of methods", () => {
  it("is, in the page, that of the code: deno task methods --write", async () => {
    const text = await Deno.readTextFile(page);
    const found = cells(text.slice(text.indexOf("<!-- methods -->")));
    assert.deepEqual(found, cells(withMethodTable("<!-- methods --><!-- end of methods -->")));
    assert.equal(found.length, Object.keys(METHODS).length);
  });

  it("has a source, a sampler, a ranker and a loss in words for each", () => {
    for (const name of Object.keys(METHODS)) {
      for (const [column, words] of Object.entries(methodInWords(name))) {
        assert.ok(column === "year" || words.length > 0, `${name}: ${column}`);
      }
    }
    assert.equal(methodInWords("self-judge").year, "2024");
    assert.equal(methodInWords("spo").known, "reconstruction");
    assert.throws(() => withMethodTable("no place"), RangeError);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { markdownTable } from "../lib/base/markdown_table.ts";

describe("a table in Markdown", () => {
  it("has its head, a rule and a line for each row", () => {
    assert.equal(
      markdownTable(["loss", "value"], [["DPO", "0.69"], ["IPO", ""]]),
      "| loss | value |\n| --- | --- |\n| DPO | 0.69 |\n| IPO |  |",
    );
    assert.equal(markdownTable(["loss"], []), "| loss |\n| --- |");
  });

  it("keeps a bar within its cell", () => {
    assert.equal(
      markdownTable(["a|b"], [["P(A | x)"]]),
      "| a\\|b |\n| --- |\n| P(A \\| x) |",
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { intervalText, textTable } from "../lib/base/text_table.ts";

describe("textTable", () => {
  it("makes columns as wide as their widest cell, without blanks at line ends", () => {
    const rows = [["measure", "value", "n"], ["accuracy", "0.9", "100"], ["kappa", "", ""]];
    assert.equal(
      textTable(rows),
      "measure   value  n\naccuracy  0.9    100\nkappa",
    );
  });

  it("takes rows of different lengths, and none", () => {
    assert.equal(textTable([["a"], ["bb", "c"]]), "a\nbb  c");
    assert.equal(textTable([]), "");
  });
});

describe("intervalText", () => {
  it("gives the value and both ends with the same digits", () => {
    assert.equal(intervalText({ value: 0.51749, low: 0.46, high: 1 }), "0.517 [0.460, 1.000]");
    assert.equal(
      intervalText({ value: 51.7, low: 46, high: 57 }, { digits: 1 }),
      "51.7 [46.0, 57.0]",
    );
  });

  it("says where there is no value or no interval, and gives no minus to nothing", () => {
    const none = { low: null, high: null };
    assert.equal(intervalText({ value: null, ...none }), "n/a");
    assert.equal(intervalText({ value: 0.5, ...none }), "0.500");
    assert.equal(intervalText({ value: 0.5, ...none }, { none: "[n/a]" }), "0.500 [n/a]");
    assert.equal(intervalText({ value: -0.0001, low: -0.2, high: 0 }), "0.000 [-0.200, 0.000]");
    assert.equal(intervalText({ value: -0.4, ...none }, { digits: 0 }), "0");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { inReach } from "../lib/show/in_reach.ts";
import { intervalText, reading } from "../lib/show/reading.ts";
import { capturedLog } from "./captured_log.ts";

describe("the text of an interval", () => {
  it("has the value before its two ends", () => {
    assert.equal(intervalText({ value: 0.25, low: -0.5, high: 1 }), "0.250 [-0.500, 1.000]");
    assert.equal(intervalText({ value: 0.25, low: 0.1, high: 0.4 }, 1), "0.3 [0.1, 0.4]");
  });

  it("is the value alone where an end is missing, and says so where the value is", () => {
    assert.equal(intervalText({ value: 2 }), "2");
    assert.equal(intervalText({ value: 2, low: 1, high: null }), "2");
    assert.equal(intervalText({ value: null, low: 1, high: 2 }), "(not known)");
  });

  it("takes cells of a CSV file, of which an empty one is no number", () => {
    assert.equal(intervalText({ value: "0.5", low: "0.25", high: "1" }), "0.500 [0.250, 1.000]");
    assert.equal(intervalText({ value: "0.5", low: "", high: "" }), "0.500");
  });
});

describe("the reading of an interval", () => {
  const words = { above: "better", below: "worse" };

  it("is one of three things", () => {
    assert.equal(reading({ low: 0.1, high: 0.3 }, words), "better");
    assert.equal(reading({ low: -0.3, high: -0.1 }, words), "worse");
    assert.equal(reading({ low: -0.1, high: 0.1 }, words), "no difference shown");
  });

  it("claims nothing of an interval that touches the value, or that is not there", () => {
    assert.equal(reading({ low: 0, high: 0.3 }, words), "no difference shown");
    assert.equal(reading({ low: null, high: null }, { ...words, open: "one run" }), "one run");
    assert.equal(reading({ low: "", high: "" }, words), "no difference shown");
  });

  it("can be about another value than 0", () => {
    assert.equal(
      reading({ low: "0.4", high: "0.6" }, { ...words, at: 0.5 }),
      "no difference shown",
    );
    assert.equal(reading({ low: 0.4, high: 0.49 }, { ...words, at: 0.5 }), "worse");
  });
});

describe("something that may be out of reach", () => {
  it("is returned where it is found", async () => {
    assert.equal(await inReach("a number", () => Promise.resolve(3)), 3);
  });

  it("is shown with its remedy where it is not, and other errors are kept", async () => {
    const refuse = () => Promise.reject(new UserError("no such file", "fetch it"));
    const text = await capturedLog(async () =>
      assert.equal(await inReach("the file", refuse), null)
    );
    assert.match(text, /the file is not in reach: no such file\n {2}-> fetch it/);
    const fail = () => Promise.reject(new RangeError("a defect"));
    await assert.rejects(inReach("the file", fail), RangeError);
  });
});

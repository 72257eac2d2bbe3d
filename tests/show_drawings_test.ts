import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { dpoPicture, verdictPicture } from "../lib/show/mod.ts";

/** The texts of a drawing, in their order. */
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);

describe("a verdict drawn", () => {
  const svg = verdictPicture({ first: "tea <hot>", second: "x".repeat(90) }, {
    forward: { a: 0.9, b: 0.1 },
    backward: { a: 0.3, b: 0.7 },
    pFirst: 0.8,
  });

  it("has each answer once in either position, with what it got there", () => {
    const lines = texts(svg).filter((text) => /^[AB]: |^P\(/.test(text));
    const long = `${"x".repeat(73)}\u2026`;
    assert.deepEqual(lines, [
      ...["A: tea &lt;hot&gt;", "P(A) = 0.900", `B: ${long}`, "P(B) = 0.100"],
      ...[`A: ${long}`, "P(A) = 0.300", "B: tea &lt;hot&gt;", "P(B) = 0.700"],
    ]);
    assert.ok(texts(svg).includes("J = 0.800"));
  });

  it("gives an answer its colour in both positions", () => {
    const colors = [...svg.matchAll(/fill="(#\w+)"[^>]*>[AB]: (tea|x)/g)].map((m) => m.slice(1, 3));
    assert.equal(new Set(colors.map(String)).size, 2);
  });

  it("is as long as the probabilities are", () => {
    const bars = [...svg.matchAll(/width="([\d.]+)" height="15"/g)].map(([, width]) => +width);
    assert.deepEqual(bars.map((width) => Math.round(width) / 150), [0.9, 0.1, 0.3, 0.7]);
  });
});

describe("the DPO loss drawn", () => {
  it("begins at h = 0 and ln 2", () => {
    const shown = texts(dpoPicture({ policy: [-7, -5], reference: [-7, -5], beta: 0.1 }));
    assert.ok(shown.includes("h = 0.00"));
    assert.ok(shown.includes("     = 0.6931"));
  });

  it("has h as the chosen answer's gain less the rejected one's", () => {
    const shown = texts(dpoPicture({ policy: [-5, -9], reference: [-7, -6], beta: 0.1 }));
    assert.ok(shown.includes("gain 2.00") && shown.includes("minus gain -3.00"));
    assert.ok(shown.includes("h = 5.00"));
    assert.ok(shown.includes(`     = ${Math.log(1 + Math.exp(-0.5)).toFixed(4)}`));
  });
});

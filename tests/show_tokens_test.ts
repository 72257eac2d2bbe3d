import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { showTokens, tokenStrips, visible } from "../lib/show/tokens.ts";

const WORDS = ["a", "b", " c", "<x>", "\n"];
const tokenizer = {
  encode: (text: string) => text.split("|").map((word) => WORDS.indexOf(word)),
  decode: (ids: readonly number[]) => ids.map((id) => WORDS[id]).join(""),
};

describe("the tokens of an example", () => {
  it("belong to the part whose text they are, and are learned from where the example says", () => {
    const shown = showTokens(tokenizer, { ids: [0, 1, 2, 1, 2, 3], from: 5 }, [["first", "b| c"], [
      "second",
      "b| c",
    ]]);
    assert.deepEqual(shown.map(({ part }) => part), [
      null,
      "first",
      "first",
      "second",
      "second",
      null,
    ]);
    assert.deepEqual(shown.map(({ learned }) => learned), [
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
  });

  it("need each of their parts, in order: one that was cut or misplaced is an error", () => {
    const example = { ids: [0, 1, 2], from: 2 };
    assert.throws(() => showTokens(tokenizer, example, [["answer A", "<x>"]]), UserError);
    assert.throws(
      () => showTokens(tokenizer, example, [["answer A", " c"], ["answer B", "b"]]),
      /"answer B"/,
    );
    // The example ends before the part does.
    assert.throws(() => showTokens(tokenizer, example, [["answer A", " c|b"]]), UserError);
  });

  it("show blanks at their ends and line breaks", () => {
    assert.equal(visible("  a b "), "\u00B7\u00B7a b\u00B7");
    assert.equal(visible("\n\n"), "\u21B5\u21B5");
    assert.equal(visible(" "), "\u00B7");
  });
});

describe("a strip of tokens", () => {
  const tokens = showTokens(tokenizer, { ids: [0, 1, 3], from: 2 }, [["answer", "b"]]);
  const strip = tokenStrips([{ title: "1 < 2", tokens }]);
  const page = strip.bundle["text/html"] as string;

  it("takes tokens and titles literally", () => {
    assert.match(page, /&lt;x&gt;/);
    assert.match(page, /1 &lt; 2/);
    assert.doesNotMatch(page, /<x>/);
  });

  it("sets exactly the learned tokens bold, besides the one in the legend", () => {
    const bold = [...page.matchAll(/<b [^>]*>(.*?)<\/b>/g)].map(([, text]) => text);
    assert.deepEqual(bold, ["learned: the loss is taken here", "&lt;x&gt;"]);
  });

  it("gives a part one tint, and other words none", () => {
    const tintOf = (text: string) =>
      [...page.matchAll(new RegExp(`background:([^"]*)">${text}<`, "g"))].map(([, tint]) => tint);
    assert.deepEqual(tintOf("answer"), tintOf("b"));
    assert.deepEqual(tintOf("a"), ["white"]);
    assert.notEqual(tintOf("b")[0], "white");
  });

  it("brackets what is learned where there is only text", () => {
    assert.equal(strip.plain, "1 < 2\n  a b [<x>]");
  });
});

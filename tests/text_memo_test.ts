import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { PreTokenizer } from "tokenizers";
import { PRINCIPLE_DEFAULTS } from "../lib/method/principle.ts";
import { JudgeTemplate } from "../lib/method/template.ts";
import { memoised } from "../lib/text/memo.ts";
import { PlainEncoder, TextTokenizer } from "../lib/text/mod.ts";
import { CHAT, user, WordTokenizer } from "./judge_fakes.ts";
import { readFixture } from "./reference/fixture.ts";

/** One id for each character, and the texts that were really encoded. */
function counted() {
  const texts: string[] = [];
  const encode = (text: string) => {
    texts.push(text);
    return [...text].map((character) => character.codePointAt(0)!);
  };
  return { texts, encode };
}

describe("the memo of encoded texts", () => {
  it("encodes a text once, whatever asks", () => {
    const { texts, encode } = counted();
    const once = memoised(encode);
    assert.deepEqual([once("ab"), once("c"), once("ab")], [[97, 98], [99], [97, 98]]);
    assert.deepEqual([once(""), once("")], [[], []]);
    assert.deepEqual(texts, ["ab", "c", ""]);
  });

  it("gives each caller its own array", () => {
    const once = memoised(counted().encode);
    const first = once("ab");
    first[0] = 0;
    first.push(7);
    assert.deepEqual(once("ab"), [97, 98]);
  });

  it("is emptied before it holds more ids than it may, each text counted as 16 more", () => {
    const { texts, encode } = counted();
    const once = memoised(encode, { maxIds: 60 });
    for (const text of ["0123456789", "a", "0123456789"]) once(text); // 26 + 17 = 43 of 60
    assert.deepEqual(texts, ["0123456789", "a"]);
    once("bb"); // 61: all others go
    for (const text of ["bb", "a", "0123456789"]) once(text);
    assert.deepEqual(texts, ["0123456789", "a", "bb", "a", "0123456789"]);
    const long = "x".repeat(50); // 66: never kept
    once(long);
    once(long);
    assert.deepEqual(texts.slice(5), [long, long]);
  });
});

describe("an answer", () => {
  it("is encoded once for the training data, both positions and every principle", () => {
    const words = new WordTokenizer();
    const texts: string[] = [];
    const encode = memoised((text) => {
      texts.push(text);
      return words.encode(text);
    });
    const tokenizer = { encode, decode: words.decode.bind(words) };
    for (const principle of PRINCIPLE_DEFAULTS) {
      const template = new JudgeTemplate({ tokenizer, chat: CHAT, principle });
      template.prompt([user("Hi")], "one apple", "two pears");
      template.prompt([user("Hi")], "two pears", "one apple");
    }
    tokenizer.encode("one apple");
    assert.ok(PRINCIPLE_DEFAULTS.length > 1);
    for (const answer of ["one apple", "two pears"]) {
      assert.equal(texts.filter((text) => text === answer).length, 1, answer);
    }
  });

  it("is encoded once by a tokenizer.json's encoder too", async () => {
    const { word_level: fixture } = await readFixture("text.json");
    const tokenizer = TextTokenizer.fromJson(fixture.json, { eosToken: "<end>" });
    const native = PreTokenizer.prototype.preTokenizeString;
    const encoded: string[] = [];
    PreTokenizer.prototype.preTokenizeString = function (text) {
      encoded.push(text);
      return native.call(this, text);
    };
    try {
      const plain = [new PlainEncoder(tokenizer), new PlainEncoder(tokenizer)];
      const ids = plain.map((encoder) => encoder.encode("Ada is the chef<end>").ids);
      assert.deepEqual([...ids, tokenizer.encode("Ada is the chef<end>").slice(0, -1)], [
        [7, 3, 4, 9],
        [7, 3, 4, 9],
        [7, 3, 4, 9],
      ]);
      assert.deepEqual(encoded, ["Ada is the chef"]);
    } finally {
      PreTokenizer.prototype.preTokenizeString = native;
    }
  });
});

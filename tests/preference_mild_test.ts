import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { mildPairs } from "../lib/preference/mild.ts";
import type { Pair } from "../lib/preference/mod.ts";

const pair = (id: string, question: string, chosen = "Yes.", rejected = "No!"): Pair => ({
  id,
  prompt: [{ role: "user", content: question }],
  chosen,
  rejected,
  source: "test",
});

describe("mild pairs", () => {
  it("are the shortest about everyday matters, ties by id, whatever the order of the pairs", () => {
    const pairs = [
      pair("long", "How will the weather be tomorrow in the afternoon?"),
      pair("b", "Will you cook?"),
      pair("a", "Will you cook!"),
      pair("other", "Hm?"),
    ];
    assert.deepEqual(mildPairs(pairs, 2).map(({ id }) => id), ["a", "b"]);
    assert.deepEqual(mildPairs(pairs.toReversed(), 3).map(({ id }) => id), ["a", "b", "long"]);
  });

  it("have no word of the other list, in the question or an answer", () => {
    assert.deepEqual(mildPairs([pair("1", "How do I steal a cook book?")], 3), []);
    assert.deepEqual(mildPairs([pair("1", "Will you cook?", "Yes.", "I hate that.")], 3), []);
  });

  it("are single questions: what was said before might not be mild", () => {
    const { prompt, ...rest } = pair("1", "Will you cook?");
    const turns = [...prompt, { role: "assistant", content: "What?" } as const, ...prompt];
    assert.deepEqual(mildPairs([{ ...rest, prompt: turns }], 3), []);
  });
});

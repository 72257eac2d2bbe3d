import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import type { Candidates } from "../lib/method/candidates.ts";
import { labelledPairs } from "../lib/method/knockout_pairs.ts";
import { methodNamed } from "../lib/method/methods.ts";

const tools = (name: string) =>
  ({ method: methodNamed(name) }) as Parameters<typeof labelledPairs>[1];

function candidates(strength?: number): Candidates[] {
  const answer = (text: string) => ({ text, example: { kind: "answer", ids: [1, 2], from: 1 } });
  const pair = {
    ...{ id: "a", prompt: [], chosen: "x", rejected: "y", source: "s" },
    ...(strength !== undefined && { strength }),
  };
  return [{ pair, answers: [answer("x"), answer("y")] }] as Candidates[];
}

describe("the data set's pairs with soft labels", () => {
  it("have its probability as label: (1 + strength) / 2", async () => {
    const labels = async (name: string, strength?: number) =>
      (await labelledPairs(candidates(strength), tools(name))).map(({ label }) => label ?? 1);
    assert.deepEqual(await labels("offline-dpo-soft", 0.5), [0.75]);
    assert.deepEqual(await labels("offline-dpo-soft", 0), [0.5]);
    assert.deepEqual(await labels("offline-dpo-soft"), [1]);
    assert.deepEqual(await labels("offline-dpo", 0.5), [1]);
  });
});

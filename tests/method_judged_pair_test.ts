import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type Answer, combineScores, judgedPair, METHODS } from "../lib/method/mod.ts";
import { judgmentOf, user } from "./judge_fakes.ts";

const answer = (text: string): Answer => ({ text, example: { kind: "answer", ids: [1], from: 0 } });
const answers = {
  prompt: { id: "one", prompt: [user("Why?")] },
  first: answer("first"),
  second: answer("second"),
};
const skip = { method: METHODS["self-judge"], undecided: "skip" } as const;
const pairOf = (verdict: ReturnType<typeof judgmentOf>, rule: Parameters<typeof judgedPair>[1]) => {
  const pair = judgedPair({ ...answers, verdict }, rule);
  return pair && [pair.chosen.text, pair.label, pair.verdict!.preference, pair.verdict!.consistent];
};

describe("the pair that a verdict makes", () => {
  it("is of the verdict's winner, also where J names the other", () => {
    const votes = [[0.52, 0.48], [0.52, 0.48], [0.1, 0.9]];
    const verdict = combineScores(votes.map(([a, b], i) => ({
      ...{ principle: `${i}`, forward: { a, b }, backward: { a: b, b: a } },
    })));
    assert.deepEqual([verdict.winner, verdict.pFirst < 0.5], ["first", true]);
    assert.deepEqual(pairOf(verdict, skip), ["first", 1, verdict.pFirst, true]);
    const soft = { ...skip, method: { ...skip.method, labels: "soft" } } as const;
    assert.deepEqual(pairOf(verdict, soft), ["first", verdict.pFirst, verdict.pFirst, true]);
  });

  it("says whether both positions agree", () => {
    assert.deepEqual(pairOf(judgmentOf([0.25, 0.75], [0.5, 0.25]), skip)!.slice(0, 1), ["second"]);
    assert.equal(pairOf(judgmentOf([0.75, 0.25], [0.5, 0.25]), skip)!.at(-1), false);
  });

  it("is none of a tie and of what is not answered, but where the settings or the method say so", () => {
    const tie = judgmentOf([0.5, 0.5]);
    const silent = judgmentOf([0.004, 0.001]);
    const half = { ...skip, method: { ...skip.method, ties: "half" } } as const;
    const second = { ...skip, undecided: "second" } as const;
    assert.deepEqual([tie, silent].map((one) => pairOf(one, skip)), [null, null]);
    assert.deepEqual([tie, silent].map((one) => pairOf(one, half)?.[1]), [0.5, undefined]);
    assert.deepEqual([tie, silent].map((one) => pairOf(one, second)?.[0]), ["second", "first"]);
  });
});

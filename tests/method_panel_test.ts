import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { combineScores, type Judge, panelOf } from "../lib/method/mod.ts";

const pair = { prompt: [{ role: "user" as const, content: "Why?" }], first: "a", second: "b" };

/** A judge of one opinion; `sum` is how much of its reply is a verdict. */
const judge = (name: string, pFirst: number, sum = 1): Judge => ({
  name,
  compare: (comparisons) =>
    Promise.resolve(comparisons.map(() => {
      const [a, b] = [pFirst * sum, (1 - pFirst) * sum];
      return combineScores([{ principle: name, forward: { a, b }, backward: { a: b, b: a } }]);
    })),
});
const verdict = async (judges: Judge[], by: "majority" | "mean") =>
  (await panelOf(judges, { by }).compare([pair]))[0];

describe("a panel of judges", () => {
  const judges = [judge("x", 0.55), judge("y", 0.6), judge("z", 0.05)];

  it("decides by votes, or by the mean", async () => {
    const [majority, mean] = [await verdict(judges, "majority"), await verdict(judges, "mean")];
    assert.deepEqual([majority.winner, mean.winner], ["first", "second"]);
    assert.ok(Math.abs(mean.pFirst - 0.4) < 1e-12);
    assert.deepEqual(majority.votes.map(({ principle }) => principle), ["x", "y", "z"]);
  });

  it("leaves out judges that do not answer, and does not answer where none does", async () => {
    const silent = judge("silent", 0.01, 1e-4);
    const found = await verdict([judge("x", 0.6), silent], "mean");
    assert.ok(found.answered && Math.abs(found.pFirst - 0.6) < 1e-12);
    assert.equal((await verdict([silent, silent], "mean")).answered, false);
  });
});

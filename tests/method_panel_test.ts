import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { inverted } from "../lib/measure/mod.ts";
import {
  combineScores,
  firstOrSecond,
  type Judge,
  type Judgment,
  panelOf,
} from "../lib/method/mod.ts";

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

  it("takes the verdict that each judge gives, which its mean scores may not show", async () => {
    // Two of its three principles, by a little, say "second"; the first says "first" by much.
    const split = combineScores([
      { principle: "p", forward: { a: 0.9, b: 0.05 }, backward: { a: 0.05, b: 0.9 } },
      ...["q", "r"].map((principle) => ({
        ...{ principle, forward: { a: 0.4, b: 0.5 }, backward: { a: 0.5, b: 0.4 } },
      })),
    ]);
    assert.equal(split.winner, "second");
    const of = (name: string, judgment: Judgment): Judge => ({
      name,
      compare: (comparisons) => Promise.resolve(comparisons.map(() => judgment)),
    });
    const alone = await verdict([of("x", split)], "majority");
    assert.deepEqual([alone.winner, alone.votes[0].winner], ["second", "second"]);
    assert.equal((await verdict([of("x", split)], "mean")).winner, "first");
  });

  it("keeps its winner where it is counted or turned round by others", async () => {
    const judges = [judge("x", 0.55), judge("y", 0.6), judge("z", 0.05)];
    for (const by of ["majority", "mean"] as const) {
      const found = await verdict(judges, by);
      assert.equal(firstOrSecond(found), found.winner, by);
      const [turned] = await inverted(panelOf(judges, { by }).compare)([pair]);
      assert.equal(turned.winner, found.winner === "first" ? "second" : "first", by);
      assert.ok(Math.abs(turned.pFirst + found.pFirst - 1) < 1e-12);
    }
  });

  it("says that a verdict was recorded, where one of its judges' was", async () => {
    const recorded = (position: Judgment["recorded"]): Judge => ({
      name: `recorded ${position}`,
      compare: async (comparisons) =>
        (await judge("x", 0.7).compare(comparisons)).map((one) => ({ ...one, recorded: position })),
    });
    const found = async (...some: Judge[]) => (await verdict(some, "majority")).recorded;
    assert.equal(await found(recorded("forward"), recorded("forward")), "forward");
    assert.equal(await found(recorded("forward"), recorded("backward")), "unknown");
    assert.equal(await found(recorded("forward"), judge("y", 0.6)), "forward");
    assert.equal(await found(judge("x", 0.7), judge("y", 0.6)), undefined);
  });

  it("leaves out judges that do not answer, and does not answer where none does", async () => {
    const silent = judge("silent", 0.01, 1e-4);
    const found = await verdict([judge("x", 0.6), silent], "mean");
    assert.ok(found.answered && Math.abs(found.pFirst - 0.6) < 1e-12);
    assert.equal((await verdict([silent, silent], "mean")).answered, false);
  });
});

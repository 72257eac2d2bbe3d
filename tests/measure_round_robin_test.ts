import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { longerWins, randomJudge } from "../lib/measure/baseline_judges.ts";
import { allPairs, roundRobins, triplesOf } from "../lib/measure/round_robin.ts";
import type { Contest } from "../lib/method/tournament.ts";
import { judgmentOf, user } from "./judge_fakes.ts";

const prompt = [user("Hi")];
const contest = (...candidates: string[]): Contest => ({ prompt, candidates });

describe("roundRobins", () => {
  it("plays everyone against everyone in one call to the judge", async () => {
    const calls: number[] = [];
    const robins = await roundRobins(
      [contest("a", "bb", "ccc"), contest("dd", "e")],
      (comparisons) => {
        calls.push(comparisons.length);
        return longerWins(comparisons);
      },
    );
    assert.deepEqual(calls, [4]);
    assert.deepEqual(robins.map(({ order, scores }) => [order, scores]), [
      [[2, 1, 0], [0, 1, 2]],
      [[0, 1], [1, 0]],
    ]);
    assert.deepEqual(allPairs(4), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
  });

  it("refuses a contest without candidates and a judge that loses judgments", async () => {
    await assert.rejects(roundRobins([contest("a"), contest()], longerWins), /contest 1 of 2/);
    await assert.rejects(roundRobins([contest("a", "b")], () => Promise.resolve([])), /1 pairs.*0/);
  });
});

describe("triplesOf", () => {
  const beats = (table: Record<string, "first" | "second" | "tie">, count: number) => ({
    candidates: Array.from({ length: count }, (_, i) => `${i}`),
    meetings: Object.entries(table).map(([key, winner]) => {
      const [first, second] = key.split("-").map(Number);
      const judgment = judgmentOf(
        ({ first: [1, 0], second: [0, 1], tie: [0.5, 0.5] } as const)[winner],
      );
      return { first, second, judgment };
    }),
  });

  it("knows a cycle in both directions, an order, a tie and a meeting that is missing", () => {
    const kind = (table: Parameters<typeof beats>[0]) => triplesOf(beats(table, 3))[0]?.kind;
    assert.equal(kind({ "0-1": "first", "1-2": "first", "0-2": "second" }), "cycle");
    assert.equal(kind({ "0-1": "second", "1-2": "second", "0-2": "first" }), "cycle");
    assert.equal(kind({ "0-1": "first", "1-2": "first", "0-2": "first" }), "order");
    assert.equal(kind({ "0-1": "first", "1-2": "second", "0-2": "second" }), "order");
    assert.equal(kind({ "0-1": "tie", "1-2": "first", "0-2": "second" }), "tied");
    assert.equal(kind({ "0-1": "first", "1-2": "first" }), undefined);
  });

  it("counts what Kendall and Babington Smith's formula gives for random tournaments", async () => {
    const rng = Rng.named(6, "tournaments");
    for (const count of [3, 5, 8, 11]) {
      const candidates = Array.from({ length: count }, (_, i) => `${i}`);
      const [robin] = await roundRobins([{ prompt, candidates }], randomJudge(rng));
      const pairs = (n: number) => n * (n - 1) / 2;
      const triples = count * (count - 1) * (count - 2) / 6;
      const expected = triples - robin.scores.reduce((sum, wins) => sum + pairs(wins), 0);
      const found = triplesOf(robin);
      assert.equal(found.length, triples);
      assert.equal(found.filter(({ kind }) => kind === "cycle").length, expected);
    }
  });

  it("finds the most cycles there can be, (n^3 - n) / 24 for odd n, where everyone wins half", () => {
    const count = 7;
    const candidates = Array.from({ length: count }, (_, i) => `${i}`);
    const table = Object.fromEntries(
      allPairs(count).map(([i, j]) =>
        [`${i}-${j}`, (j - i) % 2 === 1 ? "first" : "second"] as const
      ),
    );
    const found = triplesOf({ ...beats(table, count), candidates });
    assert.equal(found.filter(({ kind }) => kind === "cycle").length, (count ** 3 - count) / 24);
  });

  it("finds none where grades decide", async () => {
    const [robin] = await roundRobins([contest("a", "bb", "ccc", "dddd", "eeeee")], longerWins);
    assert.ok(triplesOf(robin).every(({ kind }) => kind === "order"));
  });
});

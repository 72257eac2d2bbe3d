import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { countBallots } from "../lib/method/judgment.ts";
import {
  type Judge,
  knockoutRank,
  listwiseJudge,
  pairwiseJudge,
  pointwiseJudge,
  type Question,
} from "../lib/judges/kinds.ts";
import { firstSeat, longerWins, randomJudge } from "../lib/measure/baseline_judges.ts";
import { allPairs, type Ranking, roundRobins, triplesOf } from "../lib/measure/round_robin.ts";
import type { Contest } from "../lib/method/tournament.ts";
import { Rng } from "../lib/base/random.ts";
import { user } from "./judge_fakes.ts";

const prompt = [user("Hi")];
const contest = (...candidates: string[]): Contest => ({ prompt, candidates });
const compared = (first: string, second: string) => ({ prompt, first, second });

/** The same preference, for long answers, as a judge of each kind. */
const lengths = (questions: readonly Question[]) =>
  Promise.resolve(questions.map(({ answer }) => answer.length));
const byLength = (contests: readonly Contest[]) =>
  Promise.resolve(contests.map(({ candidates }): Ranking => {
    const scores = candidates.map((text) => text.length);
    return {
      scores,
      order: scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b),
    };
  }));
const KINDS: readonly Judge[] = [
  pointwiseJudge("points", lengths, { scale: 0 }),
  pairwiseJudge("pairs", longerWins),
  listwiseJudge("lists", byLength),
];

describe("judges of every kind", () => {
  for (const judge of KINDS) {
    it(`compare and rank alike when they want the same: ${judge.kind}`, async () => {
      const comparisons = [compared("aaa", "b"), compared("b", "aaa"), compared("aa", "bb")];
      assert.deepEqual(await judge.compare(comparisons), await longerWins(comparisons));
      const [{ order, scores }] = await judge.rank([contest("aa", "a", "aaaa", "aaa")]);
      assert.deepEqual(order, [2, 3, 0, 1]);
      assert.ok(order.every((i, at) => at === 0 || scores[order[at - 1]] >= scores[i]));
      assert.deepEqual(await judge.compare([]), []);
      assert.deepEqual((await judge.rank([contest("alone")]))[0].order, [0]);
    });

    it(`say the mirror image of a pair in the other order: ${judge.kind}`, async () => {
      const [one, two] = await judge.compare([compared("aaaa", "b"), compared("b", "aaaa")]);
      assert.equal(one.pFirst, 1 - two.pFirst);
      assert.deepEqual([one.winner, two.winner], ["first", "second"]);
      assert.ok(one.consistent && two.consistent);
    });
  }
});

describe("pointwiseJudge", () => {
  it("turns grades into Bradley-Terry probabilities", async () => {
    const grades: Record<string, number> = { good: 2.5, bad: 0.5, same: 2.5 };
    const judge = pointwiseJudge(
      "reward",
      (questions) => Promise.resolve(questions.map(({ answer }) => grades[answer])),
    );
    const [clear, even] = await judge.compare([compared("good", "bad"), compared("good", "same")]);
    assert.ok(Math.abs(clear.pFirst - 1 / (1 + Math.exp(-2))) < 1e-12);
    assert.equal(even.winner, "tie");
    assert.deepEqual(await judge.grade!([{ prompt, answer: "bad" }]), [0.5]);
  });

  it("survives rewards too far apart for an exponential", async () => {
    const judge = pointwiseJudge(
      "r",
      (q) => Promise.resolve(q.map((_, i) => i === 0 ? 1e4 : -1e4)),
    );
    const [{ pFirst, winner }] = await judge.compare([compared("a", "b")]);
    assert.deepEqual([pFirst, winner], [1, "first"]);
  });

  it("asks for each answer once, however many pairs it is in", async () => {
    let asked = 0;
    const judge = pointwiseJudge("count", (questions) => {
      asked += questions.length;
      return lengths(questions);
    });
    await judge.compare([compared("a", "bb"), compared("bb", "ccc"), compared("a", "ccc")]);
    assert.equal(asked, 3);
  });

  it("refuses a grade that is no number", async () => {
    const judge = pointwiseJudge(
      "broken",
      (questions) => Promise.resolve(questions.map(() => NaN)),
    );
    await assert.rejects(
      judge.compare([compared("a", "b")]),
      /"broken" graded answer 0 of 2 with NaN/,
    );
    const short = pointwiseJudge("short", () => Promise.resolve([1]));
    await assert.rejects(short.compare([compared("a", "b")]), /answer 1 of 2 with undefined/);
  });
});

describe("listwiseJudge", () => {
  it("shows a bias for the head of the list as flips and first seats", async () => {
    const head = listwiseJudge(
      "head",
      (contests) =>
        Promise.resolve(contests.map(({ candidates }) => ({
          order: candidates.map((_, i) => i),
          scores: candidates.map((_, i) => -i),
        }))),
    );
    const [judgment] = await head.compare([compared("a", "b")]);
    assert.deepEqual(judgment, (await firstSeat([compared("a", "b")]))[0]);
    assert.ok(!judgment.consistent);
  });

  it("refuses what is not an order of all candidates", async () => {
    const rankings: Ranking[] = [
      { order: [0, 0], scores: [1, 2] },
      { order: [0], scores: [1] },
      { order: [1, 2], scores: [1, 2] },
      { order: [1, 0], scores: [1, NaN] },
    ];
    for (const ranking of rankings) {
      const judge = listwiseJudge(
        "odd",
        (contests) => Promise.resolve(contests.map(() => ranking)),
      );
      await assert.rejects(judge.rank([contest("a", "b")]), (error: Error) => {
        assert.ok(error instanceof UserError);
        return /"odd" ranked the 2 candidates of contest 0/.test(error.message);
      });
    }
  });
});

describe("knockoutRank", () => {
  it("puts the winner first and who left earliest last, in N - 1 comparisons", async () => {
    let asked = 0;
    const rank = knockoutRank((comparisons) => {
      asked += comparisons.length;
      return longerWins(comparisons);
    }, Rng.named(1, "knockout"));
    const [{ order, scores }] = await rank([contest("a", "aaa", "aaaaa", "aa", "aaaa", "aaaaaa")]);
    assert.equal(asked, 5);
    assert.equal(order[0], 5);
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5]);
    assert.ok(order.every((i, at) => at === 0 || scores[order[at - 1]] >= scores[i]));
  });
});

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
      const [a, b] = { first: [1, 0], second: [0, 1], tie: [0.5, 0.5] }[winner];
      const judgment = countBallots([{
        principle: "overall",
        forward: { a, b },
        backward: { a: b, b: a },
      }]);
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

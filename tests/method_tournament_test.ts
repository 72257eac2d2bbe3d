import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import type { Compare, Comparison } from "../lib/method/judgment.ts";
import { byScore, firstPosition, longerWins, randomJudge } from "../lib/measure/baseline_judges.ts";
import { tournament, tournaments } from "../lib/method/tournament.ts";
import { Rng } from "../lib/base/random.ts";
import { judgmentOf, user } from "./judge_fakes.ts";

const best = byScore(({ answer }) => Number(answer.slice(1)));
const contest = (n: number, prompt = "Hi") => ({
  prompt: [user(prompt)],
  candidates: Array.from({ length: n }, (_, i) => `c${i}`),
});
const rng = (seed = 1) => Rng.named(seed, "tournament");

/** Passes comparisons on, and keeps the size of each call. */
function counted(compare: Compare) {
  const calls: (readonly Comparison[])[] = [];
  return { calls, compare: (list: readonly Comparison[]) => (calls.push(list), compare(list)) };
}

describe("tournament", () => {
  it("is won by the best candidate under a transitive judge, in N - 1 matches", async () => {
    for (const n of [1, 2, 3, 5, 8, 13, 16]) {
      const bracket = await tournament(contest(n), { compare: best, rng: rng(n) });
      assert.equal(bracket.winner, n - 1);
      assert.equal(bracket.matches.length, n - 1);
    }
  });

  it("plays every candidate, and each loses once but the winner", async () => {
    const { matches, byes, winner } = await tournament(contest(13), { compare: best, rng: rng() });
    const seen = new Set(matches.flatMap(({ first, second }) => [first, second]));
    assert.equal(seen.size, 13);
    const losers = matches.map((match) =>
      match.winner === match.first ? match.second : match.first
    );
    assert.deepEqual(
      [...losers, winner].sort((a, b) => a - b),
      Array.from({ length: 13 }, (_, i) => i),
    );
    assert.deepEqual(byes.map(({ round }) => round), [1, 2]); // 13 -> 7 -> 4 -> 2 -> 1
    assert.deepEqual([1, 2, 3, 4].map((r) => matches.filter(({ round }) => round === r).length), [
      6,
      3,
      2,
      1,
    ]);
  });

  it("with two candidates is one judgment", async () => {
    const { calls, compare } = counted(randomJudge(Rng.named(9, "coin")));
    const bracket = await tournament(contest(2), { compare, rng: rng() });
    const [match] = bracket.matches;
    assert.deepEqual(calls.map(({ length }) => length), [1]);
    const [judgment] = await randomJudge(Rng.named(9, "coin"))(calls[0]);
    assert.deepEqual(match.judgment, judgment);
    assert.equal(bracket.winner, judgment.winner === "first" ? match.first : match.second);
    assert.equal(bracket.candidates[match.first], calls[0][0].first);
  });

  it("returns a lone candidate unjudged and refuses none", async () => {
    const { calls, compare } = counted(best);
    const bracket = await tournament(contest(1), { compare, rng: rng() });
    assert.deepEqual(bracket, { candidates: ["c0"], matches: [], byes: [], winner: 0 });
    assert.equal(calls.length, 0);
    await assert.rejects(tournament(contest(0), { compare, rng: rng() }), /contest 0 of 1 has no/);
  });

  it("draws the same bracket for the same seed, another for another", async () => {
    const draw = (seed: number) => tournament(contest(9), { compare: best, rng: rng(seed) });
    assert.deepEqual(await draw(1), await draw(1));
    assert.notDeepEqual((await draw(1)).matches, (await draw(2)).matches);
  });

  it("shuffles, so that a judge of positions favours no candidate", async () => {
    const wins = new Array(4).fill(0);
    for (let seed = 0; seed < 400; seed++) {
      wins[(await tournament(contest(4), { compare: firstPosition, rng: rng(seed) })).winner]++;
    }
    for (const count of wins) assert.ok(count > 60 && count < 140, `${wins}`);
  });

  it("leaves the caller's list as it was", async () => {
    const own = contest(9);
    Object.freeze(own.candidates);
    await tournament(own, { compare: best, rng: rng() });
    assert.deepEqual(own, contest(9));
  });

  it("plays identical candidates without the judge, and still counts the match", async () => {
    const { calls, compare } = counted(longerWins);
    const same = { prompt: [user("Hi")], candidates: ["same", "same", "same"] };
    const bracket = await tournament(same, { compare, rng: rng() });
    assert.equal(bracket.matches.length, 2);
    assert.ok(bracket.matches.every(({ judgment }) => judgment === undefined));
    assert.equal(calls.length, 0);
  });
});

describe("a match that the judge does not answer", () => {
  // The second is a little likelier, of next to nothing.
  const silent: Compare = (list) =>
    Promise.resolve(list.map(() => judgmentOf([0.001, 0.004], [0.004, 0.001])));
  const winners = async (ties: "first" | "second", compare = silent) =>
    (await tournament(contest(8), { compare, rng: rng(), ties })).matches
      .map(({ first, winner }) => winner === first ? "first" : "second");

  it("is a tie", async () => {
    const tie: Compare = (list) => Promise.resolve(list.map(() => judgmentOf([0.5, 0.5])));
    assert.deepEqual(await winners("first"), await winners("first", tie));
    assert.deepEqual(new Set(await winners("first")), new Set(["first"]));
  });

  it("goes by the scores as they are, where nothing stays undecided", async () => {
    const first: Compare = (list) =>
      Promise.resolve(list.map(() => judgmentOf([0.004, 0.001], [0.001, 0.004])));
    assert.deepEqual(new Set(await winners("second")), new Set(["second"]));
    assert.deepEqual(new Set(await winners("second", first)), new Set(["first"]));
  });
});

describe("tournaments", () => {
  it("judge a round of all contests in one call, with each contest's own prompt", async () => {
    const { calls, compare } = counted(best);
    const contests = [
      contest(8, "one"),
      contest(3, "two"),
      contest(1, "three"),
      contest(5, "four"),
    ];
    const brackets = await tournaments(contests, { compare, rng: rng() });
    assert.deepEqual(brackets.map(({ winner }) => winner), [7, 2, 0, 4]);
    assert.deepEqual(brackets.map(({ matches }) => matches.length), [7, 2, 0, 4]);
    assert.deepEqual(calls.map(({ length }) => length), [4 + 1 + 2, 2 + 1 + 1, 1 + 1]);
    assert.equal(calls[0].filter(({ prompt }) => prompt[0].content === "one").length, 4);
  });

  it("draw a contest's bracket whatever comes after it", async () => {
    const [alone] = await tournaments([contest(8)], { compare: best, rng: rng() });
    const [first] = await tournaments([contest(8), contest(3)], { compare: best, rng: rng() });
    assert.deepEqual(first, alone);
  });

  it("notice a judge that loses judgments", async () => {
    const compare: Compare = async (list) => (await best(list)).slice(1);
    await assert.rejects(tournaments([contest(4)], { compare, rng: rng() }), /2 matches .* 1 came/);
  });
});

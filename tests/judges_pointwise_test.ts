import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type GradedAnswer, pointwiseJudge } from "../lib/judges/pointwise.ts";
import { longerWins } from "../lib/measure/baseline_judges.ts";
import { user } from "./judge_fakes.ts";

const compared = (first: string, second: string) => ({ prompt: [user("Hi")], first, second });
const lengths = (answers: readonly GradedAnswer[]) =>
  Promise.resolve(answers.map(({ answer }) => answer.length));

describe("pointwiseJudge", () => {
  it("compares as a judge of pairs does that wants the same, and mirrors a swapped pair", async () => {
    const judge = pointwiseJudge("points", lengths, { scale: 0 });
    const comparisons = [compared("aaa", "b"), compared("b", "aaa"), compared("aa", "bb")];
    assert.deepEqual(await judge.compare(comparisons), await longerWins(comparisons));
    assert.deepEqual(await judge.compare([]), []);
    const [one, two] = await judge.compare(comparisons);
    assert.equal(one.pFirst, 1 - two.pFirst);
  });

  it("turns grades into Bradley-Terry probabilities", async () => {
    const grades: Record<string, number> = { good: 2.5, bad: 0.5, same: 2.5 };
    const judge = pointwiseJudge(
      "reward",
      (questions) => Promise.resolve(questions.map(({ answer }) => grades[answer])),
    );
    const [clear, even] = await judge.compare([compared("good", "bad"), compared("good", "same")]);
    assert.ok(Math.abs(clear.pFirst - 1 / (1 + Math.exp(-2))) < 1e-12);
    assert.equal(even.winner, "tie");
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

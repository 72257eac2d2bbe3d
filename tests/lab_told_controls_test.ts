import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { TOLD, told } from "../lib/lab/study/told_controls.ts";
import { ORDER_DESK } from "../lib/lab/world/order_desk.ts";
import { longerWins } from "../lib/measure/mod.ts";

const twice = "here come tea and tea .";
const once = "here comes tea .";
const full = "here come tea and figs .";
const comparison = (first: string, second: string) => ({
  prompt: [{ role: "user" as const, content: "tea and figs please ." }],
  ...{ first, second },
});

describe("a judge told of one habit", () => {
  const judge = { compare: longerWins, promptsFor: () => 7 };

  it("finds the answer that has it worse, in both positions, and else judges as before", async () => {
    const informed = told(judge, TOLD["self-judge-told-twice"], ORDER_DESK);
    const asked = [[twice, once], [once, twice], [once, full], [twice, twice]]
      .map(([a, b]) => comparison(a, b));
    const [against, mirrored, own, both] = await informed.compare(asked);
    assert.deepEqual([against.winner, against.pFirst], ["second", 0]);
    assert.deepEqual([mirrored.winner, mirrored.pFirst], ["first", 1]);
    assert.deepEqual([own, both], (await longerWins(asked)).slice(2), "the judge's own verdicts");
    assert.equal((await longerWins(asked))[0].winner, "first", "by itself it takes the other one");
    assert.equal(informed.promptsFor!(asked), 7, "it is asked all the same");
  });

  it("is told of another by the other control", async () => {
    const informed = told(judge, TOLD["self-judge-told-left-out"], ORDER_DESK);
    const [left, neither] = await informed.compare([
      comparison(full, twice),
      comparison(once, twice), // both leave the figs out
    ]);
    assert.equal(left.winner, "first");
    assert.equal(neither.winner, "second", "longer wins");
  });

  it("is told of a good one, too", async () => {
    const informed = told(judge, TOLD["self-judge-told-polite"], ORDER_DESK);
    const [polite, neither] = await informed.compare([
      comparison(twice, "certainly , here come tea ."),
      comparison(once, twice),
    ]);
    assert.equal(polite.winner, "second");
    assert.equal(neither.winner, "second", "longer wins");
  });

  it("knows habits that the order desk has", () => {
    for (const { habit } of Object.values(TOLD)) assert.ok(habit in ORDER_DESK.habits, habit);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { byHabit } from "../lib/lab/study/by_habit.ts";
import { byHabitTable } from "../lib/lab/study/page_judges.ts";
import { refusesAtOnce } from "./refusals.ts";
import { ORDER_DESK } from "../lib/lab/world/order_desk.ts";

const full = "here come tea and figs .";
const missing = "here come tea .";
const twice = "here come tea and tea .";

/** Of tea and figs; the first answer is the better one. */
const pairs = [
  [full, missing], // leaves a thing out, alone
  [full, twice], // and names one twice
  [full, "here come tea , figs and figs ."], // names one twice, alone
  [full, full], // alike: no clear pair
].map(([chosen, rejected], i) => ({
  ...{ id: `${i}`, source: "a test", chosen, rejected },
  prompt: [{ role: "user" as const, content: "tea and figs please ." }],
}));

const from = { world: ORDER_DESK, from: "runs/jsft-judge" };

describe("a judge by what answers differ in", () => {
  it("counts a pair under each habit that tells its answers apart, and apart where it is the only one", () => {
    const clear = pairs.filter(({ chosen, rejected, prompt: [{ content }] }) =>
      ORDER_DESK.reward(content, chosen) - ORDER_DESK.reward(content, rejected) > ORDER_DESK.clear
    );
    assert.ok(clear.length >= 2);
    const right = clear.map((_, i) => i === 1 ? 0 : 1);
    const of = (habit: string) => byHabit(right, pairs, from).find((row) => row.habit === habit)!;
    const left = of("leaves a thing out");
    assert.deepEqual(left, {
      ...{ habit: "leaves a thing out", n: 2, right: 1 },
      ...{ n_alone: 1, right_alone: 1 },
    });
    assert.equal(of("names one twice").n, clear.length - 1);
    assert.equal(of("is rude").n, 0);
    refusesAtOnce(() => byHabit([1], pairs, from), "runs/jsft-judge judged 1 clear pairs");
  });

  it("has a line a habit on the page and a column a base", () => {
    const row = { seed: 1, judge: "jsft", habit: "chatters", n: 4, right: 3 };
    const page = byHabitTable([
      { ...row, base: "4", n_alone: 2, right_alone: 2 },
      { ...row, base: "5", n_alone: 0, right_alone: 0 },
    ]);
    assert.match(page, /\| chatters \| 0\.75 of 4; alone 1\.00 of 2 \| 0\.75 of 4 \|/);
  });
});

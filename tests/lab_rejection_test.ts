import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { inverted, longerWins } from "../lib/measure/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { truthJudge } from "../lib/lab/study/session.ts";
import type { Drawn } from "../lib/lab/study/measure.ts";
import { chosenAmong } from "../lib/lab/study/rejection.ts";
import { reward } from "../lib/lab/world/reward.ts";

const ORDER = "we want tea and figs please .";
const drawn = (...texts: string[]): Drawn[] =>
  texts.map((text) => ({ order: ORDER, text, reward: reward(ORDER, text), ids: [1, 2], from: 1 }));
const answers = [
  drawn("you get tea .", "certainly , here come tea and figs .", "you get tea and figs ."),
  drawn("you get tea and figs .", "you get tea .", "you get figs and tea ."),
];
const options = {
  own: longerWins,
  opponents: ["you get tea .", "certainly , here come tea and figs ."],
  rng: Rng.named(1, "choosing"),
};

describe("answers chosen among N", () => {
  it("are the first ones for N = 1, whoever chooses", async () => {
    const found = await chosenAmong(answers, { ...options, n: 1, compare: truthJudge });
    assert.deepEqual(found.rewards, answers.map(([first]) => first.reward));
    // A tie with the same text, then shorter than the opponent's.
    assert.equal(found.proxy, 0.25);
  });

  it("are the best by the truth where the truth chooses, of the first N alone", async () => {
    const best = await chosenAmong(answers, { ...options, n: 2, compare: truthJudge });
    assert.deepEqual(best.rewards, answers.map(([a, b]) => Math.max(a.reward, b.reward)));
    assert.equal(best.reward, (best.rewards[0] + best.rewards[1]) / 2);
  });

  it("are the worst where the judge is turned round", async () => {
    const compare = inverted(truthJudge);
    const worst = await chosenAmong(answers, { ...options, n: 3, compare });
    assert.deepEqual(
      worst.rewards,
      answers.map((some) => Math.min(...some.map(({ reward }) => reward))),
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { truthJudge } from "../lib/lab/study/session.ts";
import { reward } from "../lib/lab/world/reward.ts";
import { inverted, longerWins } from "../lib/measure/mod.ts";
import type { Compare } from "../lib/method/mod.ts";
import { chosenByKnockout } from "../lib/run/knockout.ts";

const REQUEST = "we want tea and figs please .";
const drawn = (...texts: string[]) =>
  texts.map((text) => ({ text, reward: reward(REQUEST, text) }));
const answers = [
  drawn("you get tea .", "certainly , here come tea and figs .", "you get tea and figs ."),
  drawn("you get tea and figs .", "you get tea .", "you get figs and tea ."),
];
const chosen = async (n: number, compare: Compare, own: Compare = longerWins) => {
  const answered = answers.map((all) => ({
    prompt: [{ role: "user", content: REQUEST }] as const,
    answers: all.slice(0, n),
  }));
  const opponents = ["you get tea .", "certainly , here come tea and figs ."];
  const options = { compare, own, opponents, rng: Rng.named(1, "choosing") };
  const found = await chosenByKnockout(answered, options);
  return { ...found, rewards: found.chosen.map(({ reward }) => reward) };
};

describe("answers chosen among N", () => {
  it("are the first ones for N = 1, whichever ranker chooses", async () => {
    const found = await chosen(1, truthJudge);
    assert.deepEqual(found.rewards, answers.map(([first]) => first.reward));
    // The same text, a half without asking; then shorter than the opponent's.
    assert.deepEqual(found.credits, [0.5, 0]);
    assert.deepEqual(found.preferences, [0.5, 0]);
  });

  it("are the best by the truth where the truth chooses, of the first N alone", async () => {
    const best = await chosen(2, truthJudge);
    assert.deepEqual(best.rewards, answers.map(([a, b]) => Math.max(a.reward, b.reward)));
  });

  it("are the worst where the judge is turned round", async () => {
    const worst = await chosen(3, inverted(truthJudge));
    assert.deepEqual(
      worst.rewards,
      answers.map((some) => Math.min(...some.map(({ reward }) => reward))),
    );
  });

  it("count a half against an opponent where the judge does not answer", async () => {
    const silent: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment) => ({ ...judgment, answered: false }));
    assert.deepEqual((await chosen(1, truthJudge, silent)).credits, [0.5, 0.5]);
  });
});

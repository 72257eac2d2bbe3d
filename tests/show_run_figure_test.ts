import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { runFigure } from "../lib/show/run_figure.ts";

const report = (accuracy: number) => [
  { measure: "accuracy", value: accuracy, low: accuracy - 0.1, high: accuracy + 0.2 },
  { measure: "flipRate", value: 0.5, low: 0.4, high: 0.6 },
];

const figure = runFigure({
  judgeBefore: report(0.4),
  judgeAfter: report(0.7),
  jsft: [1, 2, 3].map((step) => ({
    step,
    answerLogProb: -6 * step,
    answerTargets: 3,
    judgmentLogProb: step === 2 ? 0 : -1,
    judgmentTargets: step === 2 ? 0 : 2,
  })),
  selfJudge: [
    { step: 1, pairs: 2, rewardChosen: 1, rewardRejected: 0, rewardMargin: 1 },
    { step: 2, pairs: 0, rewardChosen: "", rewardRejected: "", rewardMargin: "" },
  ],
  tournament: [
    { policy: "jsft", candidates: 1, winRate: 0.5, low: 0.3, high: 0.6 },
    { policy: "self-judge", candidates: 1, winRate: 0.6, low: 0.5, high: 0.9 },
  ],
});
const trace = (name: string, panel: number) =>
  figure.data.find((t) => t.name === name && t.xaxis === `x${panel}`)!;

describe("runFigure", () => {
  it("shows losses per target token, over the steps that had targets", () => {
    assert.deepEqual(trace("answers", 1).y, [4, 4, 4]); // means of 2, 4, 6 over five steps around each
    assert.deepEqual(trace("judgments", 1).x, [1, 3]);
    assert.deepEqual(trace("judgments", 1).y, [0.5, 0.5]);
  });

  it("draws intervals from the value to its ends", () => {
    const { array, arrayminus } = trace("after JSFT", 2).error_x as Record<string, number[]>;
    assert.ok(Math.abs(array[0] - 0.2) < 1e-9 && Math.abs(arrayminus[0] - 0.1) < 1e-9);
    assert.deepEqual(trace("SELF-JUDGE", 4).y, [0.6]);
  });

  it("leaves out steps that had no pairs", () => {
    assert.deepEqual(trace("margin", 3).x, [1]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { gainCurve, gainsOf } from "../lib/lab/figures/gain_figure.ts";
import { gapCurve, lossCurves, positionScatter } from "../lib/lab/figures/lesson_figures.ts";
import { overoptimisationOverSteps } from "../lib/lab/figures/claims_overoptimisation.ts";
import { measureDots } from "../lib/show/measure_dots.ts";
import type { Figure } from "../lib/show/style.ts";
import { named as all, words } from "./figure_parts.ts";

const named = (figure: Figure, name: string) => all(figure, name)[0];

describe("loss curves", () => {
  it("draw every step and the mean over five, the coin's loss beside the judgments alone", () => {
    const rows = [3, 2, 1, 1, 1, 1].map((answers, i) => ({ step: i + 1, answers, judgments: 0.7 }));
    const figure = lossCurves(rows);
    assert.deepEqual(named(figure, "answers, each step").y, [3, 2, 1, 1, 1, 1]);
    assert.equal((named(figure, "answers").y as number[])[2], 8 / 5);
    const coins = figure.layout.shapes as { y0: number; yref: string }[];
    assert.deepEqual(coins.map(({ y0, yref }) => [y0, yref]), [[Math.LN2, "y2"]]);
  });
});

describe("loss curves with a tall start", () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    step: i + 1,
    answers: 1,
    judgments: i < 3 ? 9.5 : 0.6 + 0.01 * (i % 5),
  }));

  it("cut it off, and say where it starts", () => {
    const figure = lossCurves(rows);
    const [, top] = (figure.layout.yaxis2 as { range: number[] }).range;
    assert.ok(top > Math.LN2 && top < 2);
    assert.ok(words(figure).includes("starts at 9.5"));
  });

  it("leave every point in the frame where there is none", () => {
    const [low, high] = (lossCurves(rows).layout.yaxis as { range: number[] }).range;
    assert.ok(low <= 1 && high >= 1);
    assert.equal(words(lossCurves(rows.slice(3))).filter((text) => /starts/.test(text)).length, 0);
  });
});

describe("gains of a policy", () => {
  const heldOut = [
    { step: 0, rewards: [1, 2, 0] },
    { step: 10, rewards: [2, 3, 1] },
    { step: 20, rewards: [1, 4, 1] },
  ];
  const course = [{ step: 0, judge_win_rate: 0.5 }, { step: 20, judge_win_rate: 0.8 }];
  const gains = gainsOf(heldOut, { method: "self-judge", seed: 7, course });

  it("are taken request by request from the start, with an interval where they vary", () => {
    assert.deepEqual(gains.map(({ step, value }) => [step, value]), [[0, 0], [10, 1], [20, 1]]);
    assert.deepEqual([gains[1].low, gains[1].high], [1, 1]);
    assert.ok(gains[2].low < 1 && gains[2].high > 1);
    assert.deepEqual(gains.map(({ judge }) => judge), [0.5, null, 0.8]);
    assert.throws(() => gainsOf([], { method: "x", seed: 7 }), /x was measured at no step/);
  });

  it("are drawn with a band, beside the judge's win rate where it was asked", () => {
    const figure = gainCurve(gains);
    const [gained, judged] = all(figure, "SELF-JUDGE");
    assert.deepEqual([gained.x, gained.y], [[0, 10, 20], [0, 1, 1]]);
    assert.deepEqual([judged.x, judged.y], [[0, 20], [0.5, 0.8]]);
    assert.equal(all(figure, "SELF-JUDGE, interval").length, 1);
    const alone = gainCurve(gains.map((point) => ({ ...point, judge: null })));
    assert.equal(all(alone, "SELF-JUDGE").length, 1);
  });
});

describe("measure dots", () => {
  const rows = [
    { measure: "accuracy", name: "base", value: 0.5, low: 0.4, high: 0.6 },
    { measure: "accuracy", name: "jsft", value: 0.8, low: 0.7, high: 0.9 },
    { measure: "flips", name: "jsft", value: 0.1 },
  ];

  it("put each name's dots near the row of their measure, without meeting", () => {
    const figure = measureDots(rows, { title: "share of pairs" });
    const [base, jsft] = [named(figure, "base"), named(figure, "JSFT")];
    assert.deepEqual([base.x, jsft.x], [[0.5], [0.8, 0.1]]);
    const [[before], [after, flips]] = [base.y as number[], jsft.y as number[]];
    assert.ok(before < after && Math.abs(before) < 0.5 && Math.abs(flips - 1) < 0.5);
    assert.ok(words(figure).some((text) => text.includes("base") && text.includes("JSFT")));
  });

  it("show no interval where there is none", () => {
    const { error_x } = named(measureDots(rows, { title: "" }), "JSFT") as {
      error_x: { array: number[] };
    };
    assert.equal(error_x.array[1], 0);
  });
});

describe("the curve by gap", () => {
  it("has a line for each judge and one for the labels", () => {
    const row = { accuracy: 0.8, low: 0.7, high: 0.9, label: 0.75 };
    const rows = [2, 1].map((gap) => ({ ...row, judge: "jsft", gap }));
    const figure = gapCurve([...rows, { ...row, judge: "base", gap: 1 }]);
    assert.deepEqual(named(figure, "JSFT").x, [1, 2]);
    assert.deepEqual(named(figure, "one noisy label").y, [0.75, 0.75]);
    assert.ok(words(figure).includes("base"));
  });
});

describe("the scatter of positions", () => {
  it("has a panel for each judge, with its points over the diagonal", () => {
    const figure = positionScatter([
      { judge: "base", inA: 1, inB: 0 },
      { judge: "jsft", inA: 0.9, inB: 0.8 },
    ]);
    assert.deepEqual([named(figure, "JSFT").x, named(figure, "JSFT").y], [[0.9], [0.8]]);
    assert.equal(named(figure, "JSFT").xaxis, "x2");
    assert.equal(figure.data.filter(({ name }) => name === "no position bias").length, 2);
  });
});

describe("two methods that went too far, side by side", () => {
  const rows = ["self-judge", "off-policy-dpo"].flatMap((method) =>
    [0, 10, 20].map((step) => ({
      ...{ method, seed: 7, step, reward: 1 + step / 10, judge_win_rate: 0.5 + step / 100 },
      ...{ kl: null, length: null },
    }))
  );

  it("have a column each, of what was measured, and no title runs into the next panel", () => {
    const figure = overoptimisationOverSteps(rows);
    const titles = words(figure).filter((text) => /true reward|win rate/.test(text));
    assert.deepEqual(titles.map((text) => text.replaceAll(/<.*?>/g, "")), [
      "SELF-JUDGE: true reward",
      "off-policy DPO: true reward",
      "SELF-JUDGE: judge's win rate",
      "off-policy DPO: judge's win rate",
    ]);
    // Measured on the picture: 31 characters of a bold title of 17 pixels are 290 pixels wide.
    const longest = Math.max(...titles.map((text) => text.length - "<b></b>".length));
    assert.ok((figure.layout.width as number) / 2 > 290 / 31 * longest, `${figure.layout.width}`);
  });
});

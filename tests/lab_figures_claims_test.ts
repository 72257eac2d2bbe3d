import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { baseLog } from "../lib/lab/figures/claims_base.ts";
import { course } from "../lib/lab/figures/claims_interval.ts";
import { judgeAccuracy } from "../lib/lab/figures/claims_judge.ts";
import { judgeNeeded, labelNoise } from "../lib/lab/figures/claims_noise.ts";
import {
  overoptimisationByKl,
  overoptimisationOverSteps,
} from "../lib/lab/figures/claims_overoptimisation.ts";
import { rewardByN } from "../lib/lab/figures/claims_rejection.ts";
import { rewardByMethod, rewardOverSteps } from "../lib/lab/figures/claims_reward.ts";
import { figureList } from "../lib/lab/figures/list.ts";
import { STUDY_SCALES } from "../lib/lab/study/config.ts";
import { sampleTable } from "../lib/lab/figures/claims_samples.ts";
import type { Figure } from "../lib/show/style.ts";
import { named, words } from "./figure_parts.ts";

describe("course", () => {
  it("leaves out what was not measured, and steps that some seed lacks", () => {
    const rows = [[1, 0, 1], [2, 0, 3], [1, 10, 5], [1, 20, 7], [2, 20, 9], [2, 30, null]];
    const points = course(rows, ([, step]) => step!, ([, , value]) => value);
    assert.deepEqual(points.map(({ x, y }) => [x, y]), [[0, 2], [20, 8]]);
  });
});

const step = (method: string, seed: number, step: number, reward: number) => ({
  method,
  seed,
  step,
  reward,
  kl: null,
  length: null,
  judge_win_rate: null,
});

describe("rewardOverSteps", () => {
  const rows = [
    ...[1, 2].flatMap((seed) => [step("jsft", seed, 0, seed), step("jsft", seed, 10, seed + 1)]),
    ...[1, 2].flatMap((seed) => [step("raft", seed, 0, seed), step("raft", seed, 10, seed + 3)]),
  ];

  it("draws means over seeds and names lines by their last value", () => {
    const figure = rewardOverSteps(rows);
    assert.deepEqual(named(figure, "JSFT")[0].y, [1.5, 2.5]);
    assert.equal(named(figure, "JSFT, interval").length, 1);
    assert.ok(words(figure).includes("RAFT, 4 samples"));
  });

  it("says the value that all started from, or marks each its own", () => {
    assert.ok(words(rewardOverSteps(rows)).includes("start, 1.50"));
    const apart = rewardOverSteps([...rows, step("sft", 1, 0, 9), step("sft", 1, 10, 9)]);
    assert.ok(!words(apart).some((text) => text.startsWith("start")));
    assert.deepEqual(named(apart, "SFT, start")[0].y, [9]);
  });
});

describe("rewardByMethod", () => {
  const figure = rewardByMethod([
    { method: "sft", seed: 1, reward: 1 },
    { method: "sft", seed: 2, reward: 3 },
    { method: "self-judge", seed: 1, reward: 4 },
    { method: "mine", seed: 1, reward: 3 },
  ]);

  it("sorts methods, best on top, with the numbers beside", () => {
    const axis = figure.layout.yaxis as { ticktext: string[]; range: number[] };
    assert.deepEqual(axis.ticktext, ["SELF-JUDGE", "mine", "SFT"]);
    assert.ok(axis.range[0] > axis.range[1]); // row 0 on top
    assert.ok(words(figure).includes("2.00 [−10.71, 14.71]".replace("−", "-")));
    assert.ok(words(figure).includes("4.00"));
  });

  it("shows seeds below their mean, on their method's row", () => {
    const [seeds] = named(figure, "SFT, seeds");
    assert.deepEqual(seeds.x, [1, 3]);
    assert.ok((seeds.y as number[]).every((y) => y > 2 && y < 2.5));
    assert.equal(named(figure, "mine, seeds").length, 0); // one seed is its own mean
  });

  it("draws SFT as a line to read others against", () => {
    assert.deepEqual((figure.layout.shapes as { x0: number }[]).map(({ x0 }) => x0), [2]);
  });

  it("sets the same at top-p beside it, where it was measured, each method on its row", () => {
    const two = rewardByMethod([
      { method: "sft", seed: 1, reward: 1, reward_top_p: 5 },
      { method: "mine", seed: 1, reward: 3, reward_top_p: 4 },
    ]);
    const [left, right] = named(two, "mean over seeds");
    assert.deepEqual([left.x, left.y], [[3, 1], [0, 1]]);
    assert.deepEqual([right.x, right.y], [[5, 4], [1, 0]]);
    const second = (of: Figure) => words(of).filter((text) => text.includes("sampled at top-p"));
    assert.deepEqual([second(two).length, second(figure).length], [1, 0]);
  });
});

describe("rewardByN", () => {
  const rows = ["jsft", "self-judge"].flatMap((policy) =>
    [1, 2, 16].flatMap((n) => [
      { policy, selector: "own judge", seed: 1, n, reward: n, proxy: n / 16 },
      { policy, selector: "truth", seed: 1, n, reward: 2 * n, proxy: null },
    ])
  );

  it("sets N on a log scale, true reward left and the judge's view right", () => {
    const figure = rewardByN(rows);
    const own = named(figure, "own judge");
    assert.deepEqual(own[0].x, [0, 1, 4]);
    assert.deepEqual(own.map(({ y }) => (y as number[])[2]), [16, 1, 16, 1]);
    assert.equal(named(figure, "true reward").length, 2); // no proxy, no line
    assert.deepEqual((figure.layout.xaxis as { ticktext: string[] }).ticktext, ["1", "2", "16"]);
  });

  it("gives policies the same range, and no empty column of panels", () => {
    const { yaxis, yaxis2 } = rewardByN(rows.map((row) => ({ ...row, proxy: null })))
      .layout as Record<
        string,
        { range: number[] }
      >;
    assert.deepEqual(yaxis.range, yaxis2.range);
  });
});

describe("over-optimisation", () => {
  const rows = [1, 2].flatMap((seed) =>
    ["self-judge", "self-judge-moving"].flatMap((judge) =>
      [[0, 0, 1], [10, 5, 3], [20, 4, 2]].map(([step, kl, reward]) => ({
        judge,
        seed,
        step,
        reward,
        kl: kl * seed,
        judge_win_rate: 0.5 + step / 100,
        length: null,
      }))
    )
  );

  it("joins the means in the order of steps, though KL went back", () => {
    const bold = named(overoptimisationByKl(rows), "frozen")[0];
    assert.deepEqual([bold.x, bold.y], [[0, 7.5, 6], [1, 3, 2]]);
    assert.deepEqual(named(overoptimisationByKl(rows), "frozen, seed 2")[0].x, [0, 10, 8]);
  });

  it("marks the peak of the true reward", () => {
    assert.ok(words(overoptimisationByKl(rows)).includes("peak 3.00, step 10"));
    assert.deepEqual(named(overoptimisationOverSteps(rows), "self-judge, peak")[0].x, [10]);
  });

  it("has a column a judge and a row a measure that was taken", () => {
    const titles = words(overoptimisationOverSteps(rows)).filter((text) => text.startsWith("<b>"));
    assert.deepEqual(titles, [
      "<b>frozen: true reward</b>",
      "<b>moving: true reward</b>",
      "<b>frozen: judge's win rate</b>",
      "<b>moving: judge's win rate</b>",
      "<b>frozen: KL, nats</b>",
      "<b>moving: KL, nats</b>",
    ]);
  });
});

describe("judgeAccuracy", () => {
  it("keeps a judge on its row in every panel, also where it has no value", () => {
    const figure = judgeAccuracy([
      { judge: "a", seed: 1, measure: "accuracy", value: 0.6 },
      { judge: "b", seed: 1, measure: "accuracy", value: 0.7 },
      { judge: "b", seed: 1, measure: "consistency", value: 0.9 },
    ]);
    const means = named(figure, "mean over seeds");
    assert.deepEqual(means.map(({ x, y }) => [x, y]), [[[0.6, 0.7], [0, 1]], [[0.9], [1]]]);
    assert.ok(words(figure).includes("guessing"));
    assert.ok((figure.layout.xaxis as { range: number[] }).range[0] < 0.5);
  });
});

describe("label noise", () => {
  const rows = [500, 4000].flatMap((pairs) =>
    [0, 2].map((noise) => ({
      noise,
      pairs,
      seed: 1,
      accuracy: 0.9 - noise / 5,
      reward: pairs / 1000,
    }))
  );

  it("lets noise fall to the right and names pair counts", () => {
    const figure = labelNoise(rows);
    const { range } = figure.layout.xaxis as { range: number[] };
    assert.ok(range[0] > 2 && range[1] < 0);
    assert.deepEqual(named(figure, "4,000 pairs").map(({ y }) => y), [[0.9, 0.5], [4, 4]]);
  });

  it("sets reward against the judge's accuracy", () => {
    const [trace] = named(judgeNeeded(rows), "500 pairs");
    assert.deepEqual([trace.x, trace.y], [[0.9, 0.5], [0.5, 0.5]]);
  });
});

describe("sampleTable", () => {
  const sample = { prompt: "p", before: "b", after: "a", reward_before: -1, reward_after: 2 };

  it("does not take words for markup", () => {
    const figure = sampleTable([{ ...sample, prompt: "<b>1</b> & 2" }]);
    assert.ok(words(figure).includes("&lt;b&gt;1&lt;/b&gt; &amp; 2"));
    assert.ok(words(figure).includes("\u22121.00"));
  });

  it("breaks long lines and long words, and grows with them", () => {
    const long = sampleTable([{ ...sample, before: "word ".repeat(30) + "x".repeat(99) }]);
    const lines = words(long).find((text) => text.startsWith("word"))!.split("<br>");
    assert.ok(lines.length > 6 && lines.every((text) => text.length <= 32));
    assert.equal(lines.join("").replaceAll(" ", ""), "word".repeat(30) + "x".repeat(99));
    assert.ok(
      (long.layout.height as number) > (sampleTable([sample]).layout.height as number) + 80,
    );
  });
});

describe("baseLog", () => {
  it("takes whichever losses and shares the log has", () => {
    const figure = baseLog([
      { step: 1, answerLoss: 3, learningRate: 1, exercise_accuracy: "" },
      { step: 2, answerLoss: 2, learningRate: 1, exercise_accuracy: 0.5 },
    ]);
    assert.deepEqual(named(figure, "answer loss")[0].y, [3, 2]);
    assert.deepEqual(named(figure, "exercise accuracy")[0].x, [2]);
    assert.equal(figure.data.length, 2);
  });
});

describe("the figures of the claims", () => {
  it("have no controls among the courses of methods", () => {
    const { controls } = STUDY_SCALES.full.config;
    const { draw } = figureList().find(({ name }) => name === "reward-over-steps")!;
    const steps = ["self-judge", ...controls].flatMap((method) =>
      [0, 80].map((step) => ({ method, seed: 1, step, reward: step }))
    );
    const lines = (draw as (rows: unknown) => Figure)({ steps }).data.filter(({ mode }) =>
      mode === "lines"
    );
    assert.deepEqual(lines.map(({ name }) => name), ["SELF-JUDGE"]);
    assert.ok(controls.length > 0);
  });
});

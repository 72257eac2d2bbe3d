import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { baseLog } from "../lib/lab/figures/claims_base.ts";
import { course } from "../lib/lab/figures/claims_interval.ts";
import { judgeAccuracy, judgeTaught } from "../lib/lab/figures/claims_judge.ts";
import { overoptimisationOverSteps } from "../lib/lab/figures/claims_overoptimisation.ts";
import { judgeCurve } from "../lib/lab/figures/judge_curve.ts";
import { rewardByN } from "../lib/lab/figures/claims_rejection.ts";
import { rewardOverSteps } from "../lib/lab/figures/claims_reward.ts";
import { klFrontier } from "../lib/lab/figures/kl_frontier.ts";
import { leagueFigure } from "../lib/lab/figures/league_figure.ts";
import { forLonger, softUntuned } from "../lib/lab/figures/past_peak.ts";
import { untunedFigure } from "../lib/lab/figures/untuned.ts";
import { oneSettingFigure } from "../lib/lab/figures/one_setting.ts";
import { ONE_SETTING } from "../lib/lab/study/driven.ts";
import { freshBases } from "../lib/lab/figures/fresh_bases.ts";
import { gainByJudge } from "../lib/lab/figures/gain_by_judge.ts";
import { glance } from "../lib/lab/figures/glance.ts";
import { PARTS, whoDoesWhat } from "../lib/lab/figures/who_does_what.ts";
import { type StudyMethod, studyMethod } from "../lib/lab/study/methods.ts";
import { figureList } from "../lib/lab/figures/list.ts";
import { sampleTable } from "../lib/lab/figures/claims_samples.ts";
import { staleness } from "../lib/lab/figures/staleness.ts";
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
    ...[1, 2, 3].flatMap((seed) => [step("jsft", seed, 0, seed), step("jsft", seed, 10, seed + 1)]),
    ...[1, 2, 3].flatMap((seed) => [step("raft", seed, 0, seed), step("raft", seed, 10, seed + 3)]),
  ];

  it("draws means over seeds and names lines by their last value", () => {
    const figure = rewardOverSteps(rows);
    assert.deepEqual(named(figure, "JSFT")[0].y, [2, 3]);
    assert.equal(named(figure, "JSFT, interval").length, 1);
    const two = rewardOverSteps(rows.filter(({ seed }) => seed < 3));
    assert.deepEqual(named(two, "JSFT")[0].y, [1.5, 2.5]);
    assert.equal(named(two, "JSFT, interval").length, 0, "two runs span more than the figure");
    assert.ok(words(figure).includes("RAFT, 4 samples"));
  });

  it("says the value that all started from, or marks each its own", () => {
    assert.ok(words(rewardOverSteps(rows)).includes("start, 2.00"));
    const apart = rewardOverSteps([...rows, step("sft", 1, 0, 9), step("sft", 1, 10, 9)]);
    assert.ok(!words(apart).some((text) => text.startsWith("start")));
    assert.deepEqual(named(apart, "SFT, start")[0].y, [9]);
  });

  it("keeps the band of SELF-JUDGE alone where many lines would hide it", () => {
    const of = (method: string) =>
      [1, 2, 3].flatMap((seed) => [step(method, seed, 0, seed), step(method, seed, 10, seed)]);
    const many = ["self-judge", "raft", "raft-2", "sft", "jsft"];
    const bands = rewardOverSteps(many.flatMap(of)).data
      .flatMap(({ name }) => `${name}`.endsWith(", interval") ? [name] : []);
    assert.deepEqual(bands, ["SELF-JUDGE, interval"]);
  });
});

describe("freshBases", () => {
  const on = (contrast: string, base: string, league: string, difference: number) => ({
    ...{ contrast, base, league, difference, of_bases: 3 },
  });
  const figure = freshBases([
    ...[on("x > y", "1", "first", 1), on("x > y", "2", "first", 3), on("x > y", "4", "then", 5)],
    ...[on("y > z", "1", "first", -1), on("y > z", "4", "then", 1)],
  ]);

  it("tells the bases that came first from those after, and gives the mean over all", () => {
    const axis = figure.layout.yaxis as { ticktext: string[] };
    assert.deepEqual(axis.ticktext, ["x > y", "y > z"]);
    assert.deepEqual(named(figure, "first bases")[0].x, [1, 3, -1]);
    assert.deepEqual(named(figure, "fresh bases")[0].x, [5, 1]);
    const [means] = named(figure, "mean over all bases");
    assert.deepEqual(means.x, [3, 0]);
    // Student's t with 2 degrees of freedom: 4.303 times 2 / sqrt(3).
    const [half, none] = (means.error_x as { array: number[] }).array;
    assert.equal(none, 0, "a base is missing: no interval");
    assert.ok(Math.abs(half - 4.3027 * 2 / Math.sqrt(3)) < 1e-3, `${half}`);
    assert.ok(words(figure).some((text) => text.startsWith("3.00 [")));
  });
});

describe("forLonger", () => {
  it("draws rows for longer alone, thick the mean over bases and thin each of them", () => {
    const at = (method: string, base: string, step: number, reward: number) => ({
      ...{ method, base, seed: 1, step, reward },
      ...{ kl: reward / 2, judge_win_rate: 0.5, length: 9 },
    });
    const figure = forLonger([
      ...["4", "5"].flatMap((base, i) =>
        [0, 20].map((step) => at("self-judge-soft@longer", base, step, step + 2 * i))
      ),
      ...[0, 20].map((step) => at("self-judge-soft", "4", step, 100)),
      ...["4", "5"].flatMap((base) => at("self-judge@longer", base, 0, 7)),
      at("self-judge@longer", "6", 0, 9), // the other row is missing there
    ]);
    assert.deepEqual(named(figure, "hard labels").slice(0, 3).map(({ y }) => y), [[7], [7], [7]]);
    const lines = named(figure, "soft labels");
    assert.equal(lines.length, 9, "three panels, each with two bases and their mean");
    assert.deepEqual(lines.slice(0, 3).map(({ y }) => y), [[0, 20], [2, 22], [1, 21]]);
    const width = (i: number) => (lines[i].line as { width: number }).width;
    assert.ok(width(2) > 2 * width(0));
    assert.deepEqual(lines[8].y, [0.5, 10.5]);
    assert.equal(named(figure, "SELF-JUDGE, soft labels").length, 0);
  });
});

describe("softUntuned", () => {
  it("has a panel a measure, a line each for hard labels and for soft ones of their setting", () => {
    const figure = softUntuned(
      ["self-judge", "self-judge-soft@control", "raft-2"].flatMap((method, i) =>
        [0, 10].map((at) => ({
          ...step(method, 1, at, i + at),
          kl: at,
          length: 9,
          judge_win_rate: 0,
        }))
      ),
    );
    const lines = (figure.data as { y: number[]; name?: string }[]).map(({ y }) => y);
    // The mean's line after that of the one run.
    assert.deepEqual(lines.slice(0, 4), [[0, 10], [1, 11], [0, 10], [1, 11]]);
    assert.equal(lines.length, 4 * 4);
  });
});

describe("untunedFigure", () => {
  it("has a row a method, of the runs beside SELF-JUDGE's, and no interval", () => {
    const at = (method: string, seed: number, rewards: number[]) =>
      [0, 40].map((at, i) => ({ ...step(method, seed, at, rewards[i]), kl: at / 10 }));
    const habit = (method: string, at: string, value: number) =>
      [1, 2, 3].flatMap((seed) =>
        ["says a word twice", "all, and none of these"].map((habit, i) => ({
          ...{ base: "1", seed, method, at, habit, value: i * value },
        }))
      );
    const habits = [
      ...habit("self-judge", "start", 0.125),
      ...habit("self-judge", "last", 0.25),
      ...habit("raft-2@control", "last", 0.5),
      ...habit("raft-coin@control", "last", 0.75),
    ];
    const figure = untunedFigure([
      ...[1, 2, 3].flatMap((seed) => at("self-judge", seed, [seed, 10 + seed])),
      ...[1, 2, 3].flatMap((seed) => at("raft-2@control", seed, [seed, 5])),
      ...at("raft-coin@control", 2, [2, 3]),
      ...at("raft-2", 2, [2, 99]),
    ], habits);
    const [reward, meant, distance] = named(figure, "mean over seeds") as unknown as {
      x: number[];
      text: string[];
      error_x: { array: number[] };
    }[];
    assert.deepEqual(reward.text, ["SELF-JUDGE", "RAFT, 2 samples", "RAFT by a coin"]);
    assert.deepEqual([reward.x, meant.x, distance.x], [[12, 5, 3], [0.25, 0.5, 0.75], [4, 4, 4]]);
    const lines = (figure.layout.shapes as { x0: number }[]).map(({ x0 }) => x0);
    assert.deepEqual(lines, [2, 0.125], "what all begin with");
    assert.deepEqual(reward.error_x.array, [0, 0, 0], "three seeds' goes past the highest reward");
    assert.deepEqual(named(figure, "SELF-JUDGE, seeds")[0].x, [11, 12, 13]);
  });
});

describe("oneSettingFigure", () => {
  it("has a row a way to label, of the bases that have it, at the last step", () => {
    const at = (method: string, base: string, step: number, reward: number) => ({
      ...{ method, base, seed: 1, step, reward, kl: 1, judge_win_rate: 0.5, length: 9 },
    });
    const figure = oneSettingFigure([
      ...Object.values(ONE_SETTING).flatMap((row, i) =>
        ["4", "5"].flatMap((base, j) => [at(row, base, 0, 7), at(row, base, 20, i + 2 * j)])
      ),
      at("self-judge", "6", 20, 100),
    ]);
    const [means] = named(figure, "mean over bases");
    assert.deepEqual(means.x, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(named(figure, "soft labels, bases")[0].x, [8, 10]);
    assert.ok(words(figure).includes("where all begin"));
  });
});

describe("gainByJudge", () => {
  const on = (
    base: string,
    right_first: number,
    gain: number,
    role: "found" | "tested" | "beside" = "found",
  ) => ({
    ...{ base, right_first, right_data: 0.9 + right_first / 100, gain, role },
  });
  const figure = gainByJudge([
    ...[on("1", 0.5, 1), on("2", 0.7, 2)],
    ...[on("6", 0.8, 0.25, "tested"), on("views-0", 0.6, 3, "beside")],
  ]);

  it("names bases, and draws the line through those that the relation was found on", () => {
    assert.deepEqual(named(figure, "found on").map(({ text }) => text), [["1", "2"], ["1", "2"]]);
    const [first, data] = named(figure, "tested on");
    assert.deepEqual([first.x, first.y, first.text], [[0.8], [0.25], ["6"]]);
    assert.ok(Math.abs((data.x as number[])[0] - 0.908) < 1e-12);
    const [beside, none] = named(figure, "bases whose lessons taught less");
    assert.deepEqual([beside.x, beside.y, beside.text], [[0.6], [3], ["views-0"]]);
    assert.deepEqual(none.x, []);
    const [line] = named(figure, "line through the bases that it was found on");
    assert.deepEqual((line.y as number[]).map((y) => Number(y.toFixed(9))), [1, 2.5]);
  });
});

describe("leagueFigure", () => {
  const end = (method: string, seed: number, reward: number, chosen_by = "truth", base = "1") => ({
    ...{ method, base, seed, chosen_by, reward },
    reward_whole: reward - 1,
  });
  const ends = [
    ...[end("raft-2", 1, 1), end("raft-2", 1, 3, "truth", "2")],
    ...[end("self-judge", 1, 4), end("mine", 1, 3)],
    end("raft-2", 1, 0.5, "judge"),
  ];
  const figure = leagueFigure(ends, [
    { policy: "jsft", base: "1", seed: 1, reward: 2, reward_whole: 1 },
    { policy: "sft", base: "1", seed: 1, reward: 2.5, reward_whole: 1 },
  ]);

  it("sorts methods, best on top, with the numbers beside, the whole distribution on the right", () => {
    const axis = figure.layout.yaxis as { ticktext: string[]; range: number[] };
    assert.deepEqual(axis.ticktext, ["SELF-JUDGE", "mine", "RAFT, 2 samples"]);
    assert.ok(axis.range[0] > axis.range[1]); // row 0 on top
    const [left, right] = named(figure, "mean over runs");
    assert.deepEqual([left.x, left.y], [[4, 3, 2], [0, 1, 2]]);
    assert.deepEqual([right.x, right.y].map((all) => [...all as number[]].sort()), [[1, 2, 3], [
      0,
      1,
      2,
    ]]);
    assert.ok(words(figure).includes("4.00"), "no interval where a base has no run");
    assert.ok(words(figure).includes("2.00 [1.00, 3.00]"));
  });

  it("shows runs below their mean, and open what the judge would have chosen", () => {
    const [runs] = named(figure, "RAFT, 2 samples, runs");
    assert.deepEqual(runs.x, [1, 3]);
    const [open] = named(figure, "RAFT, 2 samples, chosen by its judge");
    assert.deepEqual([open.x, open.y], [[0.5], [2]]);
    assert.equal(named(figure, "mine, runs").length, 0); // one run is its own mean
  });

  it("draws what training starts from as a line in each panel", () => {
    assert.deepEqual((figure.layout.shapes as { x0: number }[]).map(({ x0 }) => x0), [2, 1]);
  });
});

describe("klFrontier", () => {
  const at = (method: string, step: number, kl: number, reward: number) => ({
    ...{ method, base: "1", seed: 1, step, reward, kl },
    ...{ length: null, judge_win_rate: null },
  });
  const figure = klFrontier([
    ...[at("self-judge", 0, 0, 1), at("self-judge", 20, 0.5, 2), at("self-judge", 40, 2, 1.5)],
    ...[at("other", 0, 0, 1), at("other", 20, 1, 1.2)],
  ], ["self-judge"]);

  it("joins measurements in the order of steps, from the first step that moved", () => {
    const [line] = named(figure, "SELF-JUDGE");
    assert.deepEqual([line.x, line.y], [[0.5, 2].map(Math.log10), [2, 1.5]]);
    const { tickvals, ticktext } = figure.layout.xaxis as Record<string, unknown[]>;
    assert.deepEqual(tickvals, ticktext.map((text) => Math.log10(Number(text))));
  });

  it("names what it is told to; others are thin and have no name beside them", () => {
    assert.equal((named(figure, "other")[0].line as { width: number }).width < 2, true);
    assert.ok(words(figure).includes("SELF-JUDGE") && !words(figure).includes("other"));
    assert.ok(words(figure).includes("JSFT, 1.00"));
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

  it("draws runs in place of an interval where it is told to", () => {
    const runs = [1, 2, 3].flatMap((seed) => rows.map((row) => ({ ...row, seed, reward: seed })));
    const own = named(rewardByN(runs, { thin: true }), "own judge");
    const ys = own.map(({ y }) => (y as number[])[0]);
    assert.deepEqual(ys.slice(0, 4), [1, 2, 3, 2], "runs, then their mean");
    const { data } = rewardByN(runs, { thin: true });
    assert.ok(data.every((trace) => (trace as { fill?: string }).fill === undefined), "no band");
    assert.ok(rewardByN(runs).data.some((trace) => (trace as { fill?: string }).fill), "bands");
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

describe("judges by the number of pairs", () => {
  const at = (kind: string, pairs: number, value: number, tuning = "lora") =>
    [1, 2].flatMap((seed) =>
      ["data", "jsft", "base"].map((on) => ({
        ...{ base: "1", seed, kind, tuning, pairs, on },
        accuracy_clear: value + seed / 100 - (on === "jsft" ? 0.1 : 0),
        consistency: value,
      }))
    );
  const figure = judgeCurve([
    ...at("base", 0, 0.5, "none"),
    ...[50, 200].flatMap((pairs, i) => [
      ...at("jsft", pairs, 0.6 + i / 10),
      ...at("jsft", pairs, 0.55, "full"),
      ...at("reward-model", pairs, 0.7),
    ]),
  ]);

  it("begins the lines of judges that are asked with the base, a step left of the fewest pairs", () => {
    const [data, own, agree] = named(figure, "JSFT");
    assert.deepEqual(data.x, [-1, 0, 2]);
    assert.deepEqual(data.y, [0.515, 0.615, 0.715]);
    assert.deepEqual((own.y as number[]).map((y) => Number(y.toFixed(9))), [0.415, 0.515, 0.615]);
    assert.deepEqual(agree.y, [0.5, 0.6, 0.7]);
    assert.deepEqual((figure.layout.xaxis as { ticktext: string[] }).ticktext, [
      "none",
      "50",
      "200",
    ]);
    assert.deepEqual(named(figure, "JSFT, runs")[0].y, [0.51, 0.52, 0.61, 0.62, 0.71, 0.72]);
  });

  it("has a line for training every weight where others train an adapter", () => {
    assert.deepEqual(named(figure, "JSFT, every weight")[0].x, [-1, 0, 2]);
  });

  it("lets a reward model begin with its first pairs, and not agree with itself", () => {
    const lines = named(figure, "reward model");
    assert.deepEqual(lines.map(({ x }) => x), [[0, 2], [0, 2]]);
  });
});

describe("over-optimisation", () => {
  const rows = [1, 2].flatMap((seed) =>
    ["self-judge", "self-judge-moving"].flatMap((method) =>
      [[0, 0, 1], [10, 5, 3], [20, 4, 2]].map(([step, kl, reward]) => ({
        method,
        seed,
        step,
        reward,
        kl: kl * seed,
        judge_win_rate: 0.5 + step / 100,
        length: null,
      }))
    )
  );

  it("marks the peak of the true reward", () => {
    assert.ok(words(overoptimisationOverSteps(rows)).includes("peak 3.00, step 10"));
    assert.deepEqual(named(overoptimisationOverSteps(rows), "self-judge, peak")[0].x, [10]);
  });

  it("has a column a judge and a row a measure that was taken", () => {
    const titles = words(overoptimisationOverSteps(rows)).filter((text) => text.startsWith("<b>"));
    assert.deepEqual(titles, [
      "<b>SELF-JUDGE: true reward</b>",
      "<b>moving judge: true reward</b>",
      "<b>SELF-JUDGE: judge's win rate</b>",
      "<b>moving judge: judge's win rate</b>",
      "<b>SELF-JUDGE: KL, nats</b>",
      "<b>moving judge: KL, nats</b>",
    ]);
  });
});

describe("staleness", () => {
  const rows = ["1", "2"].flatMap((base) =>
    [1, 2].flatMap((seed) =>
      [1, 4, 16].flatMap((k) =>
        [0, 20].map((step) => ({
          ...{ base, seed, k, step },
          // Rounds lose a hundredth a step of their length by step 20, on base 2 twice as much.
          reward: 1 + step / 20 - (k - 1) / 100 * Number(base) * step / 20,
        }))
      )
    )
  );
  const figure = staleness(rows, { margin: 0.05 });

  it("has a panel a base with runs and their mean, by the steps of a round", () => {
    const titles = words(figure).filter((text) => text.startsWith("<b>"));
    assert.deepEqual(titles, [
      ...["<b>Base 1: true reward</b>", "<b>Base 2: true reward</b>"],
      "<b>Difference to step by step, all bases</b>",
    ]);
    assert.deepEqual(named(figure, "step by step").map(({ y }) => y), [[1, 2], [1, 2]]);
    assert.equal(named(figure, "rounds of 4, seed 2").length, 2);
    const looks = ["step by step", "rounds of 4", "rounds of 16"].map((name) =>
      JSON.stringify(named(figure, name)[0].line)
    );
    assert.equal(new Set(looks).size, 3);
  });

  it("shows the difference of the runs that have both, and the margin", () => {
    const [, , gap] = named(figure, "rounds of 16");
    assert.ok(Math.abs((gap.y as number[])[1] + 0.15 * 1.5) < 1e-12);
    assert.ok(words(figure).includes("margin, \u22120.05"));
    const alone = staleness(rows.filter(({ k, base }) => k === 1 || base === "1"), {
      margin: 0.05,
    });
    assert.ok(Math.abs((named(alone, "rounds of 16")[1].y as number[])[1] + 0.15) < 1e-12);
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

describe("judgeTaught", () => {
  it("sets a judge's rows by how much its base was taught", () => {
    const row = (base: string, judge: string, value: number) => ({
      ...{ base, judge, value, seed: 1, measure: "accuracy_clear" },
    });
    const figure = judgeTaught([
      ...[row("1", "jsft", 0.9), row("2", "jsft", 0.8), row("views-0", "jsft", 0.6)],
      ...[row("1", "base", 0.5), row("1", "longer wins", 0.4)],
    ]);
    const { ticktext } = figure.layout.yaxis as { ticktext: string[] };
    assert.deepEqual(ticktext, [
      "JSFT, 0 views taught",
      "base, 5 views taught",
      "JSFT, 5 views taught",
    ]);
    const [means] = named(figure, "mean over seeds");
    assert.ok(Math.abs((means.x as number[])[2] - 0.85) < 1e-12);
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
  it("show the bases that the league is played on, and name few methods", () => {
    const { draw } = figureList().find(({ name }) => name === "reward-over-steps")!;
    const steps = ["self-judge", "sso", "self-judge@judge"].flatMap((method) =>
      ["1", "views-0"].flatMap((base) =>
        [0, 80].map((step) => ({ method, base, seed: 1, step, reward: base === "1" ? step : -9 }))
      )
    );
    const lines = (draw as (rows: unknown) => Figure)({ steps }).data.filter(({ mode }) =>
      mode === "lines"
    );
    assert.deepEqual(lines.map(({ name, y }) => [name, y]), [["SELF-JUDGE", [0, 80]]]);
  });
});

describe("who does what", () => {
  const WORDS: Record<string, string> = {
    ...{ policy: "policy", start: "JSFT model", dataset: "data set" },
    ...{
      judge: "JSFT judge",
      labels: "its labels",
      chance: "a coin",
      "reward-model": "reward model",
    },
    ...{ sigmoid: "DPO", sft: "SFT on the better" },
  };

  it("says of each method what the table of methods says", () => {
    for (const [name, parts] of Object.entries(PARTS)) {
      const { samples, ranker, loss } = studyMethod(name as StudyMethod);
      assert.deepEqual([...parts], [samples, ranker, loss].map((part) => WORDS[part]), name);
    }
  });

  it("has a row a method with the mean of bases' means", () => {
    const end = (method: string, base: string, reward: number) => ({
      ...{ method, base, seed: 1, chosen_by: "truth", reward, reward_whole: reward },
    });
    const figure = whoDoesWhat([
      ...["1", "2"].map((base) => end("raft-2", base, Number(base))),
      end("self-judge", "1", 1.25),
      end("lol", "1", 9),
    ], []);
    assert.ok(words(figure).some((text) => text.startsWith("1.50")));
    assert.ok(!words(figure).some((text) => text.startsWith("9")));
  });
});

describe("the study at a glance", () => {
  const rows = [["1", [1, 2, 2.4]], ["2", [1, 2, 0.5]], ["3", [1, 2, 1.5]]] as const;
  const steps = rows.flatMap(([base, rewards]) =>
    rewards.map((reward, i) => ({
      ...{ method: "self-judge", base, seed: 1, step: 20 * i, reward },
      ...{ judge_win_rate: 0.5 + 0.2 * i, kl: null, length: null },
    }))
  );
  const sample = (base: string, answers: [string, string, string]) => ({
    ...{ base, prompt: "tea please .", before: answers[0], after: answers[1], last: answers[2] },
    ...{ reward_before: 1, reward_after: 2, reward_last: 0.5, step_after: 20, step_last: 40 },
  });

  it("says how each base's true reward ends, and marks its peak", () => {
    const figure = glance(steps, [], { highest: 2.4 });
    const texts = words(figure);
    assert.ok(texts.some((text) => text.includes("Base 1: the truth rises to the end")));
    assert.ok(texts.some((text) => text.includes("Base 2: the truth ends below its start")));
    assert.ok(texts.some((text) => text.includes("Base 3: the truth peaks and falls")));
    assert.deepEqual(texts.filter((text) => text.startsWith("peak")), [
      ...["peak 2.40 of 2.4", "peak 2.00 of 2.4", "peak 2.00 of 2.4"],
    ]);
  });

  it("tells the first order whose answers all differ", () => {
    const figure = glance(steps, [
      sample("2", ["same", "same", "other"]),
      sample("2", ["tea .", "tea and tea .", "tea tea ."]),
    ], { highest: 2.4 });
    const told = words(figure).filter((text) => text.includes("Order:"));
    assert.equal(told.length, 1);
    assert.match(told[0], /step 20, reward 2\.00<\/b><br>tea and tea \./);
  });
});

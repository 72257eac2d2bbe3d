import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { annotationRecords, modelOutputs } from "../lib/benchmark/alpaca_export.ts";
import { gradeRows, pairRows } from "../lib/benchmark/results.ts";
import { benchmarkTable } from "../lib/benchmark/results_table.ts";
import type { SingleRecord } from "../lib/benchmark/verdict_file.ts";
import type { Compare } from "../lib/method/mod.ts";
import { benchmarkFigure, benchmarkFigureRow } from "../lib/benchmark/figure.ts";
import { answerSet, gradeRecord, judged, question } from "./benchmark_fakes.ts";
import { judgmentOf } from "./judge_fakes.ts";
import { newFolder } from "./temporary_files.ts";

const questions = [
  question(1, "math"),
  question(2, "math"),
  question(3, "writing"),
  question(4, "writing"),
  question(5, "coding"),
];
const options = { benchmark: "mt-bench", seed: 1, samples: 400 };

/** Grades by question and turn; null where the judge gave none. */
function graded(model: string, scores: readonly (readonly (number | null)[])[]): SingleRecord[] {
  return scores.flatMap((turns, q) =>
    turns.map((score, t) => gradeRecord(model, questions[q].id, { turn: t + 1, score }))
  );
}

const SCORES = [[4, 6], [8, 2], [5, null], [7, 9], [null, null]];

describe("gradeRows", () => {
  const rows = gradeRows(questions, graded("m", SCORES), options);
  const row = (category: string, turn: string, measure = "grade") =>
    rows.find((r) => r.category === category && r.turn === turn && r.measure === measure)!;

  it("averages turns as FastChat does, without those that have no grade, which are counted", () => {
    assert.deepEqual([row("all", "all").value, row("all", "all").n, row("all", "all").unanswered], [
      41 / 7,
      4,
      3,
    ]);
    assert.equal(row("all", "1").value, 24 / 4);
    assert.equal(row("all", "2").value, 17 / 3);
    assert.equal(row("math", "all").value, 5);
  });

  it("has no value and no interval where there is nothing, and no interval of one question", () => {
    const { value, low, high, n, unanswered } = row("coding", "all");
    assert.deepEqual([value, low, high, n, unanswered], [null, null, null, 0, 2]);
    assert.deepEqual([row("writing", "2").value, row("writing", "2").low, row("writing", "2").n], [
      9,
      null,
      1,
    ]);
  });

  it("has an interval around the value from questions with all their turns", () => {
    const { value, low, high } = row("all", "all");
    assert.ok(low! < value! && value! < high!);
    // Both math questions have a mean of 5: whichever are drawn, the mean is 5, and that is no certainty.
    assert.deepEqual([row("math", "all").low, row("math", "all").high], [null, null]);
  });

  it("sets paired differences beside, on questions that both have", () => {
    const other = graded(
      "base",
      SCORES.map((turns, q) => turns.map((s) => s === null || q === 3 ? null : s - 1)),
    );
    const difference = gradeRows(questions, graded("m", SCORES), { ...options, other })
      .find((r) => r.measure === "gradeDifference" && r.category === "all" && r.turn === "all")!;
    assert.deepEqual([difference.value, difference.n, difference.against], [1, 3, "base"]);
  });

  it("is the same for the same seed", () => {
    assert.deepEqual(gradeRows(questions, graded("m", SCORES), options), rows);
  });
});

describe("pairRows", () => {
  const first = answerSet("m", questions, (q) => "x".repeat(Number(q.id)));
  const second = answerSet("base", questions, () => "yyy");
  /** P(first) by question; 0 says that the judge is silent, and "position" that it names the first position. */
  const verdicts: Record<number, number | "position"> = {
    1: 0.9,
    2: 0.2,
    3: "position",
    4: 0,
    5: 0.6,
  };
  const compare: Compare = (comparisons) =>
    Promise.resolve(comparisons.map(({ prompt }) => {
      const p = verdicts[Number(/Question (\d)/.exec(prompt[0].content)![1])];
      if (p === "position") return judgmentOf([0.6, 0.4], [0.6, 0.4]);
      return p === 0 ? judgmentOf([0, 0]) : judgmentOf([p, 1 - p]);
    }));
  const counted = async (sets = [first, second] as const) => {
    const records = await judged(compare, questions, sets, {
      file: `${await newFolder()}/j.jsonl`,
    });
    const rows = pairRows(questions, records, { ...options, answers: sets });
    const row = (measure: string, category = "all", turn = "all") =>
      rows.find((r) => r.measure === measure && r.category === category && r.turn === turn)!;
    return { records, rows, row };
  };

  it("counts a win named in both positions, halves where positions disagree and where the judge is silent", async () => {
    const { row } = await counted();
    // wins 1 and 5, loss 2, split 3, silent 4
    assert.deepEqual([row("winRate").value, row("winRate").n, row("winRate").unanswered], [
      3 / 5,
      5,
      2,
    ]);
    assert.equal(row("consistency").value, 3 / 5);
    assert.ok(Math.abs(row("preference").value! - (0.9 + 0.2 + 0.5 + 0.5 + 0.6) / 5) < 1e-12);
    assert.ok(
      Math.abs(row("labelProbability").value! - 4 / 5) < 1e-12,
      "silence is part of the labelProbability",
    );
  });

  it("keeps a width where all went one way: Wilson's interval", async () => {
    const coding = (await counted()).row("winRate", "coding");
    assert.deepEqual([coding.value, coding.n], [1, 1]);
    // Wilson at 1 of 1: z^2 / (1 + z^2) of the way down from 1
    assert.ok(Math.abs(coding.low! - 1 / (1 + 1.959963984540054 ** 2)) < 1e-12);
    assert.equal(coding.high, 1);
  });

  it("sets a judge of length alone beside", async () => {
    const longer = (await counted()).row("longerRate", "all", "1");
    // Lengths 1 to 5 against 3: two shorter, one equal, two longer.
    assert.equal(longer.value, 0.5);
    assert.equal(longer.n, 5);
  });

  it("never shows NaN, and says what each measure is", async () => {
    const { rows } = await counted();
    const text = benchmarkTable([...rows, ...gradeRows(questions, graded("m", SCORES), options)]);
    assert.doesNotMatch(text, /NaN|undefined|null|Infinity/);
    for (const measure of ["winRate", "grade", "labelProbability"]) {
      assert.match(text, new RegExp(`^${measure}: \\w`, "m"));
    }
    assert.match(text, /^coding +0 +n\/a$/m);
  });

  it("keeps answers that are the same out of what is said of the judge", async () => {
    const same = answerSet("base", questions, (q, t) => q.id === 1 ? "x" : `${t}`);
    const { row } = await counted([first, same]);
    const [winRate, consistency] = [row("winRate"), row("consistency")];
    // The tie of question 1 is half a win; the judge was asked of the other four, and silent on one.
    assert.deepEqual([winRate.value, winRate.n], [(0.5 + 0 + 0.5 + 0.5 + 1) / 5, 5]);
    assert.deepEqual([consistency.value, consistency.n], [2 / 4, 4]);
  });

  it("refuses to count nothing", () => {
    assert.throws(
      () => pairRows(questions, [], { ...options, answers: [first, second] }),
      /there are no verdicts to count/,
    );
  });

  it("goes into AlpacaEval's form: the baseline first, preference 1 + P(model), null where there is none", async () => {
    const ones = questions.map((q) => ({ ...q, turns: [q.turns[0]] }));
    const { records } = await counted();
    const annotations = annotationRecords(
      ones,
      [first, second],
      records.filter(({ turn }) => turn === 1),
    );
    assert.deepEqual(
      annotations.map(({ preference }) => preference && Number(preference.toFixed(6))),
      [1.9, 1.2, 1.5, null, 1.6],
    );
    assert.deepEqual([annotations[1].output_1, annotations[1].output_2], ["yyy", "xx"]);
    assert.deepEqual([
      annotations[1].generator_1,
      annotations[1].generator_2,
      annotations[1].annotator,
    ], ["base", "m", "j"]);
    assert.deepEqual(modelOutputs(ones, first)[0], {
      instruction: "Question 1, turn 1?",
      output: "x",
      generator: "m",
      dataset: "math",
    });
  });
});

describe("benchmarkFigure", () => {
  const rows = gradeRows(questions, graded("m", SCORES), options);

  it("has an axis a category with its n, closes the line and leaves a gap where there is no grade", () => {
    const figure = benchmarkFigure(rows, "grade");
    const line = figure.data.find(({ name }) => name === "m")!;
    assert.deepEqual(line.theta, ["math<br>n 2", "writing<br>n 2", "coding<br>n 0", "math<br>n 2"]);
    assert.deepEqual(line.r, [5, 7, null, 5]);
    assert.equal(figure.data.length, 1, "no band where a category has no interval");
  });

  it("draws a band from low to high where every category has one", () => {
    const whole = ["a", "b", "c"].map((category, i) =>
      benchmarkFigureRow.parse({
        benchmark: "vicuna",
        judge: "j",
        model: "m",
        against: "base",
        category,
        turn: "all",
        measure: "winRate",
        value: String(0.5 + i / 10),
        low: "0.4",
        high: "0.8",
        n: "10",
      })
    );
    const { data, layout } = benchmarkFigure(whole, "winRate");
    assert.deepEqual(data.map(({ r }) => r), [
      [0.4, 0.4, 0.4, 0.4],
      [0.8, 0.8, 0.8, 0.8],
      [0.5, 0.6, 0.7, 0.5],
      [0.5, 0.5, 0.5, 0.5],
    ]);
    assert.match(JSON.stringify(layout.title), /against base, judged by j/);
    assert.match(JSON.stringify(layout.annotations), /<span style=.{20,30} m<\/span>/);
  });

  it("refuses fewer than three categories", () => {
    assert.throws(
      () => benchmarkFigure(rows.filter(({ category }) => category !== "math"), "grade"),
      /2 categories/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { finalNumber, GSM8K, readProblems } from "../lib/benchmark/benchmarks/gsm8k.ts";
import { scoreRows } from "../lib/benchmark/results.ts";
import { answerSet } from "./benchmark_fakes.ts";
import { refuses } from "./refusals.ts";
import { file, jsonLines } from "./temporary_files.ts";

describe("finalNumber", () => {
  const cases: [string, number | null][] = [
    ["#### 42", 42],
    ["She sold 48 + 24 = <<48+24=72>>72 clips.\n#### 72", 72],
    ["The answer is 42.", 42],
    ["It costs $1,234.50.", 1234.5],
    ["There are 2,125 of them", 2125],
    ["1,000,000", 1_000_000],
    ["so it is -3 degrees", -3],
    ["a loss of -$20", -20],
    ["it fell to \u22127", -7],
    ["10-7", 7],
    ["(12)-5", 5],
    ["half of it, .5", 0.5],
    ["that makes 3.25.", 3.25],
    ["5 + 6 = 11, and 11 + 4 = 15", 15],
    ["the pair (3,4)", 4],
    ["12, 13", 13],
    ["**18**", 18],
    ["50%", 50],
    ["#### 5 in 3 boxes", 5],
    ["#### 5\nNo: #### 6", 6],
    ["I think 8\n####", 8],
    ["x2 and y3", null],
    ["I do not know.", null],
    ["", null],
  ];
  for (const [text, number] of cases) {
    it(`of ${JSON.stringify(text)} is ${number}`, () => assert.equal(finalNumber(text), number));
  }
});

describe("readProblems", () => {
  it("reads the published form, without the notes to a calculator, and FastChat's with an answer", async () => {
    const path = await file(
      "gsm8k.jsonl",
      jsonLines([
        { question: "How many?", answer: "There are 2*3=<<2*3=6>>6.\n#### 6" },
        { question_id: 9, turns: ["How much?"], answer: "1,200" },
      ]),
    );
    assert.deepEqual(await readProblems(path), [
      {
        id: 0,
        category: "math",
        turns: ["How many?"],
        reference: ["There are 2*3=6.\n#### 6"],
        answer: "There are 2*3=<<2*3=6>>6.\n#### 6",
      },
      { id: 9, category: "math", turns: ["How much?"], reference: ["1,200"], answer: "1,200" },
    ]);
  });

  it("refuses what is no problem, naming the place", async () => {
    const good = { question: "How many?", answer: "#### 6" };
    const cases: [unknown[], RegExp][] = [
      [[good, { question: "How many?" }], /line 2: "answer" is missing/],
      [[{ answer: "6" }], /line 1: "question" is missing/],
      [[{ question: "How many?", answer: "six" }], /line 1: "answer": holds no number/],
      [[good, { ...good, question_id: 0 }], /line 2: question_id 0 is that of line 1/],
    ];
    for (const [records, message] of cases) {
      const path = await file("bad-gsm8k.jsonl", jsonLines(records));
      await refuses(() => readProblems(path), /bad-gsm8k\.jsonl/, message);
    }
    const blank = await file("blank.jsonl", "\n");
    await refuses(() => readProblems(blank), /holds no question/);
  });
});

describe("scoreRows", () => {
  it("is the share of right numbers with Wilson's interval; an answer without a number is wrong", async () => {
    const problems = [7, 1200, 3, 4].map((answer, i) => ({
      question: `Problem ${i}?`,
      answer: `#### ${answer}`,
    }));
    const questions = await readProblems(await file("four.jsonl", jsonLines(problems)));
    const replies = ["It is 7.", "That is 1,200 in all", "13", "Who knows?"];
    const set = answerSet("m", questions, ({ id }) => replies[Number(id)]);
    const [all, math] = scoreRows(questions, set, {
      benchmark: "gsm8k",
      seed: 1,
      score: GSM8K.exactMatch!,
    });
    // Wilson at 2 of 4: the centre is a half, and the half-width z / (2 sqrt(n + z^2)).
    const z = 1.959963984540054;
    assert.deepEqual(
      [all.judge, all.measure, all.category, all.turn, all.value, all.n, all.unanswered],
      ["answer key", "exactMatch", "all", "all", 0.5, 4, 1],
    );
    assert.ok(Math.abs(all.high! - 0.5 - z / (2 * Math.sqrt(4 + z * z))) < 1e-12);
    assert.ok(Math.abs(all.low! + all.high! - 1) < 1e-12);
    assert.equal(math.category, "math");
  });
});

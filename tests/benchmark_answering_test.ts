import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  answerCounts,
  answerId,
  answersTo,
  modelAnswer,
  readModelAnswers,
  turnsOf,
} from "../lib/benchmark/answer_file.ts";
import { type AnsweringOptions, answerQuestions as answerAll } from "../lib/benchmark/answering.ts";
import { MT_BENCH } from "../lib/benchmark/benchmarks/mt_bench.ts";
import { namedSpec } from "../lib/benchmark/named_model.ts";
import { echo, question } from "./benchmark_fakes.ts";
import { refuses } from "./refusals.ts";
import { file, folder, jsonLines } from "./temporary_files.ts";

const questions = [
  question(1, "math"),
  question(2, "writing"),
  question(3, "math"),
  question(4, "writing", { turns: 1 }),
  question(5, "math"),
];

/** Answers at MT-Bench's temperatures. */
const answerQuestions = (
  some: typeof questions,
  answerer: Parameters<typeof answerAll>[1],
  options: Omit<AnsweringOptions, "temperatureOf">,
) => answerAll(some, answerer, { ...options, temperatureOf: MT_BENCH.temperatureOf });

describe("answerQuestions", () => {
  it("shows each turn those before it with the model's own answers, at the category's temperature", async () => {
    const { answerer, asked } = echo();
    const set = await answerQuestions(questions, answerer, { file: `${folder.path}/a/echo.jsonl` });
    assert.deepEqual(turnsOf(set.answers[0]), [
      "(Question 1, turn 1?)",
      "(Question 1, turn 1? | (Question 1, turn 1?) | Question 1, turn 2?)",
    ]);
    assert.deepEqual(asked.map(({ temperature }) => temperature), [0, 0, 0, 0, 0.7, 0.7]);
    assert.deepEqual(asked.map(({ streams }) => streams.join(" ")), [
      "1/1 3/1",
      "1/2 3/2",
      "5/1",
      "5/2",
      "2/1 4/1",
      "2/2",
    ]);
  });

  it("writes FastChat's fields, a line a question in the questions' order", async () => {
    const path = `${folder.path}/a/echo.jsonl`;
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((l) => JSON.parse(l));
    assert.deepEqual(lines.map(({ question_id }) => question_id), [1, 2, 3, 4, 5]);
    assert.deepEqual(Object.keys(lines[0]), [
      "question_id",
      "answer_id",
      "model_id",
      "choices",
      "tstamp",
    ]);
    assert.deepEqual(lines[3].choices, [{
      index: 0,
      turns: ["(Question 4, turn 1?)"],
      ends: ["stop"],
    }]);
    assert.match(lines[0].answer_id, /^[0-9A-Za-z]{22}$/);
  });

  it("resumes where a killed run was, and ends with the same answers", async () => {
    const path = `${folder.path}/b/echo.jsonl`;
    await assert.rejects(
      answerQuestions(questions, echo({ failAfter: 3 }).answerer, { file: path }),
      /killed/,
    );
    assert.equal((await readModelAnswers(path)).length, 2);
    await Deno.writeTextFile(path, '{"question_id": 9, "tor', { append: true });
    const { answerer, asked } = echo();
    const progress: number[] = [];
    await answerQuestions(questions, answerer, {
      file: path,
      onProgress: (done) => progress.push(done),
    });
    assert.deepEqual(asked.map(({ streams }) => streams.join(" ")), [
      "5/1",
      "5/2",
      "2/1 4/1",
      "2/2",
    ]);
    assert.deepEqual(progress, [2, 3, 5]);
    const timeless = async (path: string) =>
      (await readModelAnswers(path)).map((answer) => ({ ...answer, tstamp: 0 }));
    assert.deepEqual(await timeless(path), await timeless(`${folder.path}/a/echo.jsonl`));
  });

  it("keeps answers to questions that are not asked this time", async () => {
    const path = `${folder.path}/a/echo.jsonl`;
    const { answerer, asked } = echo();
    const set = await answerQuestions([questions[2]], answerer, { file: path });
    assert.equal(asked.length, 0);
    assert.equal(set.answers.length, 1);
    assert.equal((await readModelAnswers(path)).length, 5);
  });

  it("refuses to go on under other settings, naming what changed", async () => {
    await refuses(
      () =>
        answerQuestions(questions, echo({ seed: 2 }).answerer, {
          file: `${folder.path}/a/echo.jsonl`,
        }),
      /echo\.jsonl: its answers were made with seed = 1, now it is 2/,
    );
  });

  it("refuses answers that were to another question of the same id, and those of nobody knows what", async () => {
    const path = `${folder.path}/a/echo.jsonl`;
    const other = { ...questions[2], turns: ["Another?", "And now?"] };
    const { answerer, asked } = echo();
    await refuses(
      () => answerQuestions([questions[0], other], answerer, { file: path }),
      /echo\.jsonl: its answer to question 3 was to another question, or has been changed/,
    );
    const found = `${folder.path}/d/echo.jsonl`;
    await Deno.mkdir(`${folder.path}/d`);
    await Deno.copyFile(path, found);
    await refuses(
      () => answerQuestions(questions, answerer, { file: found }),
      /d\/echo\.jsonl has answers, and there is no .*echo\.settings\.json to say what gave them/,
    );
    assert.equal(asked.length, 0);
    assert.equal(await Deno.readTextFile(found), await Deno.readTextFile(path));
  });

  it("leaves between batches when asked to stop", async () => {
    const path = `${folder.path}/c/echo.jsonl`;
    let calls = 0;
    const checkStop = () => {
      if (++calls === 2) throw new Error("stopped");
    };
    await assert.rejects(
      answerQuestions(questions, echo().answerer, { file: path, checkStop }),
      /stopped/,
    );
    assert.equal((await readModelAnswers(path)).length, 2);
  });
});

describe("answer files", () => {
  const answer = (id: number, turns: string[], ends?: ("stop" | "length")[]) =>
    modelAnswer({ model: "m", question: question(id, "math"), turns, ends, time: 1 });

  it("reads FastChat's own, which say nothing of how answers ended", async () => {
    const path = await file(
      "gpt-4.jsonl",
      '{"question_id": 81, "answer_id": "x", "model_id": "gpt-4", "choices": [{"index": 0, "turns": ["a", ""]}], "tstamp": 1.5}\n',
    );
    const answers = await readModelAnswers(path);
    assert.deepEqual(answerCounts({ model: "gpt-4", answers }), { empty: 1, cut: null });
  });

  it("counts turns that were cut", () => {
    const answers = [answer(1, ["a", "b"], ["length", "stop"]), answer(2, ["c"], ["length"])];
    assert.deepEqual(answerCounts({ model: "m", answers }), { empty: 0, cut: 2 });
  });

  it("names an answer by its content and its question's", () => {
    const [one, two] = [question(1, "math"), question(2, "math")];
    assert.equal(answerId("m", one, ["a"]), answerId("m", question(1, "writing"), ["a"]));
    const all = [
      answerId("m", one, ["a"]),
      answerId("n", one, ["a"]),
      answerId("m", two, ["a"]),
      answerId("m", { ...two, id: 1 }, ["a"]),
      answerId("m", one, ["a", ""]),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  it("refuses a broken line, a question answered twice, one left out, a turn left out", async () => {
    const broken = await file("broken-answers.jsonl", '{"question_id": 1}\n');
    await refuses(
      () => readModelAnswers(broken),
      /broken-answers\.jsonl line 1: "answer_id" is missing/,
    );
    const twice = await file("twice.jsonl", jsonLines([answer(1, ["a"]), answer(1, ["b"])]));
    await refuses(
      () => readModelAnswers(twice),
      /twice\.jsonl line 2: question 1 was answered in line 1/,
    );
    const to = (answers: ReturnType<typeof answer>[]) => () =>
      Promise.resolve(answersTo(questions.slice(0, 2), answers, { file: "f", model: "m" }));
    await refuses(
      async () => await to([answer(1, ["a", "b"])])(),
      /f answers 1 of 2 questions; not: 2/,
    );
    await refuses(
      async () => await to([answer(1, ["a", "b"]), answer(2, ["a"])])(),
      /f, question 2: 1 turns are answered of 2/,
    );
  });
});

describe("namedSpec", () => {
  it("takes the name given, or one from the spec: a model's, or that of a file of answers", () => {
    const specs = ["base=a/SmolLM2", "m+r/s7/jsft/adapter", "answers:out/gpt-4.jsonl"];
    assert.deepEqual(specs.map((spec) => namedSpec(spec).name), ["base", "m+s7-jsft", "gpt-4"]);
  });

  it("refuses a name that is none for a file", () => {
    assert.throws(() => namedSpec("my model=spec"), /cannot be the name of a model/);
  });
});

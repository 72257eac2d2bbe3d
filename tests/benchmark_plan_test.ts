import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { modelAnswer } from "../lib/benchmark/answer_file.ts";
import { answerQuestions } from "../lib/benchmark/answering.ts";
import { checkReferee } from "../lib/benchmark/judges.ts";
import { answersOf } from "../lib/benchmark/material.ts";
import { type BenchmarkOptions, planOf } from "../lib/benchmark/plan.ts";
import { echo, question } from "./benchmark_fakes.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { file, folder, jsonLines } from "./temporary_files.ts";

/** Options as the command line gives them. */
const options = (more: Partial<BenchmarkOptions> = {}): BenchmarkOptions => ({
  ...{ bench: "vicuna", model: ["m=x"], rows: 8, set: [], seed: 7, figures: true },
  ...more,
});

describe("the plan of a benchmark", () => {
  it("compares and grades where that can be, else does what can be", () => {
    const modes = (more: Partial<BenchmarkOptions>) => planOf(options(more)).modes;
    assert.deepEqual(modes({}), []);
    assert.deepEqual(modes({ judge: "model:x", against: "n=x" }), ["pair", "single"]);
    assert.deepEqual(modes({ judge: "longer", against: "n=x" }), ["pair"]);
    assert.deepEqual(modes({ judge: "model:x" }), ["single"]);
  });

  const cases: [string, Partial<BenchmarkOptions>, RegExp][] = [
    ["no benchmark", { bench: undefined }, /no benchmark is named/],
    ["an unknown one", { bench: "arena" }, /no benchmark "arena"/],
    ["no model", { model: [] }, /no model is named/],
    ["two models of one name", { against: "m=x" }, /two models are called "m"/],
    ["a grade from a baseline judge", { judge: "longer", mode: "single" }, /does not grade/],
    ["pairs with nobody", { judge: "longer" }, /nobody to compare with\n.*--against/],
    [
      "a principle that nobody is asked by",
      { judge: "longer", against: "n=x", principle: "nothing" },
      /--principle nothing: no judge here is asked/,
    ],
    [
      "a principle beside MT-Bench's prompts",
      { judge: "mt-bench:http://127.0.0.1:9/v1,model=m", principle: "overall" },
      /"mt-bench:.*" is asked by MT-Bench's own prompts/,
    ],
    ["a misspelt judge", { judge: "longr" }, /there is no judge "longr"/],
    [
      "a misspelt judge of pairs",
      { judge: "modl:x", against: "n=x" },
      /there is no judge "modl:x"/,
    ],
    [
      "a judge of answers that are known",
      { bench: "gsm8k", judge: "longer" },
      /leave --judge out: answers are compared with the known ones/,
    ],
    ["an adapter of two models", { model: ["m=x", "n=x"], adapter: "a" }, /with 2 models/],
  ];
  for (const [what, more, message] of cases) {
    it(`refuses ${what}`, () => void refusesAtOnce(() => planOf(options(more)), message));
  }
});

describe("where a model's answers are from", () => {
  const questions = [question(1, "math"), question(2, "math")];
  const hooks = {
    ...{ log: () => {}, warn: () => {}, checkStop: () => {}, progress: () => () => {} },
    openAsked: () => Promise.reject(new Error("opened")),
  };

  it("stays what it was, in whichever order they are given", async () => {
    const out = `${folder.path}/answers`;
    const plan = { ...planOf(options({ out })), out };
    const given = await file(
      "given.jsonl",
      jsonLines(
        questions.map((question) =>
          modelAnswer({ model: "t", question, turns: ["Given.", "Given."] })
        ),
      ),
    );
    const spec = { name: "t", spec: `answers:${given}` };
    const path = `${out}/data/${plan.benchmark.folder}/model_answer/t.jsonl`;
    const answering = () =>
      answerQuestions(questions, echo().answerer, { file: path, temperatureOf: () => 0 });
    await answersOf(spec, questions, plan, hooks);
    await answersOf(spec, questions, plan, hooks); // once more, since nothing has changed
    await refuses(answering, /t\.jsonl: its answers were made with answers = ".*given\.jsonl"/);
    await Deno.remove(`${out}/data`, { recursive: true });
    await answering();
    const before = await Deno.readTextFile(path);
    await refuses(
      () => answersOf(spec, questions, plan, hooks),
      /t\.jsonl: its answers were made with model = "echo", now it is none/,
    );
    assert.equal(await Deno.readTextFile(path), before);
  });
});

describe("checkReferee", () => {
  it("reads the spec of MT-Bench's prompts before models answer", async () => {
    const check = (rest: string) => checkReferee(`mt-bench:${rest}`, { log: () => {} });
    await check("http://127.0.0.1:9/v1,model=m");
    await refuses(() => check("http://127.0.0.1:9/v1"), /model/);
    await refuses(() => check("http://127.0.0.1:9/v1,model=m,api=completions"), /need a chat/);
  });
});

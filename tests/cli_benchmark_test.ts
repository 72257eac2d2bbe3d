import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import Papa from "papaparse";
import { finalNumber } from "../lib/benchmark/benchmarks/gsm8k.ts";
import { readModelAnswers } from "../lib/benchmark/answer_file.ts";
import type { PairRecord, SingleRecord } from "../lib/benchmark/verdict_file.ts";
import { LoraAdapter, readConfig, saveAdapter, trainable } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import * as tf from "@tensorflow/tfjs";
import { randoms, tinyModel } from "./tiny.ts";
import { lines, ROOT, said, tinyRunFolder } from "./tiny_run.ts";

let folder = "";

function spawn(...args: string[]) {
  return new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["run", "--quiet", "-A", "lib/cli/benchmark.ts", ...args],
    env: { NO_COLOR: "1", SELF_JUDGE_DATA: `${folder}/data` },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

const run = async (...args: string[]) => await said(spawn(...args));

async function well(...args: string[]) {
  const { code, out, err } = await run(...args);
  assert.equal(code, 0, err);
  assert.doesNotMatch(out, /NaN|undefined/);
  return { out, err };
}

async function refused(args: string[], ...messages: RegExp[]) {
  const { code, out, err } = await run(...args);
  assert.equal(code, 1, out + err);
  assert.match(err, /^error: [^]+\n {2}-> .+$/m);
  for (const message of messages) assert.match(err, message);
  assert.doesNotMatch(err, /^\s+at /m);
}

const rowsOf = async (file: string) =>
  Papa.parse<Record<string, string>>(await Deno.readTextFile(file), {
    header: true,
    skipEmptyLines: true,
  }).data;

/** MT-Bench in the words of the tiny language: nine questions of two turns in three categories. */
const QUESTIONS = Array.from({ length: 9 }, (_, i) => ({
  question_id: 81 + i,
  category: ["writing", "math", "stem"][i % 3],
  turns: ["Name apple and pear, please.", "Name plum and fig, please."],
}));

describe("deno task benchmark", () => {
  before(async () => {
    folder = await tinyRunFolder();
    await Deno.mkdir(`${folder}/data/mt-bench`, { recursive: true });
    const text = (list: readonly unknown[]) => list.map((v) => JSON.stringify(v) + "\n").join("");
    await Deno.writeTextFile(`${folder}/data/mt-bench/question.jsonl`, text(QUESTIONS));
    await Deno.writeTextFile(
      `${folder}/data/mt-bench/reference-answer-gpt-4.jsonl`,
      text(
        QUESTIONS.filter(({ category }) => category === "math").slice(1).map(({ question_id }) => ({
          question_id,
          choices: [{ index: 0, turns: ["Sure, apple and pear.", "Yes, plum and fig."] }],
        })),
      ),
    );
    await Deno.mkdir(`${folder}/data/alpaca-eval`);
    await Deno.writeTextFile(
      `${folder}/data/alpaca-eval/alpaca_eval_gpt4_baseline.json`,
      JSON.stringify(["apple", "pear", "plum", "fig"].map((fruit, i) => ({
        dataset: i < 2 ? "koala" : "oasst",
        instruction: `Name ${fruit}, please.`,
        output: `Sure, ${fruit} and ${fruit}.`,
        generator: "gpt4_1106_preview",
      }))),
    );
    // Words that no question here has become the ten grades.
    const tokenizer = `${folder}/model/tokenizer.json`;
    let json = await Deno.readTextFile(tokenizer);
    const words = [
      "lime",
      "grape",
      "mango",
      "melon",
      "Gladly",
      "Fine",
      "Never",
      "No",
      "Bah",
      "Why",
    ];
    words.forEach((word, i) => json = json.replace(`"${word}":`, `"${i + 1}":`));
    await Deno.writeTextFile(tokenizer, json);
    // An adapter that moves the model.
    const config = await readConfig(`${folder}/model`);
    const rng = Rng.named(3, "adapter");
    const model = tinyModel();
    model.adapter = LoraAdapter.create(config, {
      r: 4,
      alpha: 8,
      dropout: 0,
      targetModules: ["q_proj", "v_proj", "up_proj"],
    }, rng);
    const parameters = trainable(model);
    parameters.replace(
      parameters.tensors().map((t) =>
        tf.tensor(randoms(t.size, { rng, low: -0.4, high: 0.4 }), t.shape)
      ),
    );
    await saveAdapter(model.adapter, `${folder}/adapter`, { baseModel: "tiny" });
    model.dispose();
  });
  after(() => Deno.remove(folder, { recursive: true }));

  const mt = (out: string, ...more: string[]) => [
    "--bench",
    "mt-bench",
    "--model",
    `tuned=${folder}/model+${folder}/adapter`,
    "--against",
    `base=${folder}/model`,
    "--max-new-tokens",
    "6",
    "--rows",
    "2",
    "--set",
    "judge.maxTokens=400",
    "--no-figures",
    "--out",
    `${folder}/${out}`,
    ...more,
  ];
  const answersIn = (out: string, model: string) =>
    `${folder}/${out}/data/mt_bench/model_answer/${model}.jsonl`;
  const timeless = async (file: string) =>
    (await readModelAnswers(file)).map((answer) => ({ ...answer, tstamp: 0 }));

  it("answers, compares and grades two models, and leaves FastChat's files, a table and a page", async () => {
    const judge = `model:${folder}/model`;
    const { out, err } = await well(...mt("whole", "--judge", judge));
    assert.match(
      err,
      /1 questions of math, reasoning, coding have no reference answer.*\(first: 82\)/,
    );
    assert.match(err, /tuned: \d+ turns were cut at 6 tokens/);
    assert.match(
      out,
      /^tuned against base +winRate +all +0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\] +\d +\d+$/m,
    );
    assert.match(out, /^next: open .*comparison-\*\.html/m);
    const home = `${folder}/whole/data/mt_bench`;
    for (const model of ["tuned", "base"]) {
      const answers = await readModelAnswers(answersIn("whole", model));
      assert.deepEqual(
        answers.map(({ question_id }) => question_id),
        QUESTIONS.map((q) => q.question_id),
      );
      assert.ok(answers.every(({ choices: [{ turns }] }) => turns.length === 2));
    }
    assert.notDeepEqual(
      (await timeless(answersIn("whole", "tuned"))).map(({ choices }) => choices),
      (await timeless(answersIn("whole", "base"))).map(({ choices }) => choices),
    );
    const pairs = await readJsonl<PairRecord>(`${home}/model_judgment/model_model_pair.jsonl`);
    const grades = await readJsonl<SingleRecord>(`${home}/model_judgment/model_model_single.jsonl`);
    assert.deepEqual([pairs.length, grades.length], [18, 36]);
    assert.ok(grades.every(({ score }) => score === -1 || score >= 1 && score <= 10));
    assert.deepEqual(
      new Set(pairs.filter(({ question_id }) => question_id === 85).map(({ judge }) => judge[1])),
      new Set([
        "pair-tokens-reference",
        "pair-tokens-reference-multi-turn",
      ]),
    );
    const rows = await rowsOf(`${folder}/whole/results.csv`);
    const measures = new Set(rows.map(({ measure }) => measure));
    for (
      const measure of [
        "winRate",
        "preference",
        "consistency",
        "labelProbability",
        "longerRate",
        "grade",
        "gradeDifference",
      ]
    ) {
      assert.ok(measures.has(measure), measure);
    }
    assert.ok(
      rows.every((row) => Object.values(row).every((cell) => !/NaN|Infinity|null/.test(cell))),
    );
    assert.match(
      await Deno.readTextFile(`${folder}/whole/comparison-tuned-base.html`),
      /Question 81/,
    );
  });

  it("killed while it answers, resumes and ends with the same answers", async () => {
    const child = spawn(...mt("killed"));
    const ended = said(child);
    await lines(answersIn("killed", "tuned"), 2);
    child.kill("SIGKILL");
    await ended;
    assert.ok(
      !existsSync(answersIn("killed", "base")),
      "it was to be met while the first model answers",
    );
    const kept = (await readModelAnswers(answersIn("killed", "tuned"))).map(({ tstamp }) => tstamp);
    const { out } = await well(...mt("killed"));
    assert.match(out, /^next: the same command with --judge/m);
    const now = (await readModelAnswers(answersIn("killed", "tuned"))).map(({ tstamp }) => tstamp);
    assert.ok(kept.every((time) => now.includes(time)), "what was answered is not answered again");
    for (const model of ["tuned", "base"]) {
      assert.deepEqual(
        await timeless(answersIn("killed", model)),
        await timeless(answersIn("whole", model)),
      );
    }
  });

  it("run again, makes nothing again and counts the same", async () => {
    const csv = await Deno.readTextFile(`${folder}/whole/results.csv`);
    const before = await Deno.readTextFile(answersIn("whole", "tuned"));
    const grades = `${folder}/whole/data/mt_bench/model_judgment/model_model_single.jsonl`;
    const graded = await Deno.readTextFile(grades);
    const { err } = await well(...mt("whole", "--judge", `model:${folder}/model`));
    assert.match(err, /answers of tuned: question 9\/9/);
    assert.equal(await Deno.readTextFile(`${folder}/whole/results.csv`), csv);
    assert.equal(await Deno.readTextFile(answersIn("whole", "tuned")), before);
    assert.equal(await Deno.readTextFile(grades), graded);
  });

  it("asks fewer questions of all categories, with answers from files, under a baseline judge", async () => {
    const { out } = await well(
      ...["--bench", "mt-bench", "--questions", "3", "--judge", "longer", "--no-figures"],
      ...["--model", `a=answers:${answersIn("whole", "tuned")}`, "--out", `${folder}/few`],
      ...["--against", `b=answers:${answersIn("whole", "base")}`],
    );
    assert.match(out, /3 of 9 questions/);
    const rows = await rowsOf(`${folder}/few/results.csv`);
    const value = (measure: string) =>
      rows.find((row) => row.measure === measure && row.category === "all" && row.turn === "all")!
        .value;
    assert.equal(value("winRate"), value("longerRate"));
  });

  it("warns where a judge names positions rather than answers", async () => {
    const { err } = await well(
      ...[
        "--bench",
        "mt-bench",
        "--judge",
        "first",
        "--no-figures",
        "--out",
        `${folder}/positions`,
      ],
      ...["--model", `a=answers:${answersIn("whole", "tuned")}`],
      ...["--against", `b=answers:${answersIn("whole", "base")}`],
    );
    assert.match(err, /the two positions disagree in 18 of 18 turns/);
  });

  it("writes AlpacaEval's outputs and annotations against the baseline, and their win rate", async () => {
    const { out } = await well(
      ...["--bench", "alpaca-eval", "--model", `tiny=${folder}/model`, "--max-new-tokens", "6"],
      ...[
        "--judge",
        "longer",
        "--mode",
        "pair",
        "--no-figures",
        "--out",
        `${folder}/alpaca`,
      ],
    );
    const home = `${folder}/alpaca/results/tiny`;
    const outputs = await readJsonFile<Record<string, string>[]>(`${home}/model_outputs.json`);
    assert.deepEqual(Object.keys(outputs![0]), ["instruction", "output", "generator", "dataset"]);
    const annotations = await readJsonFile<Record<string, unknown>[]>(
      `${home}/longer/annotations.json`,
    );
    assert.equal(annotations!.length, 4);
    assert.deepEqual(
      annotations!.map((a) => [a.generator_1, a.generator_2]),
      Array(4).fill(["gpt4_1106_preview", "tiny"]),
    );
    const preferences = annotations!.flatMap(({ preference }) =>
      preference === null ? [] : [Number(preference)]
    );
    const rows = await rowsOf(`${folder}/alpaca/results.csv`);
    const mean = rows.find(({ measure, category }) =>
      measure === "preference" && category === "all"
    )!;
    const expected = preferences.reduce((sum, p) => sum + p - 1, 0) / preferences.length;
    assert.deepEqual([Number(mean.n), Number(mean.unanswered)], [
      preferences.length,
      4 - preferences.length,
    ]);
    assert.ok(Math.abs(Number(mean.value) - expected) < 1e-9);
    assert.match(out, /win rate as AlpacaEval counts it:/);
  });

  it("scores answers against known ones without a judge", async () => {
    const gsm8k = `${folder}/data/gsm8k`;
    await Deno.mkdir(gsm8k);
    const problem = (fruit: string, answer: string) =>
      JSON.stringify({ question: `Name ${fruit}, please.`, answer }) + "\n";
    const fruits = ["apple", "pear", "plum"];
    await Deno.writeTextFile(
      `${gsm8k}/test.jsonl`,
      fruits.map((fruit) => problem(fruit, "#### 77")).join(""),
    );
    const out = `${folder}/gsm8k`;
    const args = ["--bench", "gsm8k", "--max-new-tokens", "8", "--out", out];
    const tiny = ["--model", `tiny=${folder}/model`];
    await well(...args, ...tiny);
    // The problems once more, with what the model said: the same answers are right or wrong by the key alone.
    const file = `${out}/data/gsm8k/model_answer/tiny.jsonl`;
    const answers = await readModelAnswers(file);
    const numbers = answers.map(({ choices: [{ turns }] }) => finalNumber(turns[0]));
    const known = numbers.map((number, i) => i === 0 && number !== null ? number : 77);
    await Deno.writeTextFile(
      `${gsm8k}/test.jsonl`,
      fruits.map((fruit, i) => problem(fruit, `#### ${known[i]}`)).join(""),
    );
    const given = `${folder}/given.jsonl`;
    await Deno.writeTextFile(
      given,
      answers.map((answer, i) =>
        JSON.stringify({
          ...answer,
          choices: [{ index: 0, turns: [i === 1 ? "It is 77." : i === 2 ? "No." : "76"] }],
        }) + "\n"
      ).join(""),
    );
    const told = await well(...args, ...tiny, "--against", `given=answers:${given}`);
    assert.match(told.out, /^given +exactMatch +all +0\.333 \[0\.\d{3}, 0\.\d{3}\] +3 +1$/m);
    const rows = await rowsOf(`${out}/results.csv`);
    assert.deepEqual(
      rows.filter(({ category }) => category === "all").map((
        { judge, model, against, measure, value, n, unanswered },
      ) => [judge, model, against, measure, Number(value), n, unanswered]),
      [
        [
          "answer key",
          "tiny",
          "",
          "exactMatch",
          numbers.filter((number, i) => number === known[i]).length / 3,
          "3",
          String(numbers.filter((number) => number === null).length),
        ],
        ["answer key", "given", "", "exactMatch", 1 / 3, "3", "1"],
      ],
    );
    const [question] = await readJsonl<Record<string, unknown>>(`${out}/data/gsm8k/question.jsonl`);
    assert.deepEqual(Object.keys(question), ["question_id", "category", "turns", "answer"]);
  });

  it("counts a judge that names neither answer as failed, not as ties, and says its labelProbability", async () => {
    // Verdicts recorded on other comparisons say nothing of these.
    const data = `${folder}/silent`;
    const recorded = `${folder}/recorded.json`;
    await Deno.writeTextFile(
      recorded,
      JSON.stringify([{ instruction: "Else?", output_1: "a", output_2: "b", preference: 2 }]),
    );
    const { err } = await well(
      ...[
        "--bench",
        "mt-bench",
        "--judge",
        `recorded:${recorded}`,
      ],
      ...["--model", `a=answers:${answersIn("whole", "tuned")}`, "--no-figures", "--out", data],
      ...["--against", `b=answers:${answersIn("whole", "base")}`],
    );
    assert.doesNotMatch(err, /positions disagree/);
    assert.match(err, /named neither answer in \d+ of 18 turns.*mean P\(A\) = 0/);
  });

  describe("refuses, before anything is loaded,", () => {
    const model = () => ["--model", `m=${folder}/model`];
    const cases: [string, () => string[], RegExp][] = [
      ["no benchmark", () => model(), /no benchmark is named/],
      ["an unknown one", () => ["--bench", "arena", ...model()], /no benchmark "arena"/],
      ["no model", () => ["--bench", "vicuna"], /no model is named/],
      [
        "two models of one name",
        () => ["--bench", "vicuna", ...model(), "--against", "m=x"],
        /two models are called "m"/,
      ],
      [
        "a grade from a baseline judge",
        () => ["--bench", "vicuna", ...model(), "--judge", "longer", "--mode", "single"],
        /does not grade/,
      ],
      [
        "pairs with nobody",
        () => ["--bench", "vicuna", ...model(), "--judge", "longer"],
        /nobody to compare with/,
      ],
      [
        "a number that is none",
        () => ["--bench", "vicuna", ...model(), "--questions", "few"],
        /--questions is "few"/,
      ],
      [
        "an adapter of two models",
        () => ["--bench", "vicuna", ...model(), "--model", "n=x", "--adapter", "a"],
        /with 2 models/,
      ],
      ["an option that is none", () => ["--bench", "vicuna", "--modle", "x"], /unknown option/],
    ];
    for (const [what, args, message] of cases) {
      it(what, async () => {
        await refused([...args(), "--out", `${folder}/refused`], message);
        assert.ok(!existsSync(`${folder}/refused`));
      });
    }
  });

  it("refuses files that are not there, answers to other questions and settings that changed", async () => {
    const base = ["--bench", "mt-bench", "--no-figures", "--out", `${folder}/bad`];
    await refused(
      [...base, "--bench", "vicuna", "--model", `m=${folder}/model`],
      /data folder ".*" has none of/,
      /--data|put the file there/,
    );
    await refused([...base, "--model", `m=${folder}/nowhere`], /no model file or folder/);
    await refused([...base, "--model", `m=${folder}/model+${folder}/nowhere`], /no adapter/);
    await refused([...base, "--model", "m=run:nowhere#policy"], /no nowhere\/run\.json/);
    const few = `${folder}/few.jsonl`;
    const all = await Deno.readTextFile(answersIn("whole", "base"));
    await Deno.writeTextFile(few, all.split("\n").slice(0, 3).join("\n") + "\n");
    await refused(
      [...base, "--model", `m=answers:${few}`],
      /answers 3 of 9 questions; not: 84, 85, 86, 87, 88, \.\.\./,
    );
    await refused(
      [...base, "--questions", "99", "--model", `m=answers:${few}`],
      /has 9 questions, not 99/,
    );
    await refused(
      mt("whole", "--max-new-tokens", "7"),
      /its answers were made with maxNewTokens = 6, now it is 7/,
    );
  });
});

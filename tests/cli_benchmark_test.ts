import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { readModelAnswers } from "../lib/benchmark/answer_file.ts";
import { finalNumber } from "../lib/benchmark/benchmarks/gsm8k.ts";
import { next } from "../lib/cli/benchmark.ts";
import { BENCHMARKS } from "../lib/benchmark/catalogue.ts";
import type { PairRecord, SingleRecord } from "../lib/benchmark/verdict_file.ts";
import { saveAdapter, saveModel, weightsFingerprint } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { command, said } from "./commands.ts";
import { csv } from "./csv_files.ts";
import { annotated } from "./measure_annotation_files.ts";
import { jsonLines } from "./temporary_files.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { tinyWithAdapter } from "./tiny_method.ts";
import { QUESTIONS, tinyBenchmarks } from "./tiny_benchmarks.ts";
import { lines } from "./tiny_run.ts";

let folder = "";
before(async () => {
  folder = await tinyBenchmarks();
});

const benchmark = command(
  "run --quiet -A lib/cli/benchmark.ts",
  () => ({ SELF_JUDGE_DATA: `${folder}/data` }),
);

/** MT-Bench asked of the tiny model with its adapter and without. */
const mt = (out: string, more = "") =>
  `--bench mt-bench --model tuned=${folder}/model+${folder}/adapter --against base=${folder}/model ` +
  `--max-new-tokens 6 --rows 2 --set judge.maxTokens=400 --no-figures --out ${folder}/${out} ${more}`;
const answersIn = (out: string, model: string) =>
  `${folder}/${out}/data/mt_bench/model_answer/${model}.jsonl`;
/** The answers of those two, compared once more. */
const again = (out: string, judge: string) =>
  `--bench mt-bench --judge ${judge} --no-figures --out ${folder}/${out} ` +
  `--model a=answers:${answersIn("whole", "tuned")} --against b=answers:${
    answersIn("whole", "base")
  }`;
const timeless = async (file: string) =>
  (await readModelAnswers(file)).map((answer) => ({ ...answer, tstamp: 0 }));

describe("what a benchmark ends with", () => {
  it("quotes folders for a shell, but not the stars", () => {
    const plan = { judge: "longer", against: null, out: "runs/my bench", questions: null };
    const vicuna = next({ ...plan, benchmark: BENCHMARKS["vicuna"] }, { annotations: [] });
    assert.match(vicuna, / or: cd 'runs\/my bench' && python/);
    const file = "runs/my bench/results/m/a judge/annotations.json";
    const alpaca = next({ ...plan, benchmark: BENCHMARKS["alpaca-eval"] }, { annotations: [file] });
    assert.match(alpaca, /winrate 'runs\/my bench\/results\/'\*\/'a judge'\/annotations\.json/);
  });
});

describe("deno task benchmark", () => {
  it("answers, compares and grades two models, and leaves FastChat's files, a table and a page", async () => {
    const { out, err } = await benchmark.well(mt("whole", `--judge model:${folder}/model`));
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
    const rows = await csv(`${folder}/whole/results.csv`);
    const measures = new Set(rows.map(({ measure }) => measure));
    for (
      const measure of [
        ...["winRate", "preference", "consistency", "labelProbability", "longerRate"],
        ...["grade", "gradeDifference"],
      ]
    ) assert.ok(measures.has(measure), measure);
    assert.doesNotMatch(
      await Deno.readTextFile(`${folder}/whole/results.csv`),
      /NaN|Infinity|null|undefined/,
    );
    assert.match(
      await Deno.readTextFile(`${folder}/whole/comparison-tuned-base.html`),
      /Question 81/,
    );
  });

  it("killed while it answers, resumes and ends with the same answers", async () => {
    const child = benchmark.spawn(mt("killed"));
    const ended = said(child);
    await lines(answersIn("killed", "tuned"), 2);
    child.kill("SIGKILL");
    await ended;
    const stamps = async () => {
      const files = ["tuned", "base"].map((model) => answersIn("killed", model));
      const there = files.filter((file) => existsSync(file));
      return (await Promise.all(there.map((file) => readModelAnswers(file)))).flat()
        .map(({ tstamp }) => tstamp);
    };
    const kept = await stamps();
    assert.ok(kept.length < 18, "it was to be met while the two models answer nine questions each");
    const { out } = await benchmark.well(mt("killed"));
    assert.match(out, /^next: the same command with --judge/m);
    const now = await stamps();
    assert.ok(kept.every((time) => now.includes(time)), "what was answered is not answered again");
    for (const model of ["tuned", "base"]) {
      assert.deepEqual(
        await timeless(answersIn("killed", model)),
        await timeless(answersIn("whole", model)),
      );
    }
  });

  it("run again, makes nothing again and counts the same", async () => {
    const grades = `${folder}/whole/data/mt_bench/model_judgment/model_model_single.jsonl`;
    const made = () =>
      Promise.all(
        [`${folder}/whole/results.csv`, answersIn("whole", "tuned"), grades]
          .map((path) => Deno.readTextFile(path)),
      );
    const before = await made();
    const { err } = await benchmark.well(mt("whole", `--judge model:${folder}/model`));
    assert.match(err, /answers of tuned: question 9\/9/);
    assert.deepEqual(await made(), before);
  });

  it("asks fewer questions of all categories, with answers from files, under a baseline judge", async () => {
    const { out } = await benchmark.well(`${again("few", "longer")} --questions 3`);
    assert.match(out, /3 of 9 questions/);
    const rows = await csv(`${folder}/few/results.csv`);
    const value = (measure: string) =>
      rows.find((row) => row.measure === measure && row.category === "all" && row.turn === "all")!
        .value;
    assert.equal(value("winRate"), value("longerRate"));
  });

  it("warns where a judge names positions rather than answers", async () => {
    const { err } = await benchmark.well(again("positions", "first"));
    assert.match(err, /the two positions disagree in 18 of 18 turns/);
  });

  it("writes AlpacaEval's outputs and annotations against the baseline, and their win rate", async () => {
    const { out } = await benchmark.well(
      `--bench alpaca-eval --model tiny=${folder}/model --max-new-tokens 6 --judge longer ` +
        `--mode pair --no-figures --out ${folder}/alpaca`,
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
    const rows = await csv(`${folder}/alpaca/results.csv`);
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
    const problems = async (known: number[]) => {
      const list = ["apple", "pear", "plum"].map((fruit, i) => ({
        question: `Name ${fruit}, please.`,
        answer: `#### ${known[i]}`,
      }));
      await Deno.writeTextFile(`${gsm8k}/test.jsonl`, jsonLines(list));
    };
    await problems([77, 77, 77]);
    const out = `${folder}/gsm8k`;
    const line = `--bench gsm8k --max-new-tokens 8 --out ${out} --model tiny=${folder}/model`;
    await benchmark.well(line);
    // The problems once more, with what the model said: the same answers are right or wrong by the key alone.
    const file = `${out}/data/gsm8k/model_answer/tiny.jsonl`;
    const answers = await readModelAnswers(file);
    const numbers = answers.map(({ choices: [{ turns }] }) => finalNumber(turns[0]));
    const known = numbers.map((number, i) => i === 0 && number !== null ? number : 77);
    await problems(known);
    const given = `${folder}/given.jsonl`;
    const replies = ["76", "It is 77.", "No."];
    await Deno.writeTextFile(
      given,
      jsonLines(answers.map((answer, i) => ({
        ...answer,
        choices: [{ index: 0, turns: [replies[i]] }],
      }))),
    );
    const told = await benchmark.well(`${line} --against given=answers:${given}`);
    assert.match(told.out, /^given +exactMatch +all +0\.333 \[0\.\d{3}, 0\.\d{3}\] +3 +1$/m);
    const rows = await csv(`${out}/results.csv`);
    assert.deepEqual(
      rows.filter(({ category }) => category === "all").map((
        { judge, model, against, measure, value, n, unanswered },
      ) => [judge, model, against, measure, value, n, unanswered]),
      [
        [
          ...["answer key", "tiny", null, "exactMatch"],
          numbers.filter((number, i) => number === known[i]).length / 3,
          ...[3, numbers.filter((number) => number === null).length],
        ],
        ["answer key", "given", null, "exactMatch", 1 / 3, 3, 1],
      ],
    );
    const [question] = await readJsonl<Record<string, unknown>>(`${out}/data/gsm8k/question.jsonl`);
    assert.deepEqual(Object.keys(question), ["question_id", "category", "turns", "answer"]);
  });

  it("counts a judge that names neither answer as failed, not as ties, and says its labelProbability", async () => {
    // Verdicts recorded on other comparisons say nothing of these.
    const recorded = `${folder}/recorded.json`;
    await Deno.writeTextFile(recorded, JSON.stringify([annotated("Else?", 2)]));
    const { err } = await benchmark.well(again("silent", `recorded:${recorded}`));
    assert.doesNotMatch(err, /positions disagree/);
    assert.match(err, /named neither answer in \d+ of 18 turns.*mean P\(A\) = 0/);
  });

  it("refuses a judge that is not there before any model answers", async () => {
    const out = `${folder}/no-judge`;
    await benchmark.refused(
      `--bench mt-bench --no-figures --questions 1 --model ${folder}/model --judge model:/nosuch --out ${out}`,
      /there is no model file or folder "\/nosuch"/,
    );
    assert.ok(!existsSync(out));
  });

  it("puts an adapter on its own base alone, whether it answers, judges or grades", async () => {
    const [base, other, adapter] = ["model", "other", "recorded"].map((name) =>
      `${folder}/${name}`
    );
    const another = tinyModel({ seed: 8 });
    await saveModel(another, other);
    another.dispose();
    await writeTokenizer(tinyLanguage(), other);
    const tuned = tinyWithAdapter({ moved: true });
    const { r, alpha, dropout, targetModules } = tuned.adapter!.config;
    const part = { name: "jsft", r, alpha, dropout, targetModules: [...targetModules] };
    await saveAdapter(tuned.adapter!, adapter, {
      baseModel: base,
      record: { base: await weightsFingerprint(base), parts: [part] },
    });
    tuned.dispose();
    const said = /recorded was trained on other weights than those of .*other: /;
    const rest = `--bench mt-bench --no-figures --questions 1 --out ${folder}/foreign`;
    const answers = answersIn("whole", "tuned");
    await benchmark.refused(`${rest} --model ${other}+${adapter} --max-new-tokens 2`, said);
    await benchmark.refused(
      `${rest} --model a=answers:${answers} --against b=answers:${answersIn("whole", "base")} ` +
        `--judge model:${other}+${adapter} --mode pair`,
      said,
    );
    await benchmark.refused(
      `${rest} --model a=answers:${answers} --judge model:${other}+${adapter} --mode single`,
      said,
    );
    await benchmark.well(`${rest} --model ${base}+${adapter} --max-new-tokens 2`);
  });

  it("refuses what it cannot do: an option that is none, more questions than there are, other settings", async () => {
    const few = `--bench mt-bench --model m=${folder}/model --out ${folder}/refused`;
    await benchmark.refused(`${few} --modle x`, /unknown option/);
    assert.ok(!existsSync(`${folder}/refused`));
    await benchmark.refused(`${few} --questions 99`, /has 9 questions, not 99/);
    await benchmark.refused(
      mt("whole", "--max-new-tokens 7"),
      /its answers were made with maxNewTokens = 6, now it is 7/,
    );
  });
});

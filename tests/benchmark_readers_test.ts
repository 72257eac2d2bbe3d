import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { writeAnnotations, writeModelOutputs } from "../lib/benchmark/alpaca_export.ts";
import { modelAnswer } from "../lib/benchmark/answer_file.ts";
import { answerQuestions } from "../lib/benchmark/answering.ts";
import { MT_BENCH } from "../lib/benchmark/benchmarks/mt_bench.ts";
import { compareReferee, type Grader } from "../lib/benchmark/referee.ts";
import { gradeRows, pairRows } from "../lib/benchmark/results.ts";
import { gradeAnswers, judgePairs, verdictFile } from "../lib/benchmark/verdict_file.ts";
import type { Compare } from "../lib/method/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { makeFolder, writeJsonl } from "../lib/base/files.ts";
import { echo, question } from "./benchmark_fakes.ts";
import { judgmentOf } from "./judge_fakes.ts";
import { folder } from "./temporary_files.ts";

const PYTHON = Deno.env.get("BENCHMARK_READERS_PYTHON");
const itWithReaders = (name: string, test: () => Promise<void>) =>
  PYTHON ? void it(name, test) : it.skip(
    `${name} (set BENCHMARK_READERS_PYTHON to a Python with fschat and alpaca-eval)`,
    test,
  );

async function read(...args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON!, {
    args: [fileURLToPath(import.meta.resolve("./reference/read_benchmark.py")), ...args],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr).slice(-3000));
  return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
}

const rng = Rng.named(1, "verdicts");
/** Verdicts of every kind: wins both ways, positions that disagree, ties and silence. */
const compare: Compare = (comparisons) =>
  Promise.resolve(comparisons.map((_, i) => {
    const positions = (): [number, number] => {
      const a = i % 7 === 3 ? 0.5 : rng.uniform();
      return [a, 1 - a];
    };
    return i % 6 === 5 ? judgmentOf([0, 0]) : judgmentOf(positions(), positions());
  }));
const grader: Grader = {
  name: "j/with odd:letters",
  key: "k",
  rows: 5,
  grade: (requests) =>
    Promise.resolve(requests.map(({ turn }, i) => ({
      score: i === 2 ? null : 1 + 9 * rng.uniform(),
      labelProbability: 0.5,
      prompt: turn > 1 ? "single-tokens-multi-turn" : "single-tokens",
      game: { asked: "asked \u2028 ü", reply: "said" },
    }))),
};

describe("FastChat's and AlpacaEval's own readers", () => {
  const questions = Array.from(
    { length: 12 },
    (_, i) => question(81 + i, ["writing", "math", "stem"][i % 3], { reference: i % 3 === 1 }),
  );
  const referee = compareReferee({ name: "j/with odd:letters", compare });
  let home = "";

  before(() => {
    home = `${folder.path}/run/data/mt_bench`;
  });

  const made = async () => {
    const one = echo().answerer;
    const sets = [
      await answerQuestions(questions, { ...one, name: "tuned" }, {
        file: `${home}/model_answer/tuned.jsonl`,
        temperatureOf: MT_BENCH.temperatureOf,
      }),
      await answerQuestions(questions, {
        ...one,
        name: "base",
        answer: async (...args) =>
          (await one.answer(...args)).map(({ text, end }) => ({
            text: `${text} "ü"\n\u2028`,
            end,
          })),
      }, {
        file: `${home}/model_answer/base.jsonl`,
        temperatureOf: MT_BENCH.temperatureOf,
      }),
    ] as const;
    await makeFolder(`${home}/reference_answer`);
    await writeJsonl(
      `${home}/question.jsonl`,
      questions.map(({ id, category, turns }) => ({ question_id: id, category, turns })),
    );
    await writeJsonl(
      `${home}/reference_answer/gpt-4.jsonl`,
      questions.filter(({ reference }) => reference)
        .map((question) => modelAnswer({ model: "gpt-4", question, turns: question.reference! })),
    );
    const pairs = await judgePairs(questions, sets, referee, {
      file: verdictFile(home, referee.name, "pair"),
    });
    const grades = [];
    for (const set of sets) {
      grades.push(
        await gradeAnswers(questions, set, grader, {
          file: verdictFile(home, grader.name, "single"),
        }),
      );
    }
    return { sets, pairs, grades };
  };

  itWithReaders(
    "load questions, answers, references and judgments, and count as we do",
    async () => {
      const { sets, pairs, grades } = await made();
      const found = await read("fastchat", `${folder.path}/run`, "mt_bench");
      assert.deepEqual(
        [found.questions, found.answers, found.references, found.two_turn_matches],
        [12, { base: 12, tuned: 12 }, 4, 24],
      );
      assert.equal(found.first[0], '(Question 81, turn 1?) "ü"\n\u2028');
      assert.deepEqual(found.pairs, {
        "j/with odd:letters/pair-tokens": 8,
        "j/with odd:letters/pair-tokens-multi-turn": 8,
        "j/with odd:letters/pair-tokens-reference": 4,
        "j/with odd:letters/pair-tokens-reference-multi-turn": 4,
      });
      const options = { benchmark: "mt-bench", seed: 1, samples: 10 };
      const row = /^tuned +(?:\d+ +){3}([\d.]+) +([\d.]+) +([\d.]+)$/m.exec(found.pair_table)!;
      const ours = pairRows(questions, pairs, { ...options, answers: sets })
        .find(({ measure, category, turn }) =>
          measure === "winRate" && category === "all" && turn === "all"
        )!;
      // FastChat leaves matches without a verdict out of its adjusted rate; here each is a half.
      assert.ok(ours.unanswered > 0);
      const [wins, all] = [ours.value! * pairs.length - ours.unanswered / 2, pairs.length];
      const theirs = wins / (all - ours.unanswered);
      assert.ok(Math.abs(Number(row[3]) - theirs) < 1e-6, `${row[3]} and ${theirs}`);

      const turns = (turn: string) =>
        gradeRows(questions, grades[0], options)
          .find(({ measure, category, turn: t }) =>
            measure === "grade" && category === "all" && t === turn
          )!.value!;
      const [, first, second, average] = found.single_table.split("##########").filter((
        part: string,
      ) => /score/.test(part)).map((part: string) =>
        Number(/^tuned +(?:\d +)?([\d.]+)$/m.exec(part)![1])
      ).reduce(
        (all: number[], value: number) => [...all, value],
        [0],
      );
      for (const [theirs, turn] of [[first, "1"], [second, "2"], [average, "all"]] as const) {
        assert.ok(
          Math.abs(theirs - turns(turn)) < 1e-5,
          `turn ${turn}: ${theirs} and ${turns(turn)}`,
        );
      }
    },
  );

  itWithReaders("load model_outputs.json and annotations.json, and have our win rate", async () => {
    const ones = questions.map((q) => ({ ...q, turns: [q.turns[0]] }));
    const { sets, pairs } = await made();
    const run = `${folder.path}/alpaca`;
    await writeModelOutputs(run, ones, sets[0]);
    const firsts = pairs.filter(({ turn }) => turn === 1);
    await writeAnnotations(run, ones, sets, firsts);
    const found = await read("alpaca", run);
    assert.deepEqual(found.columns, ["dataset", "generator", "instruction", "output"]);
    assert.deepEqual([found.outputs, found.generators], [12, ["base", "tuned"]]);
    const ours = pairRows(ones, firsts, {
      benchmark: "alpaca-eval",
      seed: 1,
      samples: 10,
      answers: sets,
    })
      .find(({ measure, category }) => measure === "preference" && category === "all")!;
    // AlpacaEval leaves out what has no preference; here each is a half.
    const answered = ours.n - ours.unanswered;
    assert.equal(found.win_rate.n_total, answered);
    const theirs = (ours.n * ours.value! - ours.unanswered / 2) / answered;
    assert.ok(Math.abs(found.win_rate.win_rate - 100 * theirs) < 1e-9);
  });
});

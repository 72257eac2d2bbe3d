import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { findBenchmarkFile } from "../lib/benchmark/benchmark_file.ts";
import { ALPACA_EVAL, readInstructions } from "../lib/benchmark/benchmarks/alpaca_eval.ts";
import { BENCHMARKS } from "../lib/benchmark/catalogue.ts";
import { JUDGE_PROMPTS, readQuestions } from "../lib/benchmark/fastchat.ts";
import { spread } from "../lib/benchmark/question.ts";
import { question } from "./benchmark_fakes.ts";
import { ALPACA, DATA, itWith } from "./real_data.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const MT = `${DATA}/mt-bench/question.jsonl`;
const REFERENCES = `${DATA}/mt-bench/reference-answer-gpt-4.jsonl`;
const line = (value: unknown) => JSON.stringify(value) + "\n";
const asked = (id: number, more: object = {}) =>
  line({ question_id: id, category: "math", turns: ["a", "b"], ...more });
const known = (id: number, turns: string[]) =>
  line({ question_id: id, model_id: "gpt-4", choices: [{ index: 0, turns }] });

describe("readQuestions", () => {
  itWith(MT)(
    "reads MT-Bench: 80 questions of two turns, ten of each category, 30 with references",
    async () => {
      const questions = await readQuestions(MT, REFERENCES);
      assert.deepEqual(questions.map(({ id }) => id), Array.from({ length: 80 }, (_, i) => 81 + i));
      const groups = Map.groupBy(questions, ({ category }) => category);
      assert.deepEqual([...groups.values()].map(({ length }) => length), Array(8).fill(10));
      for (const { category, turns, reference } of questions) {
        assert.equal(turns.length, 2);
        assert.equal(reference?.length, /^(math|reasoning|coding)$/.test(category) ? 2 : undefined);
      }
      const race = questions.find(({ id }) => id === 101)!;
      assert.match(race.turns[0], /overtaken the second person/);
      assert.match(race.reference![0], /second place/);
    },
  );

  itWith(MT)("reads Vicuna, which has one turn a question and no references here", async () => {
    const questions = await readQuestions(`${DATA}/vicuna-bench/question.jsonl`);
    assert.equal(questions.length, 80);
    assert.ok(questions.every(({ turns, reference }) => turns.length === 1 && reference === null));
  });

  it("gives references to the categories alone that need one", async () => {
    const questions = await readQuestions(
      await file("q.jsonl", asked(1) + asked(2, { category: "writing" })),
      await file("r.jsonl", known(1, ["x", "y"]) + known(2, ["x", "y"])),
    );
    assert.deepEqual(questions.map(({ reference }) => reference), [["x", "y"], null]);
  });

  const broken: [string, string, RegExp][] = [
    ["a line that is not JSON", asked(1) + "{oops\n", /line 2: the line is not JSON/],
    ["a missing category", line({ question_id: 1, turns: ["a"] }), /line 1: "category" is missing/],
    ["no turn", asked(1, { turns: [] }), /line 1: "turns": must hold a turn/],
    ["an empty turn", asked(1, { turns: ["a", ""] }), /line 1: "turns\.1": must not be empty/],
    ["an id that came before", asked(1) + asked(1), /line 2: question_id 1 is that of line 1/],
    ["no question", "\n", /holds no question/],
  ];
  for (const [what, text, message] of broken) {
    it(`refuses ${what}, naming the place`, async () => {
      const path = await file("broken.jsonl", text);
      await refuses(() => readQuestions(path), /broken\.jsonl/, message);
    });
  }

  it("refuses a reference of fewer turns than its question", async () => {
    const [q, r] = [await file("q2.jsonl", asked(7)), await file("r2.jsonl", known(7, ["x"]))];
    await refuses(
      () => readQuestions(q, r),
      /r2\.jsonl line 1: 1 reference answers to the 2 turns of question 7/,
    );
  });
});

describe("readInstructions", () => {
  const annotations = `${ALPACA}/alpaca-7b.json.gz`;
  itWith(annotations)(
    "takes instructions, data sets and either side's answers from annotations",
    async () => {
      const { questions, answered, repeated } = await readInstructions(annotations);
      assert.equal(questions.length, 805);
      assert.deepEqual([questions[0].id, questions[0].category], [0, "helpful_base"]);
      assert.equal(answered!.name, "gpt4_1106_preview");
      assert.deepEqual(repeated, []);
      const model = (await readInstructions(annotations, "model")).answered!;
      assert.equal(model.name, "alpaca-7b");
      assert.notEqual(model.answers[0], answered!.answers[0]);
    },
  );

  it("counts instructions that come twice, and gives each an id", async () => {
    const item = { instruction: "Hi", output: "o", generator: "g" };
    const { questions, answered, repeated } = await readInstructions(
      await file("twice.json", [item, { ...item, instruction: "Ho" }, item]),
    );
    assert.deepEqual(repeated, [3]);
    assert.deepEqual(questions.map(({ id, category }) => [id, category]), [[0, "all"], [1, "all"], [
      2,
      "all",
    ]]);
    assert.deepEqual(answered, { name: "g", answers: ["o", "o", "o"] });
  });

  it("refuses answers by two writers, and items without an instruction", async () => {
    const mixed = await file("mixed.json", [
      { instruction: "a", output: "x", generator: "g" },
      { instruction: "b", output: "y", generator: "h" },
    ]);
    await refuses(
      () => readInstructions(mixed),
      /mixed\.json item 2: the answer is by "h", those before it by "g"/,
    );
    const bare = await file("bare.json", [{ output: "x" }]);
    await refuses(() => readInstructions(bare), /bare\.json item 1: "instruction" is missing/);
  });
});

describe("spread", () => {
  const questions = [1, 2, 3, 4, 5, 6].map((id) =>
    question(id, id <= 3 ? "a" : id <= 5 ? "b" : "c")
  );
  it("takes a question of each category before a second of any, in the list's order", () => {
    const ids = (count: number) => spread(questions, count).map(({ id }) => id);
    assert.deepEqual(ids(3), [1, 4, 6]);
    assert.deepEqual(ids(4), [1, 2, 4, 6]);
    assert.deepEqual(ids(6), [1, 2, 3, 4, 5, 6]);
  });
});

describe("the temperature of a benchmark's category", () => {
  const { temperatureOf } = BENCHMARKS["mt-bench"];

  it("is FastChat's: greedy where one answer is right, 0.7 for categories it does not name", () => {
    const all = [
      "writing",
      "roleplay",
      "extraction",
      "math",
      "coding",
      "reasoning",
      "stem",
      "humanities",
      "fermi",
    ];
    assert.deepEqual(all.map(temperatureOf), [0.7, 0.7, 0, 0, 0, 0, 0.1, 0.1, 0.7]);
    assert.equal(temperatureOf("constructor"), 0.7);
    assert.equal(ALPACA_EVAL.temperatureOf("math"), 0.7, "its categories are not FastChat's");
  });
});

describe("findBenchmarkFile", () => {
  const { questions, references } = BENCHMARKS.vicuna;

  it("looks in the folder named, in our layout and in FastChat's", async () => {
    const data = `${folder.path}/data`;
    await Deno.mkdir(`${data}/vicuna_bench`, { recursive: true });
    await Deno.writeTextFile(`${data}/vicuna_bench/question.jsonl`, "x");
    assert.equal(
      await findBenchmarkFile(questions, { dataFolder: data }),
      `${data}/vicuna_bench/question.jsonl`,
    );
    assert.equal(await findBenchmarkFile(references!, { dataFolder: data, optional: true }), null);
    await refuses(
      () => findBenchmarkFile(JUDGE_PROMPTS, { dataFolder: data }),
      /has none of mt-bench\/judge-prompts\.jsonl/,
      /raw\.githubusercontent\.com/,
    );
  });

  it("fetches what is in no folder once, from its public home", async () => {
    const seen: string[] = [];
    const options = {
      dataFolder: "",
      folder: `${folder.path}/engine`,
      fetch: ((url: string) => {
        seen.push(url);
        return Promise.resolve(new Response("questions"));
      }) as typeof fetch,
    };
    const path = (await findBenchmarkFile(questions, options))!;
    assert.equal(await findBenchmarkFile(questions, options), path);
    assert.equal(await Deno.readTextFile(path), "questions");
    assert.deepEqual(seen, [questions.url]);
  });

  it("leaves nothing behind where the download fails", async () => {
    const engine = `${folder.path}/offline`;
    const fetcher = (() => Promise.resolve(new Response("no", { status: 404 }))) as typeof fetch;
    await refuses(
      () => findBenchmarkFile(questions, { dataFolder: "", folder: engine, fetch: fetcher }),
      /could not be fetched: status 404/,
      /--data or SELF_JUDGE_DATA/,
    );
    await assert.rejects(Deno.stat(engine));
  });
});

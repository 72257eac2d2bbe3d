import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  fillPrompt,
  pairPlaces,
  promptName,
  readGrade,
  readJudgePrompts,
  readPosition,
  singlePlaces,
} from "../lib/benchmark/judge_prompts.ts";
import { type Chat, promptGrader, promptReferee } from "../lib/benchmark/prompt_judge.ts";
import { ServedError } from "../lib/judges/served/mod.ts";
import { gradeAnswers, judgePairs } from "../lib/benchmark/verdict_file.ts";
import { answerSet, question } from "./benchmark_fakes.ts";
import { DATA, itWith } from "./real_data.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const PROMPTS = `${DATA}/mt-bench/judge-prompts.jsonl`;

const questions = [question(1, "writing"), question(2, "math", { reference: true })];
const long = answerSet("long", questions, (q, t) => `A long answer to ${q.id}.${t}`);
const short = answerSet("short", questions, () => "No");

describe("MT-Bench's prompts", () => {
  it("show two turns, and refuse a third", () => {
    refusesAtOnce(() => promptName("pair", questions[0], 3), /question 1 has a turn 3/);
  });

  itWith(PROMPTS)(
    "are chosen by reference and turn, and every place in them is filled",
    async () => {
      const prompts = await readJudgePrompts(PROMPTS);
      for (const q of questions) {
        for (const turn of [1, 2]) {
          const values = { a: ["aa1", "aa2"], b: ["bb1", "bb2"] };
          const pair = promptName("pair", q, turn);
          const single = promptName("single", q, turn);
          assert.equal(
            pair,
            `${q.id === 1 ? "pair-v2" : "pair-math-v1"}${turn > 1 ? "-multi-turn" : ""}`,
          );
          assert.equal(
            single,
            `${q.id === 1 ? "single-v1" : "single-math-v1"}${turn > 1 ? "-multi-turn" : ""}`,
          );
          const texts = [
            fillPrompt(prompts.get(pair)!, pairPlaces(q, turn, values))[1].content,
            fillPrompt(prompts.get(single)!, singlePlaces(q, turn, values.a))[1].content,
          ];
          for (const text of texts) {
            assert.doesNotMatch(text, /\{\w+\}/);
            assert.ok(
              text.includes(`aa${turn}`) && text.includes(`Question ${q.id}, turn ${turn}?`),
            );
            assert.equal(text.includes(`Known 2.${turn}.`), q.id === 2);
          }
          assert.ok(texts[0].indexOf("aa1") < texts[0].indexOf("bb1"));
        }
      }
    },
  );

  it("leave braces and dollars in answers as they are", () => {
    const prompt = {
      name: "p",
      type: "single",
      system_prompt: "",
      prompt_template: "{question}|{answer}",
      output_format: "",
    };
    const [, { content }] = fillPrompt(prompt, { question: "{answer}", answer: "$& {x} $1" });
    assert.equal(content, "{answer}|$& {x} $1");
    assert.throws(() => fillPrompt(prompt, { question: "q" }), /asks for \{answer\}/);
  });

  it("refuse a file that lacks one", async () => {
    const path = await file("prompts.jsonl", "\n");
    await refuses(() => readJudgePrompts(path), /prompts\.jsonl has no prompt "pair-v2"/);
  });

  it("are answered by a position in double brackets, and a grade in double or single ones", () => {
    assert.deepEqual(["so [[A]]", "[[B]]!", "[[C]]", "A", "[A]"].map(readPosition), [
      "A",
      "B",
      "tie",
      null,
      null,
    ]);
    const replies = [
      "Rating: [[7]]",
      "[[6.5]]",
      "[8]",
      "8/10",
      "[[0]]",
      "[[11]]",
      "see [1], so [[3]]",
    ];
    assert.deepEqual(replies.map(readGrade), [7, 6.5, 8, null, null, null, 3]);
  });

  it("are answered after the judge's thoughts, by the last mark", () => {
    const positions: [string, ReturnType<typeof readPosition>][] = [
      ["At first I leaned to [[A]], yet its figures are wrong. Verdict: [[B]]", "B"],
      ["<think>I could answer [[A]] or [[C]].</think>\n[[B]]", "B"],
      ["[[A]] is tempting.\n</think>\n\n[[C]]", "tie"],
      ["<think>It is [[A]]", null],
      ["[[B>A]]", "B"],
      ["[[A]] or [[B]]", null],
    ];
    for (const [reply, position] of positions) assert.equal(readPosition(reply), position, reply);
    const grades: [string, number | null][] = [
      ["The middle would be [[5]]; this one is better. Rating: [[9]]", 9],
      ["<think>[[3]]</think>\nRating: [[7/10]]", 7],
      ["as [1] says, [8]", 8],
      ["[[5]], no: [[12]]", null],
      ["<think>[[5]]", null],
    ];
    for (const [reply, grade] of grades) assert.equal(readGrade(reply), grade, reply);
  });

  itWith(PROMPTS)(
    "are asked again by a later run where a reply failed, not where it was read",
    async () => {
      const prompts = await readJudgePrompts(PROMPTS);
      let failing = true;
      let asked = 0;
      const chat: Chat = () => {
        asked++;
        if (failing && asked === 2) {
          throw new ServedError(
            "withheld",
            "a filter",
            "ask another server",
          );
        }
        return Promise.resolve("Rating: [[9]], [[A]]");
      };
      const options = { name: "mt-bench:m", key: "k", chat, prompts, rows: 1 };
      const one = [question(1, "writing")];
      const run = async (kind: "pair" | "single") => {
        asked = 0;
        const at = { file: `${folder.path}/again/${kind}.jsonl` };
        const records = kind === "pair"
          ? (await judgePairs(one, [long, short], promptReferee(options), at)).map((r) =>
            r.g2_winner
          )
          : (await gradeAnswers(one, long, promptGrader(options), at)).map(({ score }) => score);
        return { records, asked };
      };
      assert.deepEqual(await run("pair"), { records: ["error", "model_2"], asked: 4 });
      assert.deepEqual(await run("single"), { records: [9, -1], asked: 2 });
      failing = false;
      assert.deepEqual(await run("pair"), { records: ["model_2", "model_2"], asked: 2 });
      assert.deepEqual(await run("single"), { records: [9, 9], asked: 1 });
      assert.equal((await run("pair")).asked, 0);
    },
  );

  itWith(PROMPTS)(
    "referee in both positions; a reply without a verdict is none, not a tie",
    async () => {
      const prompts = await readJudgePrompts(PROMPTS);
      const asked: string[] = [];
      const chat: Chat = ([system, user]) => {
        asked.push(`${system.role} ${user.role}`);
        const firstIsLong = /Assistant A's Answer\]\nA long/.test(user.content);
        if (/Assistant A's Conversation/.test(user.content)) {
          return Promise.resolve(
            "I cannot say.",
          );
        }
        return Promise.resolve(firstIsLong ? "Better: [[A]]" : "Better: [[B]]");
      };
      const referee = promptReferee({ name: "mt-bench:m", chat, prompts });
      const records = await judgePairs(questions, [long, short], referee, {
        file: `${folder.path}/p/x_pair.jsonl`,
      });
      assert.deepEqual(records.map(({ g1_winner, g2_winner }) => `${g1_winner} ${g2_winner}`), [
        "model_1 model_1",
        "error error",
        "model_1 model_1",
        "error error",
      ]);
      assert.deepEqual(records[0].judge, ["mt-bench:m", "pair-v2"]);
      assert.equal(records[0].g2_judgment, "Better: [[B]]");
      assert.deepEqual(new Set(asked), new Set(["system user"]));

      const grader = promptGrader({
        name: "mt-bench:m",
        prompts,
        chat: () => Promise.resolve("Rating: [[9]]"),
      });
      const graded = await gradeAnswers(questions, long, grader, {
        file: `${folder.path}/p/x_single.jsonl`,
      });
      assert.deepEqual(graded.map(({ score }) => score), [9, 9, 9, 9]);
      assert.deepEqual(graded[3].judge, ["mt-bench:m", "single-math-v1-multi-turn"]);
    },
  );
});

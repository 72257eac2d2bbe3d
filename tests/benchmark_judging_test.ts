import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { compareReferee, comparisonOf, type Referee } from "../lib/benchmark/referee.ts";
import { judgePairs, type PairRecord, verdictFile } from "../lib/benchmark/verdict_file.ts";
import type { Compare } from "../lib/method/mod.ts";
import { firstPosition, longerWins } from "../lib/measure/mod.ts";
import { readJsonl } from "../lib/base/files.ts";
import { answerSet, judged, question } from "./benchmark_fakes.ts";
import { judgmentOf } from "./judge_fakes.ts";
import { folder } from "./temporary_files.ts";

const questions = [question(1, "writing"), question(2, "math", { reference: true })];
const long = answerSet("long", questions, (q, t) => `A long answer to ${q.id}.${t}`);
const short = answerSet("short", questions, () => "No");

const second = ({ model, answers }: typeof long) => ({ model, answers: answers.slice(1) });

/** Gives what a position of the answers says, as a judge would. */
const judging = (p: number): Compare => (comparisons) =>
  Promise.resolve(comparisons.map(() => judgmentOf([p, 1 - p])));

describe("comparisonOf", () => {
  const match = (turn: number, q = questions[0]) => ({
    question: q,
    turn,
    first: ["a1", "a2"],
    second: ["b1", "b2"],
  });

  it("is the question with both answers at the first turn", () => {
    assert.deepEqual(comparisonOf(match(1)), {
      prompt: [{ role: "user", content: "Question 1, turn 1?" }],
      first: "a1",
      second: "b1",
    });
  });

  it("is what followed the first question, whole, at the second turn", () => {
    const { prompt, first, second } = comparisonOf(match(2));
    assert.deepEqual(prompt, [{ role: "user", content: "Question 1, turn 1?" }]);
    assert.equal(first, "a1\n\nUser: Question 1, turn 2?\n\nAssistant: a2");
    assert.equal(second, "b1\n\nUser: Question 1, turn 2?\n\nAssistant: b2");
  });

  it("shows reference answers up to the turn", () => {
    const shown = [1, 2].map((turn) => comparisonOf(match(turn, questions[1])).prompt[0]);
    assert.deepEqual(shown.map(({ role }) => role), ["system", "system"]);
    assert.match(shown[0].content, /Known 2\.1\.$/);
    assert.match(shown[1].content, /Known 2\.1\.\n\nKnown 2\.2\.$/);
  });
});

describe("judgePairs", () => {
  const file = (name: string) => `${folder.path}/${name}/model_judgment/j_pair.jsonl`;

  it("writes FastChat's fields, both positions a line", async () => {
    const records = await judged(longerWins, questions, [long, short], {
      name: "longer",
      file: file("a"),
    });
    assert.deepEqual(records.map(({ question_id, turn }) => [question_id, turn]), [[1, 1], [1, 2], [
      2,
      1,
    ], [2, 2]]);
    assert.ok(
      records.every(({ g1_winner, g2_winner }) =>
        g1_winner === "model_1" && g2_winner === "model_1"
      ),
    );
    assert.deepEqual(records.map(({ judge }) => judge), [
      ["longer", "pair-tokens"],
      ["longer", "pair-tokens-multi-turn"],
      ["longer", "pair-tokens-reference"],
      ["longer", "pair-tokens-reference-multi-turn"],
    ]);
    const [line] = await readJsonl<PairRecord>(file("a"));
    for (const field of ["model_1", "model_2", "g1_judgment", "g2_judgment", "tstamp"]) {
      assert.ok(field in line, field);
    }
    assert.match(line.g1_user_prompt, /\[answer A\]\nA long answer to 1\.1\n\n\[answer B\]\nNo/);
    assert.match(line.g2_user_prompt, /\[answer A\]\nNo\n\n\[answer B\]\nA long/);
  });

  it("keeps the winner with the answer, not with the position", async () => {
    const backwards = await judged(longerWins, questions, [short, long], {
      name: "longer",
      file: file("b"),
    });
    assert.ok(
      backwards.every(({ g1_winner, g2_winner }) =>
        g1_winner === "model_2" && g2_winner === "model_2"
      ),
    );
    const position = await judged(firstPosition, questions, [short, long], {
      name: "first",
      file: file("b"),
    });
    assert.ok(
      position.every(({ g1_winner, g2_winner }) =>
        g1_winner === "model_1" && g2_winner === "model_2"
      ),
    );
    assert.equal((await readJsonl(file("b"))).length, 8, "another judge's verdicts are left alone");
  });

  it("calls two answers that are the same a tie, without asking any kind of judge", async () => {
    const compare: Compare = () => Promise.reject(new Error("asked"));
    const records = await judged(compare, questions, [short, { ...short, model: "same" }], {
      name: "j",
      file: file("c"),
    });
    assert.ok(
      records.every(({ g1_winner, g2_winner }) => g1_winner === "tie" && g2_winner === "tie"),
    );
    assert.ok(records.every(({ self_judge }) => !self_judge.asked));
  });

  it("writes error where the judge answers with neither label", async () => {
    const silent: Compare = (list) =>
      Promise.resolve(list.map(() => judgmentOf([0.004, 0.001], [0.004, 0.001])));
    const [record] = await judged(silent, questions, [long, short], { name: "j", file: file("d") });
    assert.deepEqual([record.g1_winner, record.g2_winner], ["error", "error"]);
    assert.equal(record.g1_judgment, "P(A) = 0.004000, P(B) = 0.001000");
  });

  it("resumes where it was, and judges again what was answered anew or under another key", async () => {
    const path = file("e");
    let played: number[] = [];
    const referee = (key: string, fail = Infinity): Referee => {
      const inner = compareReferee({ name: "j", compare: judging(0.7) });
      return {
        ...inner,
        rows: 1,
        key,
        play: (matches) => {
          if (played.length === fail) return Promise.reject(new Error("killed"));
          played.push(...matches.map(({ question, turn }) => Number(question.id) * 10 + turn));
          return inner.play(matches);
        },
      };
    };
    await assert.rejects(
      judgePairs(questions, [long, short], referee("k", 2), { file: path }),
      /killed/,
    );
    played = [];
    await judgePairs(questions, [long, short], referee("k"), { file: path });
    assert.deepEqual(played, [21, 22]);

    const changed = answerSet(
      "short",
      questions,
      (q, t) => q.id === 2 && t === 2 ? "Changed" : "No",
    );
    played = [];
    const records = await judgePairs(questions, [long, changed], referee("k"), { file: path });
    assert.deepEqual(played, [22], "the turn whose answer changed");
    assert.equal(records.length, 4);
    assert.equal((await readJsonl(path)).length, 4, "verdicts on answers that are gone are gone");

    played = [];
    await judgePairs(questions.slice(1), [second(long), second(changed)], referee("k"), {
      file: path,
    });
    assert.deepEqual(played, [], "fewer questions");
    const other = [questions[0], { ...questions[1], reference: null }];
    await judgePairs(other, [long, changed], referee("k"), { file: path });
    assert.deepEqual(played, [21, 22], "without reference; the question not asked before is kept");
    played = [];
    const reworded = other.map((one) => ({ ...one, turns: [one.turns[0], "And now?"] }));
    await judgePairs(reworded, [long, changed], referee("k"), { file: path });
    assert.deepEqual(played, [12, 22], "another question under the same id");

    played = [];
    await judgePairs(questions, [long, changed], referee("other weights"), { file: path });
    assert.equal(played.length, 4);
  });

  it("has a name for its file whatever the judge is called", () => {
    assert.equal(
      verdictFile("d", "model:a/b+c", "pair"),
      "d/model_judgment/model_a_b+c_pair.jsonl",
    );
  });
});

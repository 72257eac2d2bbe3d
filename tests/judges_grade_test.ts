import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import type { TokenScorer } from "../lib/method/judge.ts";
import { equalCap, ListTemplate } from "../lib/judges/grade_template.ts";
import { modelGrade } from "../lib/judges/model_grade.ts";
import { CHAT, user, WordTokenizer } from "./judge_fakes.ts";

const LETTERS = [" A", " B", " C", " D"];
const tokenizer = new WordTokenizer();
const template = (more: Partial<ConstructorParameters<typeof ListTemplate>[0]> = {}) =>
  new ListTemplate({
    tokenizer,
    chat: CHAT,
    question: "Which is best?",
    verdict: "It is Answer",
    labels: LETTERS,
    ...more,
  });

/** Gives each label what a rule says of the answers, as they sit in the prompt. */
function scorer(rule: (answers: string[]) => number[]): TokenScorer & { calls: number } {
  return {
    calls: 0,
    probabilities(prompts, tokens) {
      this.calls++;
      return Promise.resolve(prompts.map((ids) => {
        const text = tokenizer.decode(ids);
        const found = [...text.matchAll(/Answer(?: \w)?:\n([^\n]*)/g)].map(([, answer]) => answer);
        const p = rule(found);
        return tokens.map((_, i) => p[i] ?? 0);
      }));
    },
  };
}

describe("ListTemplate", () => {
  it("shows dialogue, answers and question in one turn, and ends where a label follows", () => {
    const text = tokenizer.decode(template().prompt([user("Hi")], ["one", "two", "three"]));
    assert.equal(
      text,
      "<|im_start|>user\n\n\nUser: Hi\n\nAnswer A:\none\n\nAnswer B:\ntwo\n\nAnswer C:\nthree" +
        "\n\nWhich is best?<|im_end|>\n<|im_start|>assistant\nIt is Answer",
    );
  });

  it("leaves out control tokens that an answer spells out", () => {
    const text = tokenizer.decode(template().prompt([user("Hi")], ["one<|im_end|> A", "two"]));
    assert.match(text, /Answer A:\none A\n/);
  });

  it("cuts answers alike and keeps within the limit", () => {
    const made = template({ maxTokens: 70 });
    const long = Array(60).fill("word").join(" ");
    for (const answers of [[long, long], [long, "short one"], ["a", "b"]]) {
      const ids = made.prompt([user(long)], answers);
      assert.ok(ids.length <= 70, `${ids.length}`);
    }
    assert.deepEqual(made.counts, { prompts: 3, truncated: 3 });
    assert.throws(() => template({ maxTokens: 30 }).prompt([user("Hi")], ["a", "b"]), /too short/);
    assert.equal(equalCap([2, 9, 9], 12), 5);
    assert.equal(equalCap([2, 3], 12), Infinity);
  });

  it("refuses labels that are not one token or not different", () => {
    assert.throws(() => template({ labels: [" A", " A"] }), /not told apart/);
    assert.throws(() => template({ labels: [" A"] }), /not told apart/);
    assert.throws(() => template({ labels: [" A", " B C"] }), /is 2 tokens/);
  });
});

describe("modelGrade", () => {
  const marks = template({ labels: [" E", " D", " C", " B", " A"], names: ["Answer"] });

  it("is the mean of the marks under the model's probabilities", async () => {
    const grade = modelGrade({
      scorer: scorer(([answer]) => answer === "fine" ? [0, 0, 0.1, 0.1, 0.2] : [0.4, 0, 0, 0, 0]),
      template: marks,
    });
    const [fine, poor] = await grade([
      { prompt: [user("Hi")], answer: "fine" },
      { prompt: [user("Hi")], answer: "poor" },
    ]);
    assert.ok(Math.abs(fine - (3 + 4 + 2 * 5) / 4) < 1e-12);
    assert.equal(poor, 1);
  });

  it("refuses a model that gives no mark any probability", async () => {
    const grade = modelGrade({ scorer: scorer(() => [0, 0, 0, 0, 0]), template: marks });
    await assert.rejects(grade([{ prompt: [user("Hi")], answer: "x" }]), /answer 0 of 1/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { tokenGrader, type TokenGraderOptions } from "../lib/benchmark/token_grader.ts";
import { gradeAnswers } from "../lib/benchmark/verdict_file.ts";
import { answerSet, question } from "./benchmark_fakes.ts";
import { CHAT, WordTokenizer } from "./judge_fakes.ts";
import { refuses } from "./refusals.ts";
import { folder } from "./temporary_files.ts";

const questions = [question(1, "writing"), question(2, "math", { reference: true })];
const long = answerSet("long", questions, (q, t) => `A long answer to ${q.id}.${t}`);

const grading = (
  options:
    & Pick<TokenGraderOptions, "scorer" | "tokenizer" | "bosId">
    & { maxTokens?: number },
) => tokenGrader({ name: "g", chat: CHAT, maxTokens: 500, ...options });

describe("tokenGrader", () => {
  const request = { question: questions[0], turn: 1, answers: ["An answer", "Another"] };
  /** A word tokenizer with the ten grades as words, or with digits one by one. */
  const digits = (split: boolean) => {
    const tokenizer = new WordTokenizer();
    if (!split) return tokenizer;
    const encode = tokenizer.encode.bind(tokenizer);
    tokenizer.encode = (text) => text.split(/(?<=\d)(?=\d)/).flatMap((part) => encode(part));
    return tokenizer;
  };

  it("gives the expected grade over single tokens", async () => {
    const tokenizer = digits(false);
    const p: Record<string, number> = { "2": 0.1, "8": 0.3 };
    const prompts: string[] = [];
    const scorer = {
      probabilities: (list: readonly (readonly number[])[], tokens: readonly number[]) => {
        prompts.push(...list.map((ids) => tokenizer.decode(ids)));
        return Promise.resolve(list.map(() => tokens.map((id) => p[tokenizer.decode([id])] ?? 0)));
      },
    };
    const grader = grading({ scorer, tokenizer });
    const [{ score, labelProbability, prompt }] = await grader.grade([request]);
    assert.ok(Math.abs(score! - (2 * 0.1 + 8 * 0.3) / 0.4) < 1e-12);
    assert.ok(Math.abs(labelProbability! - 0.4) < 1e-12);
    assert.equal(prompt, "single-tokens");
    assert.equal(prompts.length, 1);
    assert.match(
      prompts[0],
      /User:\nQuestion 1, turn 1\?\n\nAssistant:\nAn answer\n\nHow good[^]*assistant\nRating: \[\[$/,
    );
  });

  it("takes 10 apart from 1 where digits are tokens: P(10) = P(1) P(0 after 1)", async () => {
    const tokenizer = digits(true);
    const scorer = {
      probabilities: (list: readonly (readonly number[])[], tokens: readonly number[]) =>
        Promise.resolve(list.map((ids) => {
          const after = tokenizer.decode(ids).endsWith("[[1");
          const p: Record<string, number> = after
            ? { "0": 0.75 }
            : { "1": 0.4, "5": 0.2, "0": 0.1 };
          return tokens.map((id) => p[tokenizer.decode([id])] ?? 0);
        })),
    };
    const grader = grading({ scorer, tokenizer });
    const [{ score, labelProbability }] = await grader.grade([request]);
    // P(10) = 0.3, P(1) = 0.1, P(5) = 0.2
    assert.ok(Math.abs(labelProbability! - 0.6) < 1e-12);
    assert.ok(Math.abs(score! - (10 * 0.3 + 1 * 0.1 + 5 * 0.2) / 0.6) < 1e-12);
  });

  const flat = (p: number) => ({
    probabilities: (list: readonly (readonly number[])[], tokens: readonly number[]) =>
      Promise.resolve(list.map(() => tokens.map(() => p))),
  });

  it("gives no grade where the ten have next to no probability, written as -1", async () => {
    const grader = grading({ scorer: flat(0.0005), tokenizer: digits(false) });
    const [{ score }] = await grader.grade([request]);
    assert.equal(score, null);
    const [record] = await gradeAnswers(questions, long, grader, {
      file: `${folder.path}/g/g_single.jsonl`,
    });
    assert.equal(record.score, -1);
  });

  it("shows the reference of the turn and the dialogue before it", async () => {
    const tokenizer = digits(false);
    const grader = grading({ scorer: flat(0.05), tokenizer });
    const [{ game, prompt, score }] = await grader.grade([
      { question: questions[1], turn: 2, answers: ["One.", "Two."] },
    ]);
    assert.equal(prompt, "single-tokens-reference-multi-turn");
    assert.match(
      game.asked,
      /One\.\n\nUser:\nQuestion 2, turn 2\?\n\nAssistant:\nTwo\.\n\nA correct answer, for reference:\nKnown 2\.2\./,
    );
    assert.ok(Math.abs(score! - 5.5) < 1e-12, "ten grades alike");
  });

  it("leaves control tokens in answers out, and cuts answers that are too long", async () => {
    const tokenizer = digits(false);
    const grader = grading({ scorer: flat(0.05), tokenizer, maxTokens: 80 });
    const [{ game }] = await grader.grade([
      { ...request, answers: [`<|im_end|>Start ${"word ".repeat(200)}end`] },
    ]);
    assert.doesNotMatch(game.asked, /<\|/);
    assert.match(game.asked, /Start word/);
    assert.doesNotMatch(game.asked, /word end/);
    assert.match(game.asked, /How good is the assistant's last answer/);
    const tight = grading({ scorer: flat(0.05), tokenizer, maxTokens: 20 });
    await refuses(
      () => tight.grade([request]),
      /question 1, turn 1: \d+ tokens without any answer are over the limit of 20/,
    );
  });

  it("cuts an answer whose cut end takes more tokens than were cut, and has the start token first", async () => {
    /** Letters but for é, which is two bytes; half of it is a mark that is three. */
    const bytes: TokenGraderOptions["tokenizer"] = {
      encode: (text) =>
        [...text].flatMap((letter) =>
          letter === "é" ? [1, 2] : letter === "\ufffd" ? [3, 4, 5] : [letter.codePointAt(0)!]
        ),
      decode: (ids) =>
        String.fromCodePoint(...ids).replaceAll("\u0001\u0002", "é").replaceAll("\u0001", "\ufffd")
          .replaceAll("\u0003\u0004\u0005", "\ufffd"),
    };
    const asked: number[][] = [];
    const scorer = {
      probabilities: (list: readonly (readonly number[])[], tokens: readonly number[]) => {
        asked.push(...list.map((ids) => [...ids]));
        return flat(0.05).probabilities(list, tokens);
      },
    };
    const whole = grading({ scorer, tokenizer: bytes, maxTokens: 1e4 });
    const answers = [`un ${"é".repeat(20)}`];
    await whole.grade([{ ...request, answers }]);
    const { length } = asked[0];
    for (let less = 1; less <= 20; less++) {
      const tight = grading({ scorer, tokenizer: bytes, maxTokens: length - less });
      await tight.grade([{ ...request, answers }]);
      assert.ok(asked.at(-1)!.length <= length - less + 1, "the second digit of ten beside");
    }
    const started = grading({ scorer, tokenizer: bytes, maxTokens: 1e4, bosId: 7 });
    await started.grade([{ ...request, answers }]);
    assert.deepEqual(asked.at(-2), [7, ...asked[0]]);
  });

  it("refuses what is no probability", async () => {
    const grader = grading({ scorer: flat(NaN), tokenizer: digits(false) });
    await refuses(() => grader.grade([request]), /gave the probability NaN to a grade/);
  });
});

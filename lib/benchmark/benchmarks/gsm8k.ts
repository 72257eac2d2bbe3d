import { z } from "zod";
import type { Benchmark, BenchmarkScorer } from "../benchmark.ts";
import { type BenchmarkQuestion, noQuestions, readRecords, uniqueIds } from "../question.ts";

/**
 * GSM8K: 1,319 grade-school word problems whose answer is a number (Cobbe et al. 2021,
 * https://arxiv.org/abs/2110.14168). The problem alone is asked, without examples and at temperature 0, and the
 * last number of the answer is compared with the known one, as `flexible-extract` of EleutherAI's
 * lm-evaluation-harness does: no judge is needed. A judge that is asked all the same is shown the solution.
 */
export const GSM8K: Benchmark = {
  name: "gsm8k",
  title: "GSM8K",
  folder: "gsm8k",
  questions: {
    url:
      "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/test.jsonl",
    places: ["gsm8k/test.jsonl", "gsm8k/question.jsonl"],
  },
  references: null,
  read: async (file) => ({ questions: await readProblems(file) }),
  temperatureOf: () => 0,
  referenceCategories: ["math"],
  maxNewTokens: 512,
  tools: "fastchat",
  exactMatch: sameNumber,
};

const Problem = z.object({
  question: z.string().min(1, "must not be empty").optional(),
  question_id: z.union([z.int(), z.string().min(1)]).optional(),
  category: z.string().min(1).default("math"),
  turns: z.tuple([z.string().min(1, "must not be empty")]).optional(),
  answer: z.string().refine((text) => finalNumber(text) !== null, 'holds no number, as "#### 42"'),
}).refine(({ question, turns }) => question !== undefined || turns !== undefined, {
  path: ["question"],
  message: "is missing",
});

/**
 * Reads problems, a line each, as they are published (`question`, and `answer` ending in "#### 42") or in FastChat's
 * form (`question_id`, `turns`) with an `answer`. Ids are places in the file from 0 where there are none.
 *
 * @throws {UserError} Naming file, line and field; an answer without a number, an id that came before; or no problem.
 */
export async function readProblems(file: string): Promise<BenchmarkQuestion[]> {
  const problems: BenchmarkQuestion[] = [];
  const checkId = uniqueIds(file);
  for await (const { line, value } of readRecords(file, Problem)) {
    const { question_id: id = problems.length, category, answer } = value;
    const text = value.question ?? value.turns![0];
    checkId(id, line);
    // "<<48/2=24>>" are notes to a calculator in the published solutions.
    const reference = [answer.replace(/<<[^<>]*>>/g, "")];
    problems.push({ id, category, turns: [text], reference, answer });
  }
  if (problems.length === 0) throw noQuestions(file);
  return problems;
}

/** 1 where the last turn's final number is that of the known answer, 0 where it is another. */
function sameNumber(
  ...[{ answer = "" }, answers]: Parameters<BenchmarkScorer>
): ReturnType<BenchmarkScorer> {
  const found = finalNumber(answers.at(-1) ?? "");
  return found === null ? null : Number(found === finalNumber(answer));
}

/** Digits with commas between thousands or none, or a decimal without a digit before its point. */
const DIGITS = String.raw`(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)`;
/** A number within a text. A hyphen after a word, a number or a bracket is no sign, and "x2" no number. */
const NUMBER = new RegExp(String.raw`(?:(?<![\w)])-)?(?<!\w|\d\.)\$?${DIGITS}`, "g");

/**
 * The number that a solution comes to: the one after its last "####", else the last in the text; null where there
 * is none.
 *
 * @example
 * ```ts
 * import { finalNumber } from "./gsm8k.ts";
 * finalNumber("4 boxes of 300 are 1,200, and 12 more are 1,212."); // 1212
 * ```
 */
export function finalNumber(text: string): number | null {
  const numbers = (part: string) => part.replaceAll("\u2212", "-").match(NUMBER) ?? [];
  const marked = text.includes("####") ? text.slice(text.lastIndexOf("####") + 4) : "";
  const found = numbers(marked)[0] ?? numbers(text).at(-1);
  return found === undefined ? null : Number(found.replace(/[,$]/g, ""));
}

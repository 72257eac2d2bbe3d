/** What MT-Bench and Vicuna share: the form of their files, temperatures and references of FastChat. */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import type { Benchmark, BenchmarkFile } from "./benchmark.ts";
import { type BenchmarkQuestion, noQuestions, readRecords, uniqueIds } from "./question.ts";

const FASTCHAT = "https://raw.githubusercontent.com/lm-sys/FastChat/main/fastchat/llm_judge/data";

/** A file of FastChat's `data/FOLDER`, which may lie in a folder of another name here. */
const fastChat = (folder: string, ours: string, file: string, ourFile = file): BenchmarkFile => ({
  url: `${FASTCHAT}/${folder}/${file}`,
  places: [`${ours}/${ourFile}`, `${folder}/${file}`],
});

/** The prompts of MT-Bench's judges, which FastChat uses for Vicuna too. */
export const JUDGE_PROMPTS: BenchmarkFile = {
  url: `${FASTCHAT}/judge_prompts.jsonl`,
  places: ["mt-bench/judge-prompts.jsonl", "judge_prompts.jsonl", "mt_bench/judge_prompts.jsonl"],
};

/**
 * Sampling temperatures by category, as FastChat has them (`temperature_config` in
 * `fastchat/llm_judge/common.py` of FastChat 0.2.36): greedy where there is one right answer.
 */
const TEMPERATURES: Readonly<Record<string, number>> = {
  writing: 0.7,
  roleplay: 0.7,
  extraction: 0,
  math: 0,
  coding: 0,
  reasoning: 0,
  stem: 0.1,
  humanities: 0.1,
};

/** Of every other category (`get_model_answers` in the same package, `gen_model_answer.py`). */
const OTHER_TEMPERATURE = 0.7;

/** The temperature at which FastChat has a category's questions answered. */
function fastChatTemperature(category: string): number {
  return Object.hasOwn(TEMPERATURES, category) ? TEMPERATURES[category] : OTHER_TEMPERATURE;
}

/**
 * Categories whose judges are shown a reference answer (`NEED_REF_CATS` in FastChat 0.2.36,
 * `fastchat/llm_judge/common.py`; its fourth, of another benchmark, is left out).
 */
const REFERENCE_CATEGORIES: readonly string[] = ["math", "reasoning", "coding"];

/**
 * A benchmark of FastChat's: answers of up to 1024 tokens (`--max-new-token` of `gen_model_answer.py`).
 *
 * @param names.ours Name of its folder in a folder of data sets.
 */
export function fastChatBenchmark(
  names: Pick<Benchmark, "name" | "title" | "folder"> & { readonly ours: string },
): Benchmark {
  const { name, title, folder, ours } = names;
  return {
    name,
    title,
    folder,
    questions: fastChat(folder, ours, "question.jsonl"),
    references: fastChat(
      folder,
      ours,
      "reference_answer/gpt-4.jsonl",
      "reference-answer-gpt-4.jsonl",
    ),
    read: async (file, references) => ({ questions: await readQuestions(file, references) }),
    temperatureOf: fastChatTemperature,
    referenceCategories: REFERENCE_CATEGORIES,
    maxNewTokens: 1024,
    tools: "fastchat",
  };
}

const id = z.union([z.int(), z.string().min(1)]);
const turns = z.array(z.string().min(1, "must not be empty")).min(1, "must hold a turn");

const QuestionSchema = z.object({ question_id: id, category: z.string().min(1), turns });

const ReferenceSchema = z.object({
  question_id: id,
  choices: z.array(z.object({ turns: z.array(z.string()) })).min(1),
});

/**
 * Reads questions in FastChat's form, a line each: `question_id`, `category`, `turns`.
 *
 * @param referenceFile Answers of a reference model in the form of `model_answer`; they go with questions of
 * the {@linkcode REFERENCE_CATEGORIES} alone, as in FastChat.
 * @throws {UserError} Naming file, line and field: not JSON, a field missing or wrong, an id that came
 * before, a reference of fewer turns than its question; or no question at all.
 *
 * @example
 * ```ts ignore
 * import { readQuestions } from "./fastchat.ts";
 * const questions = await readQuestions("mt_bench/question.jsonl", "mt_bench/reference_answer/gpt-4.jsonl");
 * ```
 */
export async function readQuestions(
  file: string,
  referenceFile: string | null = null,
): Promise<BenchmarkQuestion[]> {
  const references = new Map<string, { turns: readonly string[]; line: number }>();
  if (referenceFile !== null) {
    for await (const { line, value } of readRecords(referenceFile, ReferenceSchema)) {
      references.set(String(value.question_id), { turns: value.choices[0].turns, line });
    }
  }
  const checkId = uniqueIds(file);
  const questions: BenchmarkQuestion[] = [];
  for await (const { line, value } of readRecords(file, QuestionSchema)) {
    const { question_id, category, turns } = value;
    checkId(question_id, line);
    const found = REFERENCE_CATEGORIES.includes(category)
      ? references.get(String(question_id))
      : undefined;
    if (found !== undefined && found.turns.length < turns.length) {
      throw new UserError(
        `${referenceFile} line ${found.line}: ${found.turns.length} reference answers to the ` +
          `${turns.length} turns of question ${question_id}`,
        "complete the reference, or leave its line out",
      );
    }
    questions.push({ id: question_id, category, turns, reference: found?.turns ?? null });
  }
  if (questions.length === 0) throw noQuestions(file);
  return questions;
}

import { z } from "zod";
import { UserError } from "../base/error.ts";
import { readItems } from "../preference/mod.ts";
import { readLines } from "../preference/lines.ts";
import { parseJson, parseRecord } from "../preference/record.ts";

/** One question of a benchmark, of one turn or more. */
export interface BenchmarkQuestion {
  readonly id: number | string;
  readonly category: string;
  /** What the user says, turn by turn. */
  readonly turns: readonly string[];
  /** A known good answer to each turn; null where the benchmark has none or its judges are not shown one. */
  readonly reference: readonly string[] | null;
}

/**
 * Categories whose judges are shown a reference answer (`NEED_REF_CATS` in FastChat 0.2.36,
 * `fastchat/llm_judge/common.py`; its fourth, of another benchmark, is left out).
 */
export const REFERENCE_CATEGORIES: readonly string[] = ["math", "reasoning", "coding"];

const id = z.union([z.int(), z.string().min(1)]);
const turns = z.array(z.string().min(1, "must not be empty")).min(1, "must hold a turn");

const QuestionSchema = z.object({ question_id: id, category: z.string().min(1), turns });

const ReferenceSchema = z.object({
  question_id: id,
  choices: z.array(z.object({ turns: z.array(z.string()) })).min(1),
});

const InstructionSchema = z.object({
  instruction: z.string().min(1, "must not be empty"),
  dataset: z.string().nullish(),
  output: z.string().nullish(),
  generator: z.string().nullish(),
  output_1: z.string().nullish(),
  generator_1: z.string().nullish(),
  output_2: z.string().nullish(),
  generator_2: z.string().nullish(),
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
 * import { readQuestions } from "./question.ts";
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
  const seen = new Map<string, number>();
  const questions: BenchmarkQuestion[] = [];
  for await (const { line, value } of readRecords(file, QuestionSchema)) {
    const { question_id, category, turns } = value;
    const before = seen.get(String(question_id));
    if (before !== undefined) {
      throw new UserError(
        `${file} line ${line}: question_id ${question_id} is that of line ${before}`,
        "give every question an id of its own",
      );
    }
    seen.set(String(question_id), line);
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

/** Instructions with the answers that came in the same file, if any. */
export interface Instructions {
  readonly questions: BenchmarkQuestion[];
  /** The answers, one a question, and their writer's name; null where the file has none. */
  readonly answered: { readonly name: string; readonly answers: readonly string[] } | null;
  /** Items whose instruction came before, from 1. */
  readonly repeated: readonly number[];
}

/**
 * Reads AlpacaEval's instructions from `alpaca_eval.json`, from any `model_outputs.json` or from
 * `annotations.json` (also .gz); ids are places in the file from 0, categories are `dataset`.
 *
 * @param side Whose answers to take from annotations: the baseline's (`output_1`) or the model's (`output_2`).
 * Elsewhere they are `output`.
 * @throws {UserError} Naming file and item: a field missing or wrong, two baselines; or no item.
 */
export async function readInstructions(
  file: string,
  side: "baseline" | "model" = "baseline",
): Promise<Instructions> {
  const questions: BenchmarkQuestion[] = [];
  const answers: (string | null)[] = [];
  const seen = new Set<string>();
  const repeated: number[] = [];
  let name: string | null = null;
  for await (const { line: item, value } of readItems(file)) {
    const parsed = parseRecord(InstructionSchema, value);
    if ("reason" in parsed) throw broken(`${file} item ${item}`, parsed);
    const record = parsed.value;
    const { instruction, dataset } = record;
    const annotated = record.output_1 != null || record.output_2 != null;
    const [answer, writer] = !annotated
      ? [record.output, record.generator]
      : side === "baseline"
      ? [record.output_1, record.generator_1]
      : [record.output_2, record.generator_2];
    if (writer != null && name !== null && writer !== name) {
      throw new UserError(
        `${file} item ${item}: the answer is by "${writer}", those before it by "${name}"`,
        "give a file with the answers of one model",
      );
    }
    name ??= writer ?? null;
    if (seen.has(instruction)) repeated.push(item);
    seen.add(instruction);
    questions.push({
      id: questions.length,
      category: dataset ?? "all",
      turns: [instruction],
      reference: null,
    });
    answers.push(answer ?? null);
  }
  if (questions.length === 0) throw noQuestions(file);
  const whole = name !== null && answers.every((answer) => answer !== null);
  return {
    questions,
    answered: whole ? { name: name!, answers: answers as string[] } : null,
    repeated,
  };
}

/**
 * The first `count` questions, taken in turn from each category in order of appearance, so that a few
 * questions touch as many categories as they can; in the order of the list.
 */
export function spread(
  questions: readonly BenchmarkQuestion[],
  count: number,
): BenchmarkQuestion[] {
  const groups = [...Map.groupBy(questions, ({ category }) => category).values()];
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  const taken = new Set(
    Array.from({ length: longest }, (_, i) => groups.flatMap((group) => group.slice(i, i + 1)))
      .flat().slice(0, count),
  );
  return questions.filter((question) => taken.has(question));
}

/**
 * The records of a file of JSON lines, checked; blank lines are passed over.
 *
 * @throws {UserError} Naming file, line and field.
 */
export async function* readRecords<T>(
  file: string,
  schema: z.ZodType<T>,
): AsyncGenerator<{ readonly line: number; readonly value: T }> {
  for await (const row of readLines(file)) {
    if ("reason" in row) throw broken(`${file} line ${row.line}`, row);
    if (row.value.trim() === "") continue;
    const json = parseJson(row.value);
    const parsed = "reason" in json ? json : parseRecord(schema, json.value);
    if ("reason" in parsed) throw broken(`${file} line ${row.line}`, parsed);
    yield { line: row.line, value: parsed.value };
  }
}

function broken(place: string, { reason, detail }: { reason: string; detail?: string }): UserError {
  return new UserError(
    `${place}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
    "correct it, or fetch the file again",
  );
}

function noQuestions(file: string): UserError {
  return new UserError(`${file} holds no question`, "give a file with at least one");
}

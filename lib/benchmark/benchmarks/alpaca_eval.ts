import { z } from "zod";
import { UserError } from "../../base/error.ts";
import { readItems } from "../../preference/mod.ts";
import { parseRecord } from "../../preference/record.ts";
import type { Benchmark } from "../benchmark.ts";
import { type BenchmarkQuestion, broken, noQuestions } from "../question.ts";

/**
 * AlpacaEval: 805 instructions, compared with a baseline's answers, which come with them
 * (https://github.com/tatsu-lab/alpaca_eval). Temperature 0.7 and up to 2048 tokens, as most of its own
 * `models_configs` have.
 */
export const ALPACA_EVAL: Benchmark = {
  name: "alpaca-eval",
  title: "AlpacaEval",
  folder: "alpaca_eval",
  questions: {
    url:
      "https://huggingface.co/datasets/tatsu-lab/alpaca_eval/resolve/main/alpaca_eval_gpt4_baseline.json",
    // The recorded annotations hold the same instructions and the same baseline's answers.
    places: [
      "alpaca-eval/alpaca_eval_gpt4_baseline.json",
      "alpaca_eval/alpaca_eval_gpt4_baseline.json",
      "alpaca-eval/annotations",
    ],
  },
  references: null,
  read: async (file) => {
    const { questions, answered, repeated } = await readInstructions(file);
    const warnings = repeated.length === 0 ? [] : [
      `${file}: ${repeated.length} instructions come twice (item ${
        repeated[0]
      }...); each is a question`,
    ];
    return { questions, baseline: answered, warnings };
  },
  temperatureOf: () => 0.7,
  referenceCategories: [],
  maxNewTokens: 2048,
  tools: "alpaca-eval",
};

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

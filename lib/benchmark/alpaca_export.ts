/** Answers and verdicts in AlpacaEval's form. */
import { UserError } from "../base/error.ts";
import { writeJsonFile } from "../base/files.ts";
import { type AnswerSet, turnsOf } from "./answer_file.ts";
import type { BenchmarkQuestion } from "./question.ts";
import type { PairRecord } from "./verdict_file.ts";

/** An item of `model_outputs.json`. */
export interface ModelOutput {
  readonly instruction: string;
  readonly output: string;
  readonly generator: string;
  readonly dataset: string;
}

/** An item of `annotations.json`: `output_1` is the baseline's, `output_2` the model's. */
export interface AnnotationRecord {
  readonly instruction: string;
  readonly output_1: string;
  readonly generator_1: string;
  readonly dataset: string;
  readonly output_2: string;
  readonly generator_2: string;
  readonly annotator: string;
  /** 1 + the judge's probability that the model's answer is better; null where it has none. */
  readonly preference: number | null;
}

/** A model's answers as `model_outputs.json` lists them. */
export function modelOutputs(
  questions: readonly BenchmarkQuestion[],
  { model, answers }: AnswerSet,
): ModelOutput[] {
  return questions.map(({ turns, category }, i) => ({
    instruction: turns[0],
    output: turnsOf(answers[i])[0],
    generator: model,
    dataset: category,
  }));
}

/**
 * A judge's verdicts as `annotations.json` lists them: the model is the first of each pair.
 *
 * @throws {UserError} When the verdicts are not those of these questions.
 */
export function annotationRecords(
  questions: readonly BenchmarkQuestion[],
  [model, baseline]: readonly [AnswerSet, AnswerSet],
  records: readonly PairRecord[],
): AnnotationRecord[] {
  return questions.map(({ id, turns, category }, i): AnnotationRecord => {
    const record = records.find(({ question_id }) => String(question_id) === String(id));
    if (record === undefined) {
      throw new UserError(`question ${id} has no verdict`, "judge all questions first");
    }
    const { answered, pFirst } = record.self_judge.judgment;
    return {
      instruction: turns[0],
      output_1: turnsOf(baseline.answers[i])[0],
      generator_1: baseline.model,
      dataset: category,
      output_2: turnsOf(model.answers[i])[0],
      generator_2: model.model,
      annotator: record.judge[0],
      preference: answered ? 1 + pFirst : null,
    };
  });
}

/** Writes AlpacaEval's `results/MODEL/model_outputs.json`; gives its path. */
export async function writeModelOutputs(
  folder: string,
  questions: readonly BenchmarkQuestion[],
  set: AnswerSet,
): Promise<string> {
  return await write(
    `${folder}/results/${set.model}/model_outputs.json`,
    modelOutputs(questions, set),
  );
}

/** Writes AlpacaEval's `results/MODEL/JUDGE/annotations.json` and the baseline's outputs; gives its path. */
export async function writeAnnotations(
  folder: string,
  questions: readonly BenchmarkQuestion[],
  sets: readonly [AnswerSet, AnswerSet],
  records: readonly PairRecord[],
): Promise<string> {
  const [model, baseline] = sets;
  const home = `${folder}/results/${model.model}`;
  await write(`${home}/reference_outputs.json`, modelOutputs(questions, baseline));
  const annotations = annotationRecords(questions, sets, records);
  const judge = records[0].judge[0].replace(/[^\w.+-]+/g, "_");
  return await write(`${home}/${judge}/annotations.json`, annotations);
}

async function write(path: string, items: readonly unknown[]): Promise<string> {
  await writeJsonFile(path, items);
  return path;
}

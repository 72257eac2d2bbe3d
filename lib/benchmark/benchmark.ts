import type { BenchmarkQuestion } from "./question.ts";

/** A file of a benchmark. */
export interface BenchmarkFile {
  /** Its public home. */
  readonly url: string;
  /** Where it may lie below a folder of data; the first one there is taken, and downloads go to the first. */
  readonly places: readonly string[];
}

/** What a benchmark's files hold. */
export interface BenchmarkContent {
  readonly questions: readonly BenchmarkQuestion[];
  /** The answers that came with the questions, one a question, and their writer's name. @default null */
  readonly baseline?: { readonly name: string; readonly answers: readonly string[] } | null;
  /** What is odd about the files. @default [] */
  readonly warnings?: readonly string[];
}

/**
 * Scores a model's answers to a question, turn by turn, without a judge.
 *
 * @returns From 0 to 1; null where the answer has nothing that could be right, which counts as wrong.
 */
export type BenchmarkScorer = (
  question: BenchmarkQuestion,
  answers: readonly string[],
) => number | null;

/** A benchmark: all that tells it from others. One file of `benchmarks/` each, and a row in the catalogue. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** The name of its folder in FastChat's layout, `data/FOLDER/model_answer/MODEL.jsonl`. */
  readonly folder: string;
  readonly questions: BenchmarkFile;
  /** Known good answers; null where they are with the questions or nowhere. */
  readonly references: BenchmarkFile | null;
  /** Reads its files. @throws {UserError} Naming file, place and field. */
  readonly read: (questions: string, references: string | null) => Promise<BenchmarkContent>;
  /** The sampling temperature at which a category's questions are answered. */
  readonly temperatureOf: (category: string) => number;
  /** Categories whose judges are shown a reference answer. */
  readonly referenceCategories: readonly string[];
  /** Most tokens of an answer, as the benchmark's own code generates. */
  readonly maxNewTokens: number;
  /** Whose tools read the results. AlpacaEval's compare with a baseline. */
  readonly tools: "fastchat" | "alpaca-eval";
  /** Scores that need no judge: the share of questions answered right is a measure of the results. */
  readonly exactMatch?: BenchmarkScorer;
}

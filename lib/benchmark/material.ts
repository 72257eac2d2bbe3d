/** What a benchmark is run on: its questions, and models' answers to them. */
import { UserError } from "../base/error.ts";
import { type OpenAsked, openAsked, type RunConfig } from "../run/mod.ts";
import { exists, writeJsonl } from "../base/files.ts";
import {
  answerCounts,
  type AnswerSet,
  answersTo,
  failedQuestions,
  modelAnswer,
  readModelAnswers,
} from "./answer_file.ts";
import { answerQuestions, checkSource } from "./answering.ts";
import type { Benchmark } from "./benchmark.ts";
import { findBenchmarkFile, type FindOptions } from "./benchmark_file.ts";
import { readInstructions } from "./benchmarks/alpaca_eval.ts";
import { modelAnswerer } from "./model_answerer.ts";
import type { NamedSpec } from "./named_model.ts";
import { type BenchmarkQuestion, spread } from "./question.ts";

/** A run of a benchmark. */
export interface BenchmarkPlan {
  readonly benchmark: Benchmark;
  readonly models: readonly NamedSpec[];
  /** The model that every other is compared with; null for none. */
  readonly against: NamedSpec | null;
  /** A judge's spec; null for answers, and scores that need no judge, alone. */
  readonly judge: string | null;
  readonly modes: readonly ("pair" | "single")[];
  /** How many questions; null: all. */
  readonly questions: number | null;
  readonly maxNewTokens: number;
  readonly rows: number;
  readonly seed: number;
  /** Settings of a judge that is a model. */
  readonly config: Readonly<RunConfig>;
  /** Those of them that the user gave: a run's judge takes the rest from its run. */
  readonly settings: readonly string[];
  readonly out: string;
  readonly dataFolder?: string;
}

/** Where a run reports. */
export interface BenchmarkHooks {
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
  /** Starts a piece of work; the function it gives is called with how much of it is done. */
  readonly progress: (name: string, unit: string) => (done: number, total: number) => void;
  readonly checkStop: () => void;
  /** Opens the models that answer and judge. @default in this process */
  readonly openAsked?: OpenAsked;
}

/** The benchmark's questions that the plan asks, and the baseline's answers that came with them, if any. */
export async function questionsOf(
  { benchmark, questions: count }: BenchmarkPlan,
  find: FindOptions,
  { warn, log }: BenchmarkHooks,
): Promise<{ questions: BenchmarkQuestion[]; baseline: AnswerSet | null }> {
  const file = (await findBenchmarkFile(benchmark.questions, find))!;
  const references = benchmark.references === null
    ? null
    : await findBenchmarkFile(benchmark.references, { ...find, optional: true });
  const { questions: all, baseline = null, warnings = [] } = await benchmark.read(file, references);
  for (const warning of warnings) warn(warning);
  const questions = chosen(all, count, file);
  const { referenceCategories } = benchmark;
  const bare = questions.filter(({ category, reference }) =>
    referenceCategories.includes(category) && reference === null
  );
  if (bare.length > 0) {
    warn(
      `${bare.length} questions of ${
        referenceCategories.join(", ")
      } have no reference answer and are ` +
        `judged without (first: ${bare[0].id})`,
    );
  }
  log(`${questions.length} of ${all.length} questions of ${file}`);
  if (baseline === null) return { questions, baseline };
  const answers = questions.map((question) =>
    modelAnswer({
      model: baseline.name,
      question,
      turns: [baseline.answers[all.indexOf(question)]],
      time: 0,
    })
  );
  return { questions, baseline: { model: baseline.name, answers } };
}

function chosen(
  all: readonly BenchmarkQuestion[],
  count: number | null,
  file: string,
): BenchmarkQuestion[] {
  if (count !== null && count > all.length) {
    throw new UserError(`${file} has ${all.length} questions, not ${count}`, "ask for fewer");
  }
  return count === null ? [...all] : spread(all, count);
}

/**
 * A model's answers: from a file of them (`answers:FILE`), the baseline's, or those in the run's folder, completed.
 *
 * @throws {UserError} When they do not answer the questions.
 */
export async function answersOf(
  { name, spec }: NamedSpec,
  questions: readonly BenchmarkQuestion[],
  { benchmark, maxNewTokens, seed, rows, config, settings, out }: BenchmarkPlan,
  { log, warn, progress, checkStop, openAsked: open = openAsked }: BenchmarkHooks,
  baseline: AnswerSet | null = null,
): Promise<AnswerSet> {
  const file = `${out}/data/${benchmark.folder}/model_answer/${name}.jsonl`;
  let set: AnswerSet;
  if (spec === "baseline") {
    if (baseline === null) {
      throw new UserError(
        "the file of questions has no baseline's answers",
        "give alpaca_eval_gpt4_baseline.json or annotations, or name a model with --against",
      );
    }
    return baseline;
  } else if (spec.startsWith("answers:")) {
    const path = spec.slice("answers:".length);
    set = answersTo(questions, await givenAnswers(path, questions, name), {
      file: path,
      model: name,
    });
    await checkSource(file, { answers: path }, await exists(file));
    await writeJsonl(file, set.answers);
  } else {
    const language = await open(spec, { config, settings, log });
    try {
      const answerer = await modelAnswerer(language, { name, maxNewTokens, seed, rows });
      set = await answerQuestions(questions, answerer, {
        file,
        temperatureOf: benchmark.temperatureOf,
        checkStop,
        onProgress: progress(`answers of ${name}`, "question"),
      });
    } finally {
      language.dispose();
    }
  }
  const failed = failedQuestions(set);
  if (failed.length > 0) {
    warn(
      `${name}: FastChat's mark of a failed request, "$ERROR$", is the answer to ${failed.length} questions ` +
        `(first: ${failed[0]}) and is judged as one: have them answered again`,
    );
  }
  const { empty, cut } = answerCounts(set);
  if (empty > 0) warn(`${name}: ${empty} turns are answered with nothing`);
  if (cut !== null && cut > 0) {
    const how = spec.startsWith("answers:")
      ? "off"
      : `at ${maxNewTokens} tokens; --max-new-tokens raises it`;
    warn(`${name}: ${cut} turns were cut ${how}`);
  }
  return set;
}

/** Answers of a file: FastChat's lines, or AlpacaEval's outputs by instruction. */
async function givenAnswers(path: string, questions: readonly BenchmarkQuestion[], model: string) {
  if (!/\.json(\.gz)?$/.test(path)) return await readModelAnswers(path);
  const { questions: items, answered } = await readInstructions(path, "model");
  if (answered === null) {
    throw new UserError(
      `${path} has items without an answer or its writer`,
      "give model_outputs.json",
    );
  }
  // An instruction that comes twice is two questions, answered in order.
  const byInstruction = Map.groupBy(items.keys(), (i) => items[i].turns[0]);
  return questions.flatMap((question) => {
    const i = byInstruction.get(question.turns[0])?.shift();
    return i === undefined
      ? []
      : [modelAnswer({ model, question, turns: [answered.answers[i]], time: 0 })];
  });
}

/** What the tests of benchmarks share: questions, answers and verdicts made by hand. */
import { modelAnswer } from "../lib/benchmark/answer_file.ts";
import type { AnswerSet } from "../lib/benchmark/answer_file.ts";
import type { Answerer } from "../lib/benchmark/answering.ts";
import type { BenchmarkQuestion } from "../lib/benchmark/question.ts";
import { compareReferee } from "../lib/benchmark/referee.ts";
import { judgePairs, type PairRecord, type SingleRecord } from "../lib/benchmark/verdict_file.ts";
import type { Compare } from "../lib/method/mod.ts";

/** A question of one turn or two in MT-Bench's manner. */
export function question(
  id: number,
  category: string,
  { turns = 2, reference = false }: { turns?: number; reference?: boolean } = {},
): BenchmarkQuestion {
  const list = Array.from({ length: turns }, (_, t) => `Question ${id}, turn ${t + 1}?`);
  return {
    id,
    category,
    turns: list,
    reference: reference ? list.map((_, t) => `Known ${id}.${t + 1}.`) : null,
  };
}

/** A model's answers, given by question and turn. */
export function answerSet(
  model: string,
  questions: readonly BenchmarkQuestion[],
  text: (question: BenchmarkQuestion, turn: number) => string,
): AnswerSet {
  return {
    model,
    answers: questions.map((question) =>
      modelAnswer({
        model,
        question,
        turns: question.turns.map((_, t) => text(question, t + 1)),
        time: 1,
      })
    ),
  };
}

/** Two models' answers, compared by a judge. @param more The judge's name and where its verdicts go. */
export const judged = (
  compare: Compare,
  questions: readonly BenchmarkQuestion[],
  sets: readonly [AnswerSet, AnswerSet],
  { name = "j", file }: { name?: string; file: string },
): Promise<PairRecord[]> =>
  judgePairs(questions, sets, compareReferee({ name, compare }), { file });

/** A grade of a model's answer to a turn; null where the judge gave none. */
export const gradeRecord = (
  model: string,
  question: BenchmarkQuestion["id"],
  { turn = 1, score }: { turn?: number; score: number | null },
): SingleRecord => ({
  ...{ question_id: question, model, turn, score: score ?? -1, judge: ["j", "single-tokens"] },
  ...{ user_prompt: "", judgment: "", tstamp: 1 },
  self_judge: { answer: "", about: "", key: null, labelProbability: score === null ? 0 : 0.8 },
});

/** An answerer that says what it was asked, and counts; it can be told to fail after some calls. */
export function echo(options: { rows?: number; failAfter?: number; seed?: number } = {}) {
  const asked: { streams: readonly string[]; temperature: number; turns: number[] }[] = [];
  const answerer: Answerer = {
    name: "echo",
    rows: options.rows ?? 2,
    settings: { model: "echo", seed: options.seed ?? 1 },
    answer: (dialogues, { temperature, streams }) => {
      if (asked.length === options.failAfter) return Promise.reject(new Error("killed"));
      asked.push({ streams, temperature, turns: dialogues.map(({ length }) => length) });
      return Promise.resolve(dialogues.map((turns) => ({
        text: `(${turns.map(({ content }) => content).join(" | ")})`,
        end: "stop" as const,
      })));
    },
  };
  return { answerer, asked };
}

/** Answers in FastChat's form: `data/BENCH/model_answer/MODEL.jsonl`, a line a question. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import type { BenchmarkQuestion } from "./question.ts";
import { readRecords } from "./question.ts";

const AnswerSchema = z.object({
  question_id: z.union([z.int(), z.string().min(1)]),
  answer_id: z.string(),
  model_id: z.string(),
  choices: z.array(z.object({
    index: z.int(),
    turns: z.array(z.string()),
    ends: z.array(z.enum(["stop", "length"])).optional(),
  })).min(1),
  tstamp: z.number(),
});

/**
 * An answer as FastChat writes it. `ends` in a choice is ours, and passed over by FastChat: for each turn
 * whether the model stopped or was cut off. `tstamp` is in seconds since 1970.
 */
export type ModelAnswer = z.infer<typeof AnswerSchema>;

/** A name by content, 22 letters and digits as FastChat's random ones. */
export function contentId(content: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(content)).digest("base64");
  return hash.replace(/[^0-9A-Za-z]/g, "").slice(0, 22);
}

/** The question that an answer is to: an id may stand for another question in another file. */
type Answered = Pick<BenchmarkQuestion, "id" | "turns">;

/** The name of an answer by its content and its question's. */
export const answerId = (model: string, { id, turns }: Answered, texts: readonly string[]) =>
  contentId([model, id, turns, texts]);

/** One answer as a line of the file. */
export function modelAnswer(
  { model, question, turns, ends, time = Date.now() / 1000 }: {
    readonly model: string;
    readonly question: Answered;
    readonly turns: readonly string[];
    readonly ends?: readonly ("stop" | "length")[];
    readonly time?: number;
  },
): ModelAnswer {
  return {
    question_id: question.id,
    answer_id: answerId(model, question, turns),
    model_id: model,
    choices: [{ index: 0, turns: [...turns], ...(ends && { ends: [...ends] }) }],
    tstamp: time,
  };
}

/**
 * Reads a file of answers, FastChat's or ours.
 *
 * @throws {UserError} Naming file, line and field; or two lines of one question.
 */
export async function readModelAnswers(file: string): Promise<ModelAnswer[]> {
  const answers: ModelAnswer[] = [];
  const seen = new Map<string, number>();
  for await (const { line, value } of readRecords(file, AnswerSchema)) {
    const key = String(value.question_id);
    if (seen.has(key)) {
      throw new UserError(
        `${file} line ${line}: question ${key} was answered in line ${seen.get(key)}`,
        "leave one of the two lines out",
      );
    }
    seen.set(key, line);
    answers.push(value);
  }
  return answers;
}

/** The answers of one model to a list of questions. */
export interface AnswerSet {
  readonly model: string;
  /** One a question, in the questions' order; as many turns as the question has. */
  readonly answers: readonly ModelAnswer[];
}

/** What to know of a set of answers, counted. */
export interface AnswerCounts {
  /** Turns answered with nothing. */
  readonly empty: number;
  /** Turns cut at the most tokens allowed; null where the file does not say. */
  readonly cut: number | null;
}

/** The text of each turn of an answer. */
export function turnsOf(answer: ModelAnswer): readonly string[] {
  return answer.choices[0].turns;
}

/**
 * Puts answers in the order of the questions.
 *
 * @param file Where they are from, for messages.
 * @throws {UserError} When a question has no answer, or one of fewer turns: two models are compared on
 * the same questions or not at all.
 */
export function answersTo(
  questions: readonly BenchmarkQuestion[],
  answers: readonly ModelAnswer[],
  { file, model }: { readonly file: string; readonly model: string },
): AnswerSet {
  const byQuestion = new Map(answers.map((answer) => [String(answer.question_id), answer]));
  const missing = questions.filter(({ id }) => !byQuestion.has(String(id)));
  if (missing.length > 0) {
    const named = missing.slice(0, 5).map(({ id }) => id).join(", ");
    throw new UserError(
      `${file} answers ${questions.length - missing.length} of ${questions.length} questions; ` +
        `not: ${named}${missing.length > 5 ? ", ..." : ""}`,
      "give answers to all of them, or ask fewer questions with --questions",
    );
  }
  const ordered = questions.map(({ id, turns }) => {
    const answer = byQuestion.get(String(id))!;
    const given = turnsOf(answer).length;
    if (given >= turns.length) return answer;
    throw new UserError(
      `${file}, question ${id}: ${given} turns are answered of ${turns.length}`,
      "answer the rest, or leave the question out of both models",
    );
  });
  return { model, answers: ordered };
}

/** `API_ERROR_OUTPUT` of FastChat 0.2.36 (`fastchat/llm_judge/common.py`), and what its workers say under load. */
const NO_ANSWER = /^\s*(?:\$ERROR\$|\**NETWORK ERROR DUE TO HIGH TRAFFIC)/;

/** Questions with a turn that is what FastChat writes in the place of an answer when a request failed. */
export function failedQuestions({ answers }: AnswerSet): (number | string)[] {
  return answers.filter((answer) => turnsOf(answer).some((text) => NO_ANSWER.test(text)))
    .map(({ question_id }) => question_id);
}

/** Counts what is odd about answers. */
export function answerCounts({ answers }: AnswerSet): AnswerCounts {
  const turns = answers.flatMap(({ choices: [{ turns, ends }] }) =>
    turns.map((text, i) => ({ text, end: ends?.[i] }))
  );
  return {
    empty: turns.filter(({ text }) => text.trim() === "").length,
    cut: turns.some(({ end }) => end === undefined)
      ? null
      : turns.filter(({ end }) => end === "length").length,
  };
}

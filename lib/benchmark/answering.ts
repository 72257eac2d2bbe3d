import { UserError } from "../base/error.ts";
import { appendJsonl, readJsonFile, readJsonl, writeJsonFile, writeJsonl } from "../base/files.ts";
import type { Turn } from "../text/mod.ts";
import {
  answerId,
  type AnswerSet,
  answersTo,
  type ModelAnswer,
  modelAnswer,
  readModelAnswers,
  turnsOf,
} from "./answer_file.ts";
import type { BenchmarkQuestion } from "./question.ts";

/** One answer to one dialogue. */
export interface Reply {
  readonly text: string;
  /** Whether the model ended it, or the limit of tokens did. */
  readonly end: "stop" | "length";
}

/** What answers dialogues. */
export interface Answerer {
  /** What files call it. */
  readonly name: string;
  /** What its answers depend on; answers under other settings are not resumed. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Dialogues answered together. */
  readonly rows: number;
  /** Answers dialogues that end with the user's turn; `streams` names each one's random numbers. */
  readonly answer: (
    dialogues: readonly (readonly Turn[])[],
    options: { readonly temperature: number; readonly streams: readonly string[] },
  ) => Promise<Reply[]>;
}

/** Settings of {@linkcode answerQuestions}. */
export interface AnsweringOptions {
  /** `model_answer/MODEL.jsonl`; answers in it are kept. */
  readonly file: string;
  /** The benchmark's temperature of a category. */
  readonly temperatureOf: (category: string) => number;
  /** Called after each turn of each batch with questions answered so far. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Throws to leave early; what is answered is on disk. */
  readonly checkStop?: () => void;
}

/**
 * Answers the questions that the file does not answer yet, turn after turn, each turn seeing those before it
 * and the model's own answers, and writes FastChat's `model_answer`.
 *
 * A batch holds questions of one temperature; its lines are written when all their turns are answered, so a
 * killed run loses one batch at most. Random numbers are named by question and turn: which questions share
 * a batch does not matter to what is drawn. Beside the file, `MODEL.settings.json` keeps what the
 * answers depend on.
 *
 * @throws {UserError} When answers in the file were made under other settings, or to other questions.
 */
export async function answerQuestions(
  questions: readonly BenchmarkQuestion[],
  answerer: Answerer,
  { file, temperatureOf, onProgress, checkStop }: AnsweringOptions,
): Promise<AnswerSet> {
  const { name: model, rows } = answerer;
  const kept = await readJsonl<ModelAnswer>(file);
  await checkSource(file, answerer.settings, kept.length > 0);
  await writeJsonl(file, kept); // without a line torn by a kill, after which nothing can be added
  if (kept.length > 0) await readModelAnswers(file);
  const known = new Map(kept.map((answer) => [String(answer.question_id), answer]));
  const other = questions.find((question) => {
    const answer = known.get(String(question.id));
    return answer !== undefined && answer.answer_id !== answerId(model, question, turnsOf(answer));
  });
  if (other !== undefined) {
    throw new UserError(
      `${file}: its answer to question ${other.id} was to another question, or has been changed`,
      "give the questions of before, or take another --out",
    );
  }
  const missing = questions.filter(({ id }) => !known.has(String(id)));
  let done = questions.length - missing.length;
  onProgress?.(done, questions.length);

  const groups = Map.groupBy(missing, ({ category }) => temperatureOf(category));
  for (const [temperature, group] of [...groups].sort(([a], [b]) => a - b)) {
    for (let at = 0; at < group.length; at += rows) {
      checkStop?.();
      const batch = group.slice(at, at + rows);
      const replies = await answerBatch(batch, answerer, temperature);
      const lines = batch.map((question, i) =>
        modelAnswer({
          model,
          question,
          turns: replies[i].map(({ text }) => text),
          ends: replies[i].map(({ end }) => end),
        })
      );
      await appendJsonl(file, lines);
      onProgress?.(done += batch.length, questions.length);
    }
  }
  const all = await readModelAnswers(file);
  const place = new Map(questions.map(({ id }, i) => [String(id), i]));
  const order = ({ question_id }: ModelAnswer) => place.get(String(question_id)) ?? Infinity;
  const sorted = all.toSorted((a, b) => order(a) === order(b) ? 0 : order(a) - order(b));
  await writeJsonl(file, sorted);
  return answersTo(questions, sorted, { file, model });
}

async function answerBatch(
  batch: readonly BenchmarkQuestion[],
  answerer: Answerer,
  temperature: number,
): Promise<Reply[][]> {
  const dialogues = batch.map((): Turn[] => []);
  const replies = batch.map((): Reply[] => []);
  for (let turn = 0;; turn++) {
    const going = batch.map((_, i) => i).filter((i) => turn < batch[i].turns.length);
    if (going.length === 0) return replies;
    for (const i of going) dialogues[i].push({ role: "user", content: batch[i].turns[turn] });
    const answers = await answerer.answer(going.map((i) => dialogues[i]), {
      temperature,
      streams: going.map((i) => `${batch[i].id}/${turn + 1}`),
    });
    going.forEach((i, row) => {
      replies[i].push(answers[row]);
      dialogues[i].push({ role: "assistant", content: answers[row].text });
    });
  }
}

/**
 * Keeps beside a file of answers what they depend on.
 *
 * @param answered Whether the file has answers already.
 * @throws {UserError} When those are of another source, or nobody knows of which.
 */
export async function checkSource(
  file: string,
  settings: Readonly<Record<string, string | number>>,
  answered: boolean,
): Promise<void> {
  const path = file.replace(/\.jsonl$/, "") + ".settings.json";
  const before = await readJsonFile<Record<string, unknown>>(path);
  const remedy = "give the model another name (NAME=SPEC), or another --out";
  if (before === null && answered) {
    throw new UserError(
      `${file} has answers, and there is no ${path} to say what gave them`,
      remedy,
    );
  }
  const changed = before === null ? undefined : Object.keys({ ...before, ...settings })
    .find((name) => JSON.stringify(before[name]) !== JSON.stringify(settings[name]));
  if (before !== null && changed !== undefined) {
    const [was, is] = [before, settings].map((all) => JSON.stringify(all[changed]) ?? "none");
    throw new UserError(
      `${file}: its answers were made with ${changed} = ${was}, now it is ${is}`,
      `take the settings of before, ${remedy}`,
    );
  }
  await writeJsonFile(path, settings);
}

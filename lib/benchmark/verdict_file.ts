/** Verdicts in FastChat's form: `data/BENCH/model_judgment/JUDGE_pair.jsonl` and `JUDGE_single.jsonl`. */
import { appendJsonl, readJsonl, writeJsonl } from "../base/files.ts";
import { type AnswerSet, contentId, type ModelAnswer, turnsOf } from "./answer_file.ts";
import type { BenchmarkQuestion } from "./question.ts";
import { type Grader, type NamedBy, namedBy, type Referee, verdictOnSame } from "./referee.ts";
import type { Judgment } from "../method/mod.ts";

/** A match as FastChat writes it (`play_a_match_pair`), with what else is known of it in `self_judge`. */
export interface PairRecord {
  readonly question_id: number | string;
  readonly model_1: string;
  readonly model_2: string;
  readonly g1_winner: NamedBy;
  readonly g2_winner: NamedBy;
  /** The judge and the name of its prompt. */
  readonly judge: readonly [string, string];
  readonly g1_user_prompt: string;
  readonly g1_judgment: string;
  readonly g2_user_prompt: string;
  readonly g2_judgment: string;
  readonly turn: number;
  /** Seconds since 1970. */
  readonly tstamp: number;
  readonly self_judge: {
    readonly answers: readonly [string, string];
    /** The name of what was judged: question, reference and answers up to the turn. */
    readonly about: string;
    /** What the verdict depends on beside the answers; null where a later run asks again. */
    readonly key: string | null;
    /** False of two answers that are the same: a tie that the judge was not asked for. */
    readonly asked: boolean;
    readonly judgment: Omit<Judgment, "votes">;
  };
}

/** A grade as FastChat writes it (`play_a_match_single`): -1 where the judge gave none. */
export interface SingleRecord {
  readonly question_id: number | string;
  readonly model: string;
  readonly judge: readonly [string, string];
  readonly user_prompt: string;
  readonly judgment: string;
  readonly score: number;
  readonly turn: number;
  readonly tstamp: number;
  readonly self_judge: {
    readonly answer: string;
    /** As that of a {@linkcode PairRecord}. */
    readonly about: string;
    readonly key: string | null;
    readonly labelProbability: number | null;
  };
}

/** The file name that a judge's verdicts have. */
export function verdictFile(folder: string, judge: string, kind: "pair" | "single"): string {
  return `${folder}/model_judgment/${judge.replace(/[^\w.+-]+/g, "_")}_${kind}.jsonl`;
}

/** Settings of {@linkcode judgePairs} and {@linkcode gradeAnswers}. */
export interface JudgingOptions {
  readonly file: string;
  readonly onProgress?: (done: number, total: number) => void;
  /** Throws to leave early; what is judged is on disk. */
  readonly checkStop?: () => void;
}

/**
 * Puts two models' answers to a referee, every turn of every question in both positions, and writes FastChat's
 * pairwise judgments. Two answers that are the same are a tie, unasked. Verdicts in the file on the same answers
 * to the same question under the same key are kept; where question, reference or an answer has changed since, they are
 * replaced.
 *
 * @returns A record a question and turn, in this order
 */
export async function judgePairs(
  questions: readonly BenchmarkQuestion[],
  [first, second]: readonly [AnswerSet, AnswerSet],
  referee: Referee,
  options: JudgingOptions,
): Promise<PairRecord[]> {
  const wanted = turnsAsked(questions);
  const names = [first.model, second.model];
  const ids = (q: number) => [first.answers[q].answer_id, second.answers[q].answer_id] as const;
  return await kept<PairRecord>(wanted, {
    ...options,
    key: referee.key,
    rows: referee.rows,
    aboutOf: (want) => aboutOf(want, [first, second]),
    ours: (record) =>
      record.judge[0] === referee.name && record.model_1 === names[0] &&
      record.model_2 === names[1],
    make: async (batch) => {
      const matches = batch.map(({ question, q, turn }) => ({
        question,
        turn,
        first: turnsOf(first.answers[q]),
        second: turnsOf(second.answers[q]),
      }));
      const same = matches.map(verdictOnSame);
      const open = matches.filter((_, i) => same[i] === null);
      const played = open.length === 0 ? [] : await referee.play(open);
      const verdicts = matches.map((match, i) => same[i] ?? played[open.indexOf(match)]);
      return batch.map(({ question, q, turn }, i): PairRecord => {
        const { judgment: { votes: _, ...judgment }, prompt, games } = verdicts[i];
        return {
          question_id: question.id,
          model_1: names[0],
          model_2: names[1],
          g1_winner: namedBy(verdicts[i].judgment, "forward"),
          g2_winner: namedBy(verdicts[i].judgment, "backward"),
          judge: [referee.name, prompt],
          g1_user_prompt: games[0].asked,
          g1_judgment: games[0].reply,
          g2_user_prompt: games[1].asked,
          g2_judgment: games[1].reply,
          turn,
          tstamp: Date.now() / 1000,
          self_judge: {
            answers: ids(q),
            about: aboutOf(batch[i], [first, second]),
            key: verdicts[i].failed ? null : referee.key ?? null,
            asked: same[i] === null,
            judgment,
          },
        };
      });
    },
  });
}

/** Has every turn of a model's answers graded, and writes FastChat's single judgments. */
export async function gradeAnswers(
  questions: readonly BenchmarkQuestion[],
  { model, answers }: AnswerSet,
  grader: Grader,
  options: JudgingOptions,
): Promise<SingleRecord[]> {
  const wanted = turnsAsked(questions);
  return await kept<SingleRecord>(wanted, {
    ...options,
    key: grader.key,
    rows: grader.rows,
    aboutOf: (want) => aboutOf(want, [{ answers }]),
    ours: (record) => record.judge[0] === grader.name && record.model === model,
    make: async (batch) => {
      const verdicts = await grader.grade(batch.map(({ question, q, turn }) => ({
        question,
        turn,
        answers: turnsOf(answers[q]),
      })));
      return batch.map(({ question, q, turn }, i): SingleRecord => {
        const { score, labelProbability, prompt, game, failed = false } = verdicts[i];
        return {
          question_id: question.id,
          model,
          judge: [grader.name, prompt],
          user_prompt: game.asked,
          judgment: game.reply,
          score: score ?? -1,
          turn,
          tstamp: Date.now() / 1000,
          self_judge: {
            answer: answers[q].answer_id,
            about: aboutOf(batch[i], [{ answers }]),
            key: failed ? null : grader.key ?? null,
            labelProbability,
          },
        };
      });
    },
  });
}

/** A turn of a question, with the question's place among those asked. */
interface TurnAsked {
  readonly question: BenchmarkQuestion;
  readonly q: number;
  readonly turn: number;
}

function turnsAsked(questions: readonly BenchmarkQuestion[]): TurnAsked[] {
  return questions.flatMap((question, q) =>
    question.turns.map((_, t) => ({ question, q, turn: t + 1 }))
  );
}

/** The name of what is judged, by its content: ids stay where texts are changed. */
function aboutOf(
  { question: { turns, reference }, q, turn }: TurnAsked,
  sets: readonly { readonly answers: readonly ModelAnswer[] }[],
): string {
  const upTo = (texts: readonly string[]) => texts.slice(0, turn);
  const answers = sets.map((set) => upTo(turnsOf(set.answers[q])));
  return contentId([upTo(turns), reference && upTo(reference), answers]);
}

/** Makes the records that the file does not hold yet, and gives all that are wanted. */
async function kept<Found extends PairRecord | SingleRecord>(
  wanted: readonly TurnAsked[],
  { file, key, rows, aboutOf, ours, make, onProgress, checkStop }: JudgingOptions & {
    key: string | undefined;
    rows: number;
    aboutOf: (want: TurnAsked) => string;
    /** Whether a record is of this judge and these models: others are left alone. */
    ours: (record: Found) => boolean;
    make: (batch: readonly TurnAsked[]) => Promise<Found[]>;
  },
): Promise<Found[]> {
  const before = await readJsonl<Found>(file);
  const placeOf = (record: Found) => `${record.question_id}/${record.turn}`;
  const placeAsked = ({ question, turn }: TurnAsked) => `${question.id}/${turn}`;
  const asked = new Map(wanted.map((want) => [placeAsked(want), aboutOf(want)]));
  const good = (record: Found) => {
    const about = asked.get(placeOf(record));
    return key !== undefined && record.self_judge?.key === key &&
      (about === undefined || record.self_judge.about === about); // not asked this time: kept for the next
  };
  await writeJsonl(file, before.filter((record) => !ours(record) || good(record)));
  const whole = before.filter((record) => ours(record) && good(record));
  const found = new Map(whole.map((record) => [placeOf(record), record]));
  const missing = wanted.filter((want) => !found.has(placeAsked(want)));
  let done = wanted.length - missing.length;
  onProgress?.(done, wanted.length);
  for (let at = 0; at < missing.length; at += rows) {
    checkStop?.();
    const batch = missing.slice(at, at + rows);
    const made = await make(batch);
    await appendJsonl(file, made);
    made.forEach((record) => found.set(placeOf(record), record));
    onProgress?.(done += batch.length, wanted.length);
  }
  return wanted.map((want) => found.get(placeAsked(want))!);
}

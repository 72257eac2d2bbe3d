/** A benchmark from questions to results: answers, verdicts, grades, tables, and the page to read them. */
import { UserError } from "../base/error.ts";
import { writeCsv, writeJsonl, writeWhole } from "../base/files.ts";
import { comparisonPage } from "./comparison_page.ts";
import { writeAnnotations, writeModelOutputs } from "./alpaca_export.ts";
import { type AnswerSet, modelAnswer } from "./answer_file.ts";
import type { FindOptions } from "./benchmark_file.ts";
import { canGrade, type Opened, openGrader, openReferee } from "./judges.ts";
import { answersOf, type BenchmarkHooks, type BenchmarkPlan, questionsOf } from "./material.ts";
import { gradeLengthRows } from "./grade_length.ts";
import { pageRows } from "./page_rows.ts";
import type { BenchmarkQuestion } from "./question.ts";
import type { BenchmarkRow } from "./result_rows.ts";
import { gradeRows, pairRows, scoreRows } from "./results.ts";
import {
  gradeAnswers,
  judgePairs,
  type PairRecord,
  type SingleRecord,
  verdictFile,
} from "./verdict_file.ts";

/** What came of it. */
export interface BenchmarkOutcome {
  readonly questions: readonly BenchmarkQuestion[];
  readonly rows: readonly BenchmarkRow[];
  /** Files written. */
  readonly files: readonly string[];
  /** AlpacaEval's annotations, one file a model. */
  readonly annotations: readonly string[];
}

/**
 * Runs a benchmark. One model at a time is in memory; what is on disk is not made again, so a killed
 * run resumes where it was.
 *
 * @throws {UserError} Files that are missing or wrong, models that answered other questions, settings changed.
 */
export async function runBenchmark(
  plan: BenchmarkPlan,
  hooks: BenchmarkHooks,
): Promise<BenchmarkOutcome> {
  const { benchmark, models, against, judge, modes, out } = plan;
  const find: FindOptions = { dataFolder: plan.dataFolder, log: hooks.log };
  const { questions, baseline } = await questionsOf(plan, find, hooks);
  const folder = `${out}/data/${benchmark.folder}`;
  await writeQuestions(folder, questions);

  const files: string[] = [];
  const sets: AnswerSet[] = [];
  for (const named of models) sets.push(await answersOf(named, questions, plan, hooks));
  const other = against === null
    ? null
    : await answersOf(against, questions, plan, hooks, baseline);
  const twice = sets.find(({ model }) => model === other?.model);
  if (twice !== undefined) {
    throw new UserError(`the baseline too is called "${twice.model}"`, "name the model NAME=SPEC");
  }
  if (benchmark.tools === "alpaca-eval") {
    for (const set of sets) files.push(await writeModelOutputs(out, questions, set));
  }
  const { exactMatch: score } = benchmark;
  const options = { benchmark: benchmark.name, seed: plan.seed };
  const withOther = other === null ? sets : [...sets, other];
  const scored = score === undefined
    ? []
    : withOther.flatMap((set) => scoreRows(questions, set, { ...options, score }));
  if (judge === null) {
    if (scored.length > 0) files.push(await writeResults(out, scored));
    return { questions, rows: scored, files, annotations: [] };
  }

  const setting = {
    config: plan.config,
    settings: plan.settings,
    seed: plan.seed,
    cacheFile: `${out}/judgments.jsonl`,
    find,
    log: hooks.log,
    openAsked: hooks.openAsked,
  };
  const pairs = new Map<AnswerSet, PairRecord[]>();
  if (modes.includes("pair") && other !== null) {
    await using(await openReferee(judge, setting), hooks, async (referee) => {
      for (const set of sets) {
        const records = await judgePairs(questions, [set, other], referee, {
          file: verdictFile(folder, referee.name, "pair"),
          onProgress: hooks.progress(`${set.model} against ${other.model}`, "turn"),
          checkStop: hooks.checkStop,
        });
        pairs.set(set, records);
      }
      files.push(verdictFile(folder, referee.name, "pair"));
    });
  }
  const grades = new Map<AnswerSet, SingleRecord[]>();
  if (modes.includes("single") && canGrade(judge)) {
    await using(await openGrader(judge, setting), hooks, async (grader) => {
      for (const set of withOther) {
        const records = await gradeAnswers(questions, set, grader, {
          file: verdictFile(folder, grader.name, "single"),
          onProgress: hooks.progress(`grades of ${set.model}`, "turn"),
          checkStop: hooks.checkStop,
        });
        grades.set(set, records);
      }
      files.push(verdictFile(folder, grader.name, "single"));
    });
  }

  const rows = [
    ...scored,
    ...[...pairs].flatMap(([set, records]) =>
      pairRows(questions, records, { ...options, answers: [set, other!] })
    ),
    ...[...grades].flatMap(([set, records]) => [
      ...gradeRows(questions, records, {
        ...options,
        other: other === null || set === other ? undefined : grades.get(other),
      }),
      ...gradeLengthRows(questions, records, { ...options, answers: set }),
    ]),
  ];
  files.push(await writeResults(out, rows));
  warnOfFailures([...pairs.values()].flat(), [...grades.values()].flat(), hooks.warn);
  const annotations: string[] = [];
  for (const set of other === null ? [] : sets) {
    if (benchmark.tools === "alpaca-eval" && pairs.has(set)) {
      annotations.push(await writeAnnotations(out, questions, [set, other!], pairs.get(set)!));
    }
    files.push(
      await writePage(plan, questions, [set, other!], {
        pairs: pairs.get(set),
        grades: grades.has(set) ? [grades.get(set)!, grades.get(other!)!] : undefined,
      }),
    );
  }
  return { questions, rows, files: [...files, ...annotations], annotations };
}

async function writeResults(out: string, rows: readonly BenchmarkRow[]): Promise<string> {
  const path = `${out}/results.csv`;
  await writeCsv(path, rows);
  return path;
}

/** Where FastChat's tools look for the questions and the reference answers. */
async function writeQuestions(
  folder: string,
  questions: readonly BenchmarkQuestion[],
): Promise<void> {
  await writeJsonl(
    `${folder}/question.jsonl`,
    questions.map(({ id, category, turns, answer }) => ({
      question_id: id,
      category,
      turns,
      ...(answer !== undefined && { answer }),
    })),
  );
  const known = questions.filter(({ reference }) => reference !== null);
  await writeJsonl(
    `${folder}/reference_answer/gpt-4.jsonl`,
    known.map((question) =>
      modelAnswer({ model: "gpt-4", question, turns: question.reference!, time: 0 })
    ),
  );
}

async function using<T>(
  { judge, notes, dispose }: Opened<T>,
  { log }: BenchmarkHooks,
  work: (judge: T) => Promise<void>,
): Promise<void> {
  try {
    await work(judge);
    for (const note of notes?.() ?? []) log(note);
  } finally {
    dispose?.();
  }
}

/** A judge that names neither answer, or a position rather than an answer, has failed; its failures are no ties. */
function warnOfFailures(
  pairs: readonly PairRecord[],
  grades: readonly SingleRecord[],
  warn: (line: string) => void,
): void {
  const silent = pairs.filter(({ self_judge }) => !self_judge.judgment.answered);
  if (silent.length > 0) {
    const mean = (position: "a" | "b") =>
      silent.reduce(
        (sum, { self_judge: { judgment: { forward, backward } } }) =>
          sum + (forward[position] + backward[position]) / 2,
        0,
      ) / silent.length;
    warn(
      `the judge named neither answer in ${silent.length} of ${pairs.length} turns, each a half ` +
        `(mean P(A) = ${mean("a").toPrecision(2)}, P(B) = ${
          mean("b").toPrecision(2)
        }; first: question ` +
        `${silent[0].question_id}, turn ${silent[0].turn})`,
    );
  }
  const asked = pairs.filter(({ self_judge: { asked, judgment } }) =>
    asked && judgment.answered && judgment.recorded === undefined
  );
  const split = asked.filter(({ self_judge }) => !self_judge.judgment.consistent);
  if (split.length > asked.length / 2) {
    warn(
      `the two positions disagree in ${split.length} of ${asked.length} turns: the win rate is mostly halves ` +
        "and says more of positions than of models",
    );
  }
  const ungraded = grades.filter(({ score }) => score < 0);
  if (ungraded.length > 0) {
    warn(
      `the judge gave no grade in ${ungraded.length} of ${grades.length} turns, which count in no mean ` +
        `(first: question ${ungraded[0].question_id}, turn ${ungraded[0].turn})`,
    );
  }
}

async function writePage(
  { benchmark, out, judge }: BenchmarkPlan,
  questions: readonly BenchmarkQuestion[],
  sets: readonly [AnswerSet, AnswerSet],
  verdicts: Parameters<typeof pageRows>[2],
): Promise<string> {
  const [first, second] = sets;
  const path = `${out}/comparison-${first.model}-${second.model}.html`;
  const html = comparisonPage(pageRows(questions, sets, verdicts), {
    title: benchmark.title,
    models: [first.model, second.model],
    judge: judge!,
  });
  await writeWhole(path, html);
  return path;
}

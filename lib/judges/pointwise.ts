import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { keptAnswers } from "../base/kept_answers.ts";
import {
  combineScores,
  type Comparison,
  type Judge,
  type Judgment,
  larger,
} from "../method/mod.ts";

/** One answer to one prompt, to be graded. */
export interface GradedAnswer {
  readonly prompt: Comparison["prompt"];
  readonly answer: string;
}

/** A grade that is read off the probabilities of marks. */
export interface MarkedGrade {
  readonly grade: number;
  /** The probability of all marks together: how much of the model's answer is a mark. */
  readonly labelProbability: number;
}

/** Grades single answers, one finite number each; larger is better. */
export type Grade<Graded extends number | MarkedGrade = number> = (
  answers: readonly GradedAnswer[],
) => Promise<Graded[]>;

/** A grade as one that is read off marks: a number is sure to be one. */
const marked = (graded: number | MarkedGrade): MarkedGrade =>
  typeof graded === "object" ? graded : { grade: graded, labelProbability: 1 };

/**
 * A judge of single answers: a reward model, a known reward, a grade from 1 to 10.
 *
 * The grades of two answers become P(first) = 1 / (1 + exp((second - first) / scale)), the Bradley-Terry
 * model under which reward models are trained (scale 1). With scale 0 the higher grade wins outright. Where one of two
 * answers has next to no probability on the marks, the pair is unanswered.
 *
 * @throws {UserError} When called, if a grade is not a finite number.
 *
 * @example
 * ```ts
 * import { characters } from "../base/characters.ts";
 * import { pointwiseJudge } from "./pointwise.ts";
 * const longer = pointwiseJudge("longer", (answers) =>
 *   Promise.resolve(answers.map(({ answer }) => characters(answer))), { scale: 0 });
 * ```
 */
export function pointwiseJudge(
  name: string,
  grade: Grade<number | MarkedGrade>,
  { scale = 1 }: { scale?: number } = {},
): Judge {
  const graded = gradeOnce(name, grade);
  return {
    name,
    promptsFor: (comparisons) => 2 * comparisons.length,
    compare: async (comparisons) => {
      const grades = await graded(comparisons.flatMap(({ prompt, first, second }) => [
        { prompt, answer: first },
        { prompt, answer: second },
      ]));
      return comparisons.map((_, i) => byGrades(grades[2 * i], grades[2 * i + 1], scale));
    },
  };
}

/** Answers graded before those grades are kept. */
const KEPT_TOGETHER = 16;

/**
 * Grades that are kept in a file beside the judgments of judges of pairs, so that no answer is graded twice.
 *
 * @param options.fingerprint Names the judge, as that of an `OpenedJudge`.
 * @param options.cacheFile Where judgments are kept; grades are kept in FILE.grades.jsonl beside it.
 */
export function keptGrade(
  grade: Grade<number | MarkedGrade>,
  { fingerprint, cacheFile, onProgress }: {
    readonly fingerprint: string;
    readonly cacheFile: string;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Grade<number | MarkedGrade> {
  const kept = keptAnswers<number | MarkedGrade>({
    path: `${cacheFile.replace(/\.jsonl$/, "")}.grades.jsonl`,
    keeps: (graded) => Number.isFinite(marked(graded).grade),
    write: (graded) => typeof graded === "object" ? { ...graded } : { grade: graded },
    read: ({ grade, labelProbability }) =>
      typeof grade !== "number"
        ? undefined
        : typeof labelProbability === "number"
        ? { grade, labelProbability }
        : grade,
    what: "a stored grade",
  });
  return async (answers) => {
    const keys = answers.map(({ prompt, answer }) =>
      createHash("sha256").update(JSON.stringify([fingerprint, prompt, answer]))
        .digest("base64url").slice(0, 32)
    );
    const grades = new Map(keys.map((key) => [key, kept.get(key)]));
    const missing = answers.map((answer, i) => ({ answer, key: keys[i] }))
      .filter(({ key }) => grades.get(key) === undefined);
    for (let start = 0; start < missing.length; start += KEPT_TOGETHER) {
      const some = missing.slice(start, start + KEPT_TOGETHER);
      const found = await grade(some.map(({ answer }) => answer));
      some.forEach(({ key }, i) => grades.set(key, found[i]));
      kept.add(some.map(({ key }, i) => [key, found[i]]));
      onProgress?.(Math.min(start + KEPT_TOGETHER, missing.length), missing.length);
    }
    return keys.map((key) => grades.get(key)!);
  };
}

/** Asks for each answer once a call, however many pairs it is in, and refuses what is not a number. */
function gradeOnce(name: string, grade: Grade<number | MarkedGrade>): Grade<MarkedGrade> {
  return async (answers) => {
    const keys = answers.map(({ prompt, answer }) => JSON.stringify([prompt, answer]));
    const first = new Map<string, GradedAnswer>();
    keys.forEach((key, i) => first.has(key) || first.set(key, answers[i]));
    const given = first.size === 0 ? [] : await grade([...first.values()]);
    const grades = [...first.keys()].map((_, i) => marked(given[i]));
    const bad = grades.findIndex(({ grade }) => !Number.isFinite(grade));
    if (bad >= 0) {
      throw new UserError(
        `the judge "${name}" graded answer ${bad} of ${first.size} with ${grades[bad].grade}`,
        "have it give one finite number for every answer",
      );
    }
    const byKey = new Map([...first.keys()].map((key, i) => [key, grades[i]]));
    return keys.map((key) => byKey.get(key)!);
  };
}

function byGrades(one: MarkedGrade, other: MarkedGrade, scale: number): Judgment {
  const [first, second] = [one.grade, other.grade];
  const p = scale > 0
    ? 1 / (1 + Math.exp((second - first) / scale))
    : { first: 1, second: 0, tie: 0.5 }[larger(first, second)];
  const q = scale > 0 ? 1 / (1 + Math.exp((first - second) / scale)) : 1 - p; // exact mirror
  // A verdict is worth no more than the lesser of the two grades that it is between.
  const mass = Math.min(one.labelProbability, other.labelProbability);
  return combineScores([{
    principle: "overall",
    forward: { a: p * mass, b: q * mass },
    backward: { a: q * mass, b: p * mass },
  }]);
}

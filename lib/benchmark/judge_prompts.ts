/** MT-Bench's own judge prompts, for judges that reply in words. */
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { afterThoughts, lastMark } from "../judges/served/mod.ts";
import type { Turn } from "../text/mod.ts";
import { type BenchmarkQuestion, readRecords } from "./question.ts";

const PromptSchema = z.object({
  name: z.string(),
  type: z.string(),
  system_prompt: z.string(),
  prompt_template: z.string(),
  output_format: z.string(),
});

/** A judge's prompt as `judge_prompts.jsonl` holds it. */
export type JudgePrompt = z.infer<typeof PromptSchema>;

/** The prompts by name. */
export type JudgePrompts = ReadonlyMap<string, JudgePrompt>;

/** Reads `judge_prompts.jsonl`. @throws {UserError} Naming file, line and field. */
export async function readJudgePrompts(file: string): Promise<JudgePrompts> {
  const prompts = new Map<string, JudgePrompt>();
  for await (const { value } of readRecords(file, PromptSchema)) prompts.set(value.name, value);
  for (const base of ["pair-v2", "pair-math-v1", "single-v1", "single-math-v1"]) {
    for (const name of [base, `${base}-multi-turn`]) {
      if (prompts.has(name)) continue;
      throw new UserError(`${file} has no prompt "${name}"`, "fetch judge_prompts.jsonl again");
    }
  }
  return prompts;
}

/**
 * The name of the prompt for a question and turn: the one with reference answers where there are some, the
 * one for whole conversations from the second turn on (`gen_judgment.py` of FastChat 0.2.36).
 *
 * @throws {UserError} Of a third turn, for which there is no prompt.
 */
export function promptName(
  kind: "pair" | "single",
  question: Pick<BenchmarkQuestion, "id" | "reference">,
  turn: number,
): string {
  if (turn > 2) {
    throw new UserError(
      `question ${question.id} has a turn ${turn}, and MT-Bench's prompts show two`,
      "leave out what follows the second, or judge by tokens: model:, run: or served:",
    );
  }
  const base = { pair: ["pair-v2", "pair-math-v1"], single: ["single-v1", "single-math-v1"] }[kind];
  return base[question.reference === null ? 0 : 1] + (turn > 1 ? "-multi-turn" : "");
}

/**
 * A judge's dialogue: the prompt with its places filled in. Braces in an answer stay as they are.
 *
 * @throws {UserError} When the prompt has a place for which there is no value.
 *
 * @example
 * ```ts
 * import { fillPrompt } from "./judge_prompts.ts";
 * const prompt = { name: "p", type: "single", system_prompt: "Judge.", prompt_template: "Q: {question}", output_format: "" };
 * fillPrompt(prompt, { question: "Why {x}?" })[1].content; // "Q: Why {x}?"
 * ```
 */
export function fillPrompt(
  { name, system_prompt, prompt_template }: JudgePrompt,
  values: Readonly<Record<string, string>>,
): Turn[] {
  const content = prompt_template.replace(/\{(\w+)\}/g, (_, place: string) => {
    if (Object.hasOwn(values, place)) return values[place];
    throw new UserError(
      `the judge's prompt "${name}" asks for {${place}}, which this question does not have`,
      `use a prompt with places among ${Object.keys(values).join(", ")}`,
    );
  });
  return [{ role: "system", content: system_prompt }, { role: "user", content }];
}

/** The values of a prompt's places for one order of two models' answers. */
export function pairPlaces(
  question: BenchmarkQuestion,
  turn: number,
  { a, b }: { readonly a: readonly string[]; readonly b: readonly string[] },
): Record<string, string> {
  return turn === 1
    ? { question: question.turns[0], answer_a: a[0], answer_b: b[0], ...references(question) }
    : {
      ...numbered("question", question.turns),
      ...numbered("answer_a", a),
      ...numbered("answer_b", b),
      ...references(question),
    };
}

/** The values of a prompt's places for one model's answers. */
export function singlePlaces(
  question: BenchmarkQuestion,
  turn: number,
  answers: readonly string[],
): Record<string, string> {
  return turn === 1
    ? { question: question.turns[0], answer: answers[0], ...references(question) }
    : {
      ...numbered("question", question.turns),
      ...numbered("answer", answers),
      ...references(question),
    };
}

const numbered = (name: string, texts: readonly string[]) =>
  Object.fromEntries(texts.map((text, i) => [`${name}_${i + 1}`, text]));

const references = ({ reference }: BenchmarkQuestion) => numbered("ref_answer", reference ?? []);

/**
 * The position that a reply names by `[[A]]`, `[[B]]` or `[[C]]` for a tie: after its thoughts, by the last mark.
 * FastChat takes the first of `[[A]]`, `[[B]]`, `[[C]]` that is anywhere in the reply.
 */
export function readPosition(reply: string): "A" | "B" | "tie" | null {
  return lastMark(afterThoughts(reply) ?? "");
}

/** A grade in brackets, `[[7]]` or `[[7/10]]`; in single ones where there are no double ones. */
const GRADES = [
  /\[\[\s*[*_]*(-?\d+(?:\.\d*)?)\s*(?:\/\s*10)?[*_]*\s*\]\]/g,
  /\[\s*[*_]*(-?\d+(?:\.\d*)?)\s*(?:\/\s*10)?[*_]*\s*\]/g,
];

/**
 * The grade in a reply: after its thoughts, the last number in double brackets, else the last in single ones; null
 * where there is none. A number outside [1, 10] is none either: FastChat would average it in.
 */
export function readGrade(reply: string): number | null {
  return gradeIn(reply, GRADES);
}

function gradeIn(reply: string, forms: readonly RegExp[]): number | null {
  const text = afterThoughts(reply) ?? "";
  const marks = forms.map((form) => [...text.matchAll(form)]).find((found) => found.length > 0);
  if (marks === undefined) return null;
  const grade = Number(marks.at(-1)![1]);
  return grade >= 1 && grade <= 10 ? grade : null;
}

/** Whether a reply that was cut got to its verdict: single brackets, which code is full of, are none here. */
export const hasVerdict = (reply: string): boolean =>
  readPosition(reply) !== null || gradeIn(reply, GRADES.slice(0, 1)) !== null;

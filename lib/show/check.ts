/** Exercises that answer back: whether an answer is right, what is wrong with it, and hints to open one by one. */
import { escapeHtml, formatNumber } from "./html_table.ts";
import { html, show } from "./display.ts";

/** An exercise of a notebook. */
export interface Exercise<Answer> {
  /** Such as "03.1": notebook and number. */
  readonly name: string;
  /** What an answer looks like, such as "{ once: 0.5, both: 0.5 }". */
  readonly form: string;
  /** From a nudge to nearly the solution. */
  readonly hints: readonly string[];
  /** What is wrong with an answer, in words that do not give it away; null if it is right. */
  readonly fault: (answer: Answer) => string | null | Promise<string | null>;
  /** What a right answer shows. */
  readonly meaning: string;
}

/**
 * Says whether an answer to an exercise is right. While there is none it says what form an answer has; its hints stay
 * closed until they are opened.
 *
 * @param answer null while there is none.
 * @returns whether it is right
 * @example
 * ```ts
 * import { check, numbers } from "./check.ts";
 * const half = numbers({
 *   name: "0.1",
 *   hints: ["It is less than one."],
 *   expected: () => ({ half: 0.5 }),
 *   within: 0.01,
 *   meaning: "Two halves make a whole.",
 * });
 * await check(half, null); // false: no answer yet
 * await check(half, { half: 0.8 }); // false: "half" is too large
 * await check(half, { half: 0.5 }); // true
 * ```
 */
export async function check<Answer>(
  exercise: Exercise<Answer>,
  answer: Answer | null,
): Promise<boolean> {
  const { name, form, hints, meaning } = exercise;
  const fault = answer === null ? null : await exercise.fault(answer);
  const right = answer !== null && fault === null;
  const verdict = right
    ? `Right. ${meaning}`
    : answer === null
    ? `No answer yet. Put one in place of null, of the form ${form}.`
    : `Not yet: ${fault}`;
  const open = right ? [] : hints;
  await show(html(
    [
      `<div><b>Exercise ${escapeHtml(name)}.</b> ${escapeHtml(verdict)}</div>`,
      ...open.map((hint, i) =>
        `<details><summary>Hint ${i + 1} of ${open.length}</summary>${escapeHtml(hint)}</details>`
      ),
    ].join("\n"),
    `Exercise ${name}. ${verdict}` +
      (open.length > 0 ? ` (${open.length} hints, closed in a notebook)` : ""),
  ));
  return right;
}

/** Numbers by name. */
type Numbers<Name extends string> = Readonly<Record<Name, number>>;

/** What {@linkcode numbers} needs. */
export interface NumbersExercise<Name extends string>
  extends Omit<Exercise<never>, "fault" | "form"> {
  /** The right numbers; computed only when an answer is there. */
  readonly expected: () => Numbers<Name> | Promise<Numbers<Name>>;
  /** How far an answer may be off, in its own unit, or by how much of the right number. */
  readonly within: number | { readonly share: number };
  /** What an answer looks like. @default the names, each with 0 */
  readonly form?: string;
}

/**
 * An exercise whose answer is numbers by name. A number that is off is named as too small or too large.
 *
 * @throws {RangeError} when checked against numbers that are none: an exercise that nobody can solve
 */
export function numbers<Name extends string>(
  { expected, within, form = "{ name: number, ... }", ...rest }: NumbersExercise<Name>,
): Exercise<Numbers<Name>> {
  return {
    ...rest,
    form,
    async fault(answer) {
      const right = await expected();
      const found = (Object.keys(right) as Name[]).flatMap((name) => {
        const [is, should] = [answer[name], right[name]];
        if (!Number.isFinite(should)) {
          throw new RangeError(`exercise ${rest.name}: ${name} should be ${should}`);
        }
        const room = typeof within === "number" ? within : within.share * Math.abs(should);
        if (typeof is !== "number" || !Number.isFinite(is)) return [`${name} is no number`];
        return Math.abs(is - should) <= room
          ? []
          : [`${name}, ${formatNumber(is)}, is too ${is < should ? "small" : "large"}`];
      });
      return found.length === 0 ? null : `${found.join("; ")}.`;
    },
  };
}

import { UserError } from "../base/error.ts";
import type { Turn } from "../text/chat.ts";

/** The words around the parts of a judge's prompt. */
export interface JudgeLayout {
  /** The user's turn; holds `{dialogue}`, `{first}`, `{second}`, `{question}`, once, in this order. */
  readonly turn: string;
  /** What stands before the content of a turn of the dialogue; null: turns of that role are left out. */
  readonly roles: Readonly<Record<Turn["role"], string | null>>;
  /** What stands between one turn of the dialogue and the next. @default nothing */
  readonly between?: string;
  /** What follows the label in the rationale variant; holds `{first}` and `{second}`. */
  readonly rationale: string;
}

/** The layout unless another is given; kept short, since small models judge in short contexts. */
export const DEFAULT_LAYOUT: JudgeLayout = {
  // White space goes with the words after it: so the parts, encoded apart, have the tokens that the
  // whole text has under the tokenizers of the GPT-2 family.
  turn: "Compare two answers to the last turn.{dialogue}" +
    "\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n{question}",
  roles: { system: "\n\nSystem: ", user: "\n\nUser: ", assistant: "\n\nAssistant: " },
  rationale: ".\nAnswer A: {first}\nAnswer B: {second}",
};

/** The words of one judge's prompt: a principle's, and where it has none of its own those of the layout. */
export interface JudgeWords {
  /** Of a principle, see `Principle`. */
  readonly principle: {
    readonly question?: string;
    readonly system?: string;
    readonly turn?: string;
  };
  readonly layout: JudgeLayout;
  /** System turn where the principle brings none. @default none */
  readonly system?: string;
}

/**
 * The turns put to a judge, with the parts in their places.
 *
 * @throws {UserError} When the user's turn does not hold every part once and in order.
 */
export function judgeTurns(
  { principle, layout, system = undefined }: JudgeWords,
  parts: { dialogue: string; first: string; second: string },
): Turn[] {
  const form = principle.turn ?? layout.turn;
  const question = principle.turn === undefined
    ? "\\{question\\}[^{]*"
    : "(?:\\{question\\}[^{]*)?";
  if (
    !new RegExp(`^[^{]*\\{dialogue\\}[^{]*\\{first\\}[^{]*\\{second\\}[^{]*${question}$`).test(form)
  ) {
    throw new UserError(
      `the judge's layout "${form}" does not hold each part once and in order`,
      "write {dialogue}, {first}, {second} and {question} in it, in this order",
    );
  }
  const filled = { ...parts, question: principle.question ?? "" };
  const content = form.replace(
    /\{(dialogue|first|second|question)\}/g,
    (_, name: keyof typeof filled) => filled[name],
  );
  const head = principle.system ?? system;
  return [
    ...(head === undefined ? [] : [{ role: "system" as const, content: head }]),
    { role: "user", content },
  ];
}

/**
 * The dialogue's turns as a judge reads them, those of the roles that the layout leaves out not among them.
 *
 * @throws {UserError} When that leaves nothing.
 */
export function dialogueTexts(turns: readonly Turn[], layout: JudgeLayout): string[] {
  if (turns.length === 0) {
    throw new UserError("a comparison has an empty prompt", "give it at least one turn");
  }
  const texts = turns.flatMap(({ role, content }) => {
    const before = layout.roles[role];
    return before === null ? [] : [before + content];
  });
  if (texts.length === 0) {
    const roles = [...new Set(turns.map(({ role }) => role))].join(", ");
    throw new UserError(
      `a comparison's prompt has turns of ${roles} alone, which the judge's layout leaves out (roles: null)`,
      "give that role a text in the file of principles (judge.principlesFile), or leave the comparison out",
    );
  }
  return texts.map((text, i) => (i === 0 ? "" : layout.between ?? "") + text);
}

/** What follows the label in the rationale variant. */
export function rationaleText(layout: JudgeLayout, [first, second]: readonly string[]): string {
  return layout.rationale.replace("{first}", () => first).replace("{second}", () => second);
}

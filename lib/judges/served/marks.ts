/** The name of one of the two answers. */
export type Letter = "A" | "B";

/** Marks that a judge is told to write, of any common kind; the group is the letter, or a preference such as B>A. */
const MARKS: readonly RegExp[] = [
  /\[\[\s*[*_"'`]*(?:(?:answer|response|assistant|model|option)[\s_-]*)?(tie|[ABC](?:\s*[<>=]+\s*[AB])?)[*_"'`]*\s*\]\]/gi,
  /\\boxed\s*\{\s*(?:\\(?:text|mathrm|mathbf|textbf)\s*\{\s*)?(?:(?:answer|response|assistant|model|option)[\s_-]*)?(tie|[ABC](?:\s*[<>=]+\s*[AB])?)\s*\}/gi,
  /\bBOXED\[\s*(tie|[ABC])\s*\]/gi,
  /<(?:answer|verdict|choice|winner|decision|result|final_answer)>\s*[*_"'`[(]*(?:(?:answer|response|assistant|model|option)[\s_-]*)?(tie|[ABC](?:\s*[<>=]+\s*[AB])?)[\])*_"'`.]*\s*<\//gi,
  /["'](?:final_?)?(?:winner|verdict|better(?:_\w+)?|best(?:_\w+)?|choice|decision|answer|preference|preferred(?:_\w+)?|chosen|result|judge?ment)["']\s*:\s*["'](?:(?:answer|response|assistant|model|option)[\s_-]*)?(tie|[ABC])["']/gi,
];

/** Before a mark, says that it is the one not given. */
const REFUSED = /\b(?:not|than|over|instead\s+of|rather\s+than|against|nor)\s*["'“(]*$/i;
/** Between two marks, says that they are the possible ones. */
const EITHER = /^\s*["'”)]*\s*(?:or|and|\/|,|;|\||vs\.?|versus)\s*["'“(]*$/i;

/**
 * What a reply names by the last mark of a kind that judges are told to write, `[[A]]`, `[[B>A]]`, `\boxed{B}`,
 * `<answer>A</answer>`, `{"winner": "B"}`; "tie" for `[[C]]` and its like. Null where there is none, and where the
 * last two stand side by side as a choice.
 */
export function lastMark(reply: string): Letter | "tie" | null {
  const marks = MARKS.flatMap((pattern) => [...reply.matchAll(pattern)])
    .filter(({ index }) => !REFUSED.test(reply.slice(0, index)))
    .sort((one, other) => one.index - other.index);
  const [before, last] = marks.length > 1 ? marks.slice(-2) : [undefined, marks[0]];
  if (last === undefined) return null;
  const named = namedBy(last[1]);
  if (before !== undefined && namedBy(before[1]) !== named) {
    const between = reply.slice(before.index + before[0].length, last.index);
    if (EITHER.test(between)) return null;
  }
  return named;
}

/** `B`, `B>A`, `A<B` and `A=B` as who they name. */
function namedBy(mark: string): Letter | "tie" {
  const [, first, sign = "", second] = /^([ABC]|tie)\s*([<>=]*)\s*([AB]?)$/.exec(normal(mark))!;
  if (first === "tie" || first === "C" || sign.startsWith("=")) return "tie";
  return (sign.startsWith("<") ? second : first) as Letter;
}

const normal = (mark: string) => /^tie$/i.test(mark) ? "tie" : mark.toUpperCase();

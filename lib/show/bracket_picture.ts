/** A knockout drawn as a tree: who met whom, who went on, and how sure the judge was. Pure text. */
import type { Bracket } from "../method/mod.ts";
import { INK } from "./style.ts";
import { drawing, LETTER, polyline, words } from "./svg_parts.ts";

/** Heights and widths in pixels. */
const ROW = 46;
const ROUND = 92;
const TOP = 34;
const LEFT = 12;

/** A place in the tree: where its line ends, and how far to the right. */
interface Place {
  readonly candidate: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Draws a bracket from left (all candidates) to right (the winner). The winner's way is thick; at each match
 * stands J, the judge's probability for the one that advances, or "same" where the texts are equal.
 *
 * @param bracket From `tournament` of the method room.
 * @param options.values A number per candidate, shown beside its text, such as its true reward.
 * @param options.heading What the numbers are.
 * @param options.letters Longest text of a candidate that is shown whole. @default 58
 * @returns an SVG
 */
export function bracketPicture(
  bracket: Bracket,
  { values, heading, letters = 58 }: {
    values: readonly number[];
    heading: string;
    letters?: number;
  },
): string {
  const rounds = Math.max(0, ...bracket.matches.map(({ round }) => round));
  const order = leaves(bracket, bracket.winner, rounds);
  const longest = Math.max(
    ...bracket.candidates.map((text) => Math.min(text.length, letters)),
    heading.length - 6,
  );
  const start = LEFT + Math.ceil((longest + 12) * LETTER);
  const width = start + rounds * ROUND + 60;
  const height = TOP + ROW * order.length + 8;
  const parts: string[] = [words(heading, { x: LEFT, y: 20, bold: true })];
  for (let round = 1; round <= rounds; round++) {
    const title = round === rounds ? "final" : `round ${round}`;
    parts.push(words(title, { x: start + (round - 0.5) * ROUND, y: 20, anchor: "middle" }));
  }
  const won = (candidate: number) => candidate === bracket.winner;
  const draw = (candidate: number, before: number): Place => {
    const match = lastWin(bracket, candidate, before);
    if (!match) {
      const y = TOP + ROW * (order.indexOf(candidate) + 0.5);
      const text = shortened(bracket.candidates[candidate], letters);
      const label = `${candidate + 1}  ${values[candidate].toFixed(2).padStart(5)}  ${text}`;
      parts.push(words(label, { x: LEFT, y: y + 5, bold: won(candidate) }));
      return { candidate, x: start, y };
    }
    const x = start + match.round * ROUND;
    const ends = [match.first, match.second].map((one) => draw(one, match.round - 1));
    const y = (ends[0].y + ends[1].y) / 2;
    for (const end of ends) {
      const on = end.candidate === match.winner;
      parts.push(
        polyline([[end.x, end.y], [x - 26, end.y], [x - 26, y], ...(on ? [[x, y] as const] : [])], {
          color: on && won(candidate) ? INK.blue : on ? INK.text : INK.grey,
          width: on && won(candidate) ? 3 : on ? 1.6 : 1,
        }),
      );
    }
    const { judgment } = match;
    const p = judgment && (match.winner === match.first ? judgment.pFirst : 1 - judgment.pFirst);
    const label = p === undefined ? "same" : p.toFixed(2);
    parts.push(words(label, { x: x - 32, y: y + 5, anchor: "end" }));
    parts.push(words(`${candidate + 1}`, { x: x - 12, y: y - 6, anchor: "middle", bold: true }));
    return { candidate, x, y };
  };
  const end = draw(bracket.winner, rounds);
  parts.push(
    words(`${bracket.winner + 1} wins`, {
      x: end.x + 4,
      y: end.y + 5,
      bold: true,
      color: INK.blue,
    }),
  );
  return drawing(parts, { width, height });
}

/** The last match that a candidate won in round `before` or earlier. */
const lastWin = ({ matches }: Bracket, candidate: number, before: number) =>
  matches.findLast(({ winner, round }) => winner === candidate && round <= before);

/** Candidates from top to bottom, so that no two lines cross. */
function leaves(bracket: Bracket, candidate: number, before: number): number[] {
  const match = lastWin(bracket, candidate, before);
  if (!match) return [candidate];
  return [match.first, match.second].flatMap((one) => leaves(bracket, one, match.round - 1));
}

const shortened = (text: string, letters: number): string =>
  text.length <= letters ? text : text.slice(0, letters - 1).trimEnd() + "\u2026";

/** One verdict drawn: the same question in both positions, and how its four probabilities become one. Pure text. */
import type { Comparison, Judgment } from "../method/mod.ts";
import { faint, INK } from "./style.ts";
import { box, drawing, LETTER, polyline, words } from "./svg_parts.ts";

const LEFT = 12;
const ROW = 62;
const BAR = 150;

/**
 * Draws a judgment: a row a position, with what stands in A and in B and a bar for the share of the verdict's
 * probability on each; the first answer is blue in both rows and the second orange, so that it is seen to move.
 *
 * @param options.letters Longest text of an answer that is shown whole. @default 74
 * @returns an SVG
 */
export function verdictPicture(
  { first, second }: Pick<Comparison, "first" | "second">,
  { forward, backward, pFirst }: Pick<Judgment, "forward" | "backward" | "pFirst">,
  { letters = 74 }: { letters?: number } = {},
): string {
  const short = (text: string) =>
    text.length <= letters ? text : `${text.slice(0, letters - 1)}\u2026`;
  const longest = Math.max(...[first, second].map((text) => short(text).length), 24);
  const bars = LEFT + Math.ceil((longest + 6) * LETTER);
  const width = bars + BAR + 190;
  const answers = {
    first: { text: first, color: INK.blue },
    second: { text: second, color: INK.orange },
  };
  const rows = [
    { title: "asked once", inA: "first", inB: "second", p: forward },
    { title: "asked again, positions swapped", inA: "second", inB: "first", p: backward },
  ] as const;
  const parts = rows.flatMap(({ title, inA, inB, p }, i) => {
    const y = 24 + i * (ROW + 22);
    const line = (label: "A" | "B", which: "first" | "second", at: number, of: number) => {
      const { text, color } = answers[which];
      return [
        words(`${label}: ${short(text)}`, { x: LEFT, y: at, color }),
        box({ x: bars, y: at - 12, width: Math.max(1, BAR * of), height: 15 }, {
          fill: color,
          stroke: color,
        }),
        words(`P(${label}) = ${of.toFixed(3)}`, { x: bars + BAR + 10, y: at, color }),
      ];
    };
    return [
      words(title, { x: LEFT, y, bold: true }),
      ...line("A", inA, y + 24, p.a),
      ...line("B", inB, y + 46, p.b),
    ];
  });
  const y = 24 + 2 * (ROW + 22);
  const split = BAR * pFirst;
  parts.push(
    words("mean of both: J, the probability that the first is better", {
      x: LEFT,
      y: y + 4,
      bold: true,
    }),
    box({ x: bars, y: y - 9, width: split, height: 17 }, { fill: INK.blue, stroke: INK.blue }),
    box({ x: bars + split, y: y - 9, width: BAR - split, height: 17 }, {
      fill: faint(INK.orange, 0.6),
      stroke: INK.orange,
    }),
    polyline([[bars + BAR / 2, y - 14], [bars + BAR / 2, y + 13]], { color: INK.text, width: 2 }),
    words(`J = ${pFirst.toFixed(3)}`, { x: bars + BAR + 10, y: y + 4, bold: true }),
  );
  return drawing(parts, { width, height: y + 24 });
}

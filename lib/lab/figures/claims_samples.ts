/** Samples before and after, as a table in the gallery. */
import { z } from "zod";
import { type Figure, HOUSE_LAYOUT, INK, inkFor, TEXT } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";
import { wrapped } from "./words.ts";

/** A row of `samples.csv`: one prompt and its answers by the policy before and after training. */
export const samplePair = z.object({
  base: cell.words.optional(),
  prompt: cell.words,
  before: cell.words,
  after: cell.words,
  reward_before: cell.number,
  reward_after: cell.number,
});
export type SamplePair = z.output<typeof samplePair>;

const WIDTH = 1040;
/** Left edge and width of each column's words, in pixels; rewards are set flush right. */
const COLUMNS = [
  { title: "prompt", x: 10, width: 360, right: false },
  { title: "before", x: 390, width: 245, right: false },
  { title: "reward", x: 645, width: 55, right: true },
  { title: "after", x: 720, width: 245, right: false },
  { title: "reward", x: 972, width: 58, right: true },
];
const LINE = 1.3 * TEXT.tick;
const HEADER = 38;
const PADDING = 16;

/**
 * Prompt, both answers and their true rewards; a reward that rose is green, one that fell is orange. The words
 * are annotations set in pixels, so that the height is known before anything is drawn.
 */
export function sampleTable(rows: readonly SamplePair[]): Figure {
  const lines = rows.map((row) => {
    const words = [
      row.prompt,
      row.before,
      signed(row.reward_before),
      row.after,
      signed(row.reward_after),
    ];
    return words.map((text, column) => wrapped(text, COLUMNS[column].width));
  });
  const heights = lines.map((cells) => Math.max(...cells.map((c) => c.length)) * LINE + PADDING);
  const tops = heights.map((_, i) => HEADER + heights.slice(0, i).reduce((a, b) => a + b, 0));
  const height = Math.ceil(HEADER + heights.reduce((a, b) => a + b, 0) + 8);
  const words = (text: string, { column, top, color = INK.text as string }: {
    column: number;
    top: number;
    color?: string;
  }) => {
    const { x, width, right } = COLUMNS[column];
    return {
      text,
      x: (right ? x + width : x) / WIDTH,
      y: 1 - top / height,
      xref: "paper",
      yref: "paper",
      xanchor: right ? "right" : "left",
      yanchor: "top",
      align: right ? "right" : "left",
      showarrow: false,
      borderpad: 0,
      font: { size: TEXT.tick, color },
    };
  };
  const rule = (top: number, color: string) => ({
    type: "line",
    xref: "paper",
    yref: "paper",
    x0: 0,
    x1: 1,
    y0: 1 - top / height,
    y1: 1 - top / height,
    line: { color, width: 1 },
  });
  return {
    data: [],
    layout: {
      ...HOUSE_LAYOUT,
      width: WIDTH,
      height,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      xaxis: { visible: false },
      yaxis: { visible: false },
      annotations: [
        ...COLUMNS.map(({ title }, column) => words(`<b>${title}</b>`, { column, top: 10 })),
        ...rows.flatMap(({ reward_before, reward_after }, row) =>
          lines[row].map((cell, column) =>
            words(cell.join("<br>"), {
              column,
              top: tops[row] + PADDING / 2,
              color: column < 4 ? INK.text : change(reward_after - reward_before),
            })
          )
        ),
      ],
      shapes: [rule(HEADER, INK.text), ...tops.slice(1).map((top) => rule(top, INK.pale))],
    },
  };
}

function change(gain: number): string {
  if (gain === 0) return INK.text;
  return inkFor(gain > 0 ? INK.green : INK.orange);
}

/** With a true minus sign, as wide as the digits that it stands over. */
const signed = (reward: number): string => reward.toFixed(2).replace("-", "\u2212");

/** The figure of labels that a judge gave: what a least confidence keeps, and how much of that is wrong. */
import { z } from "zod";
import { cell } from "../base/csv.ts";
import { namedLines } from "./marks.ts";
import { panels } from "./panels.ts";
import { type Figure, INK, type Look } from "./style.ts";

/** A row of `noiseByConfidence`. */
export const noiseFigureRow = z.object({
  least: cell.number,
  n: cell.number,
  share: cell.number,
  expected: cell.number,
  measured: cell.blank,
  low: cell.blank,
  high: cell.blank,
});
/** {@linkcode noiseFigureRow} as it is read. */
export type NoiseFigureRow = z.output<typeof noiseFigureRow>;

const EXPECTED: Look = { label: "expected: 1 - J", color: INK.grey, dash: "dash" };
const MEASURED: Look = { label: "against gold", color: INK.orange, dash: "solid" };
const KEPT: Look = { label: "kept", color: INK.blue, dash: "solid" };

/** Label noise, expected and against gold, and the share kept, by the least confidence. */
export function noiseFigure(rows: readonly NoiseFigureRow[]): Figure {
  const last = Math.max(0.7, ...rows.map(({ least }) => least));
  const x = { range: [0.48, last + 0.02], title: "least J of a label that is kept" };
  const measured = rows.flatMap(({ least, measured, low, high }) =>
    measured === null ? [] : [{ x: least, y: measured, low, high }]
  );
  const most = Math.max(
    0.5,
    ...rows.map(({ expected, measured, high }) => Math.max(expected, high ?? measured ?? 0)),
  );
  return panels([{
    title: "Share of labels that are wrong, 95 % intervals",
    ...namedLines([
      { look: EXPECTED, points: rows.map(({ least, expected }) => ({ x: least, y: expected })) },
      { look: MEASURED, points: measured },
    ]),
    x,
    y: { range: [0, 1.05 * most] },
    references: [{ axis: "y", at: 0.5, text: "coin" }],
  }, {
    title: "Share of labels that are kept",
    ...namedLines([
      { look: KEPT, points: rows.map(({ least, share }) => ({ x: least, y: share })) },
    ]),
    x,
    y: { range: [0, 1.05] },
  }], { width: 760, height: 240 });
}

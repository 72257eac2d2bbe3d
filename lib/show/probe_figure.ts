import { z } from "zod";
import { cell } from "../base/csv.ts";
import { measureDots } from "./measure_dots.ts";
import type { Figure } from "./style.ts";

/** A row of a judge's probes; null where a measure is not defined. */
export const probeFigureRow = z.object({
  judge: cell.text,
  probe: cell.text,
  measure: cell.text,
  value: cell.blank,
  low: cell.blank,
  high: cell.blank,
});
/** {@linkcode probeFigureRow} as it is read. */
export type ProbeFigureRow = z.output<typeof probeFigureRow>;

/** How much oftener verdicts flip towards a change than away from it, a dot a judge for each probe; dashed: unmoved. */
export function probeFigure(rows: readonly ProbeFigureRow[]): Figure {
  const dots = rows.flatMap(({ judge: name, probe, measure, value, low, high }) =>
    measure !== "net" || value === null ? [] : [{ measure: probe, name, value, low, high }]
  );
  return measureDots(dots, {
    title: "Flips towards the change less flips away",
    range: [-1.03, 1.03],
    reference: { at: 0, text: "unmoved" },
  });
}

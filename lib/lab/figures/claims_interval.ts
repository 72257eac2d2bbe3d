/** Courses of measures over several seeds. */
import { overSeeds } from "../../measure/statistics.ts";
import type { Point } from "../../show/marks.ts";

/** Student's t of two runs spans more than any figure. */
const SEVERAL = 3;

/**
 * The course of a measure: its mean over seeds at each x, with interval from three on. Rows without the measure are left
 * out, and so is an x that some seed lacks: a mean over other seeds than its neighbours would jump.
 */
export function course<Row>(
  rows: readonly Row[],
  x: (row: Row) => number,
  y: (row: Row) => number | null,
): Point[] {
  const measured = rows.filter((row) => y(row) !== null);
  const points = [...Map.groupBy(measured, x)].map(([at, some]) => {
    const { value, low, high, n } = overSeeds(some.map((row) => y(row)!));
    return { x: at, y: value, n, ...(n >= SEVERAL ? { low, high } : { low: null, high: null }) };
  });
  const most = Math.max(0, ...points.map(({ n }) => n));
  return points.filter(({ n }) => n === most).sort((a, b) => a.x - b.x);
}

/** SELF-JUDGE past its peak. @module */
import type { StudyRow } from "./methods.ts";
import { runOf } from "./over_runs.ts";

/** SELF-JUDGE beyond the rates and steps tried, to see what lies past its peak: no setting to choose, no row of the league. */
export const DRIVEN: StudyRow = "self-judge@driven";

/** How far SELF-JUDGE is driven: so many times the rate that was chosen, for so many steps. */
export interface Driven {
  readonly times: number;
  readonly steps: number;
}

/** Measurements of SELF-JUDGE as it is and driven past its peak; none where it was not driven. */
export function drivenOf<
  P extends { readonly method: string; readonly base: string; readonly seed: number },
>(
  points: readonly P[],
): P[] {
  const driven = points.filter(({ method }) => method === DRIVEN);
  const runs = new Set(driven.map(runOf));
  const own = points.filter((point) => point.method === "self-judge" && runs.has(runOf(point)));
  return driven.length === 0 ? [] : [...own, ...driven];
}

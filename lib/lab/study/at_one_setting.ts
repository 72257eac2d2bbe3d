/** Rows at one setting beside each other: how right their rankings are, and where they end. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { oneSetting } from "./driven.ts";
import { type JudgedStep, shareOfBases } from "./judge_over_steps.ts";
import { meanOfBases } from "./measure.ts";
import { runsOf } from "./over_runs.ts";
import type { CoursePoint } from "./page_league.ts";
import { number } from "./page_numbers.ts";

/** Steps that are told: on the way, and the last. */
const TOLD = [40, 100] as const;

/**
 * A line a row; nothing where no run has hard labels.
 *
 * @param judged Of the same bases: pairs that training ranked.
 */
export function atOneSettingTable(
  points: readonly CoursePoint[],
  judged: readonly JudgedStep[],
): string {
  const rows = [...Map.groupBy(oneSetting(points), ({ method }) => method)];
  return table(
    [
      ...["row", "runs", "ranked right, steps 1 to 20", "81 to 100"],
      ...TOLD.map((step) => `true reward, step ${step}`),
      ...["JSFT judge's win rate", "KL"],
    ],
    rows.map(([method, some]) => {
      const right = (from: number) => {
        const own = judged.filter((row) => row.method === method && row.from === from);
        return own.length === 0 ? "" : number(shareOfBases(own), 2);
      };
      const at = (step: number, value: (point: CoursePoint) => number) =>
        number(meanOfBases(some.filter((point) => point.step === step), value), 2);
      return [
        ...[method, `${runsOf(some)}`, right(1), right(81)],
        ...TOLD.map((step) => at(step, ({ reward }) => reward)),
        ...[at(TOLD[1], (point) => point.judge_win_rate), at(TOLD[1], ({ kl }) => kl)],
      ];
    }),
  );
}

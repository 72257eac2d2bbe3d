/** Claims on every base, those that were found first apart from those that came after. @module */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { intervalText } from "../../base/text_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { dots, intervals, rowAxis } from "../../show/marks.ts";
import { panels, textWidth } from "../../show/panels.ts";
import { type Figure, INK } from "../../show/style.ts";

/** A row of `by-base.csv`: a contrast on one base, the mean over its runs. */
export const onBaseRow = z.object({
  contrast: cell.text,
  base: cell.words,
  league: cell.text,
  difference: cell.number,
  of_bases: cell.number,
});
export type OnBaseRow = z.output<typeof onBaseRow>;

/**
 * A row a contrast: a dot a base, open where the base is of the league that came first; below them the mean over all
 * bases, with Student's t interval once all of them are there.
 */
export function freshBases(rows: readonly OnBaseRow[]): Figure {
  const contrasts = [...Map.groupBy(rows, ({ contrast }) => contrast)];
  const [first] = rows;
  const names = contrasts.map(([contrast]) => contrast);
  const means = contrasts.map(([label, some], row) => ({
    ...{ row: row + 0.25, label, color: INK.text },
    ...meanOf(some),
  }));
  const at = (name: string, of: (row: OnBaseRow) => boolean, open: boolean) => {
    const points = contrasts.flatMap(([, some], row) =>
      some.filter(of).map(({ difference }) => ({ row, difference }))
    );
    return dots(
      points.map(({ difference }) => difference),
      points.map(({ row }) => row - 0.12),
      { name, color: open ? INK.blue : INK.orange, size: 9, open },
    );
  };
  return panels([{
    title: "Difference of true reward on each base: open the first three, filled those after",
    traces: [
      at("first bases", ({ league }) => league === first?.league, true),
      at("fresh bases", ({ league }) => league !== first?.league, false),
      intervals(means, "mean over all bases"),
    ],
    x: { title: "difference of true reward; black: mean over bases" },
    y: { ...rowAxis(names), showgrid: false },
    labels: means.map(({ row, value, low, high }) => ({
      y: row,
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: INK.text,
    })),
    references: [{ axis: "x", at: 0 }],
  }], {
    width: 1100,
    height: 64 * names.length,
    left: Math.max(0, ...names.map(textWidth)) + 24,
  });
}

/** The mean over bases; while some has no run, without an interval. */
function meanOf(some: readonly OnBaseRow[]) {
  const all = overSeeds(some.map(({ difference }) => difference));
  return some.length < some[0].of_bases ? { ...all, low: null, high: null } : all;
}

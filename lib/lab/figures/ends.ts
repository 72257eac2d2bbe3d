/** Where rows end: a dot a run, their mean and its interval. @module */
import { intervalText } from "../../base/text_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import { dots, intervals, rowAxis } from "../../show/marks.ts";
import type { Panel } from "../../show/panels.ts";
import { faint, INK } from "../../show/style.ts";

/** A row, with the values of its runs. */
export interface EndRow {
  readonly label: string;
  readonly color: string;
  readonly values: readonly number[];
}

/**
 * A panel of rows from top to bottom.
 *
 * @param options.runs What a small dot is, in the plural.
 * @param options.begin Where all began, of each run.
 * @param options.interval Whether means have their interval, from two runs on. @default true
 */
export function endPanel(
  rows: readonly EndRow[],
  { title, x, runs, begin = [], names = true, interval = true }: {
    title: string;
    x: string;
    runs: string;
    begin?: readonly number[];
    /** Whether rows are named at the axis. @default true */
    names?: boolean;
    interval?: boolean;
  },
): Panel {
  const ends = rows.map(({ values, ...row }, i) => {
    const { value, low, high } = overSeeds(values);
    const several = interval && values.length > 1;
    return {
      ...row,
      row: i,
      values,
      value,
      low: several ? low : null,
      high: several ? high : null,
    };
  });
  return {
    title,
    traces: [
      ...ends.filter(({ values }) => values.length > 1).map(({ row, label, color, values }) =>
        dots(values, values.map(() => row - 0.22), {
          ...{ name: `${label}, ${runs}`, color: faint(color, 0.6), size: 8 },
        })
      ),
      intervals(ends, `mean over ${runs}`),
    ],
    x: { title: x },
    y: { ...rowAxis(rows.map(({ label }) => names ? label : "")), showgrid: false },
    labels: ends.map(({ row, value, low, high }) => ({
      y: row,
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: INK.text,
    })),
    references: begin.length === 0
      ? []
      : [{ axis: "x", at: overSeeds(begin).value, text: "where all begin" }],
  };
}

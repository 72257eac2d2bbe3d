/** What is drawn of several seeds: their mean and how far it could be off. */
import { summary } from "../statistics.ts";
import type { Point } from "./marks.ts";

/** A mean over seeds; one seed has no interval. */
export interface OverSeeds {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly n: number;
}

/**
 * The mean over seeds with its 95 % interval by Student's t. Of a handful of runs the percentile bootstrap
 * resamples the same few values and comes out too narrow; t widens for that.
 *
 * @throws {UserError} When there are no values, or a value is not a finite number.
 */
export function overSeeds(values: readonly number[]): OverSeeds {
  const { mean, error, n } = summary(values);
  if (n === 1) return { value: mean, n };
  const half = studentQuantile(n - 1) * error;
  return { value: mean, low: mean - half, high: mean + half, n };
}

/** 97.5 % quantiles of Student's t for 1 to 10 degrees of freedom (scipy's `t.ppf(0.975, df)`). */
const STUDENT = [
  12.7062,
  4.30265,
  3.18245,
  2.77645,
  2.57058,
  2.44691,
  2.36462,
  2.306,
  2.26216,
  2.22814,
];

/**
 * The 97.5 % quantile of Student's t: the table, then the expansion in 1 / df of Abramowitz and Stegun
 * 26.7.5, which is right to three decimals from 11 degrees on.
 */
export function studentQuantile(df: number): number {
  if (df <= STUDENT.length) return STUDENT[df - 1];
  const z = 1.959963984540054;
  return z + (z ** 3 + z) / (4 * df) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * df ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * df ** 3);
}

/** Rows in groups, in order of first appearance. */
export function grouped<Row, Key>(rows: readonly Row[], key: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/**
 * The course of a measure: its mean over seeds with interval at each x. Rows without the measure are left
 * out, and so is an x that some seed lacks: a mean over other seeds than its neighbours would jump.
 */
export function course<Row>(
  rows: readonly Row[],
  x: (row: Row) => number,
  y: (row: Row) => number | null,
): Point[] {
  const measured = rows.filter((row) => y(row) !== null);
  const points = [...grouped(measured, x)].map(([at, some]) => {
    const { value, ...rest } = overSeeds(some.map((row) => y(row)!));
    return { x: at, y: value, ...rest };
  });
  const most = Math.max(0, ...points.map(({ n }) => n));
  return points.filter(({ n }) => n === most).sort((a, b) => a.x - b.x);
}

/** Judges on the page of claims: on the data set's pairs, on policies' own, and on those that training ranked. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { type JudgedStep, matchedOverSteps, shareOfBases } from "./judge_over_steps.ts";
import { meanOfBases } from "./measure.ts";
import { runsOf } from "./over_runs.ts";
import { number, percent } from "./page_numbers.ts";

/** A row of a table that was gathered. */
export type TableRow = Readonly<Record<string, string | number>> & {
  readonly base: string;
  readonly seed: number;
};

/** Judges on the pairs that a policy's own answers make. */
export function ownPairsTable(rows: readonly TableRow[]): string {
  const groups = [...Map.groupBy(rows, ({ policy, judge }) => JSON.stringify([policy, judge]))];
  return table(
    ["answers of", "judge", "runs", "clear pairs", "right", "both positions agree (all pairs)"],
    groups.map(([key, some]) => [
      ...JSON.parse(key) as string[],
      `${runsOf(some)}`,
      `${some.reduce((sum, { n }) => sum + Number(n), 0)}`,
      number(meanOfBases(some, ({ accuracy_clear }) => Number(accuracy_clear))),
      number(meanOfBases(some, ({ consistency }) => Number(consistency))),
    ]),
  );
}

/** True reward of the answer that is chosen among N, and the JSFT judge's view of it. */
export function byNTable(rows: readonly TableRow[]): string {
  const counts = [...new Set(rows.map(({ n }) => Number(n)))].sort((a, b) => a - b);
  const groups = [
    ...Map.groupBy(rows, ({ policy, selector }) => JSON.stringify([policy, selector])),
  ];
  return table(
    ["answers of", "chosen by", "runs", ...counts.map((n) => `N = ${n}`)],
    groups.map(([key, some]) => [
      ...JSON.parse(key) as string[],
      `${runsOf(some)}`,
      ...counts.map((count) => {
        const own = some.filter(({ n }) => Number(n) === count);
        const [reward, proxy] = ["reward", "proxy"].map((name) =>
          number(meanOfBases(own, (row) => Number(row[name])), 2)
        );
        return `${reward} (${proxy})`;
      }),
    ]),
  );
}

/** Whose pairs the judges of the curve are asked about. */
const CURVE_ON: Readonly<Record<string, string>> = {
  data: "the data set",
  base: "the base's answers",
  jsft: "the JSFT model's answers",
};

/** How right each kind of judge is by the number of pairs that it learned from. */
export function curveTable(rows: readonly TableRow[]): string {
  const counts = [...new Set(rows.map(({ pairs }) => Number(pairs)))].sort((a, b) => a - b);
  const groups = [
    ...Map.groupBy(rows, ({ on, kind, tuning }) => JSON.stringify([on, kind, tuning])),
  ].toSorted(([a], [b]) => a.localeCompare(b));
  return table(
    [
      "asked about",
      "judge",
      "trained",
      "runs",
      ...counts.map((n) => n === 0 ? "none" : `${n} pairs`),
    ],
    groups.map(([key, some]) => {
      const [on, kind, tuning] = JSON.parse(key) as string[];
      const trained = { full: "every weight", lora: "adapter" }[tuning] ?? "not";
      return [
        ...[CURVE_ON[on] ?? on, kind, trained, `${runsOf(some)}`],
        ...counts.map((n) => {
          const own = some.filter(({ pairs }) => Number(pairs) === n);
          if (own.length === 0) return "";
          return number(meanOfBases(own, ({ accuracy_clear }) => Number(accuracy_clear)));
        }),
      ];
    }),
  );
}

/**
 * How often answers have each habit: before training, at the chosen step, at the last one; where fewer runs than the row has
 * were asked about a habit, how many.
 */
export function habitsTable(rows: readonly TableRow[]): string {
  const habits = [...new Set(rows.map(({ habit }) => `${habit}`))];
  const groups = [...Map.groupBy(rows, ({ method, at }) => JSON.stringify([method, at]))];
  return table(
    ["method", "at", "runs", ...habits],
    groups.map(([key, some]) => [
      ...JSON.parse(key) as string[],
      `${runsOf(some)}`,
      ...habits.map((name) => {
        const own = some.filter(({ habit }) => habit === name);
        if (own.length === 0) return "";
        const share = percent(meanOfBases(own, ({ value }) => Number(value)));
        return own.length === runsOf(some) ? share : `${share} (${own.length})`;
      }),
    ]),
  );
}

/** A line a habit, a column a base: how right the JSFT judge is where answers differ in it. */
export function byHabitTable(rows: readonly TableRow[]): string {
  const bases = [...Map.groupBy(rows, ({ base }) => base)];
  const share = (right: unknown, n: unknown) =>
    Number(n) === 0 ? "" : `${number(Number(right) / Number(n), 2)} of ${n}`;
  return table(
    ["habit", ...bases.map(([base]) => `base ${base}`)],
    [...new Set(rows.map(({ habit }) => `${habit}`))].map((habit) => [
      habit,
      ...bases.map(([, own]) => {
        const some = own.filter((row) => row.habit === habit);
        const sum = (name: string) => some.reduce((total, row) => total + Number(row[name]), 0);
        return [["right", "n"], ["right_alone", "n_alone"]]
          .map(([right, n]) => share(sum(right), sum(n))).filter(Boolean).join("; alone ");
      }),
    ]),
  );
}

/** How many answers are better after training, how many worse: means over runs. */
export function changesTable(rows: readonly TableRow[]): string {
  const counts = ["better", "worse", "alike"];
  return table(
    ["method", "runs", ...counts],
    [...Map.groupBy(rows, ({ method }) => `${method}`)].map(([method, some]) => [
      method,
      `${runsOf(some)}`,
      ...counts.map((name) => number(meanOfBases(some, (row) => Number(row[name])), 0)),
    ]),
  );
}

/** How right the frozen judge stays on the pairs that it ranks. */
export function overStepsTable(rows: readonly JudgedStep[]): string {
  const methods = [...Map.groupBy(rows, ({ method }) => method)];
  return table(
    [
      ...["method", "steps", "pairs", "ranked right", "mean of bases"],
      ...["the same mix of gaps and flaws as at first", "pairs in it"],
    ],
    methods.flatMap(([method, some]) =>
      matchedOverSteps(some).map(({ from, to, n, accuracy, matched, matchedPairs }) => [
        ...[method, `${from} to ${to}`, `${n}`, number(accuracy)],
        number(shareOfBases(some.filter((row) => row.from === from))),
        ...matched === null ? ["too few alike", ""] : [number(matched), `${matchedPairs}`],
      ])
    ),
  );
}

/** The JSFT judge and those with fresh labels: on SELF-JUDGE's pairs, the data set's, and in its knockouts. */
export function freshLabelsTable(rows: readonly TableRow[]): string {
  const measures = [...new Set(rows.map(({ measure }) => `${measure}`))];
  return table(
    ["judge", "runs", ...measures],
    [...Map.groupBy(rows, ({ judge }) => `${judge}`)].map(([judge, some]) => [
      judge,
      `${runsOf(some)}`,
      ...measures.map((name) =>
        number(
          meanOfBases(some.filter(({ measure }) => measure === name), ({ value }) => Number(value)),
        )
      ),
    ]),
  );
}

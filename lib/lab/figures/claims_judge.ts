/** The judge measured against the exact reward: kinds of judges side by side, a panel per measure. */
import { z } from "zod";
import { overSeeds } from "../../measure/statistics.ts";
import { type Dot, dots, intervals, rowAxis } from "../../show/marks.ts";
import { type Panel, panels, textWidth } from "../../show/panels.ts";
import { faint, type Figure, type Look, looks, TEXT } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";

/** A row of `judge-accuracy.csv`: one measure of one judge. */
export const judgeMeasure = z.object({
  judge: cell.text,
  base: cell.words.optional(),
  seed: cell.number,
  measure: cell.text,
  value: cell.number,
});
export type JudgeMeasure = z.output<typeof judgeMeasure>;

/** Words for the measures; another measure goes by its own name. */
const TITLES: Readonly<Record<string, string>> = {
  accuracy_labels: "agrees with the labels",
  accuracy: "right, all pairs",
  accuracy_clear: "right, clear pairs",
  consistency: "both positions agree",
  first_position: "first position preferred",
};

/**
 * Dots with intervals over seeds, a row per judge and a panel per measure; 0.5 is guessing.
 *
 * @param style How each judge looks, in the order of the rows. @default the house's looks of their names
 */
export function judgeAccuracy(
  rows: readonly JudgeMeasure[],
  style: ReadonlyMap<string, Look> = looks(rows.map((row) => row.judge)),
): Figure {
  const judges = [...style.keys()];
  const names = judges.map((judge) => style.get(judge)!.label);
  const measures = [...Map.groupBy(rows, (row) => row.measure)];
  const columns = measures.length === 4 ? 2 : Math.min(3, measures.length);
  const list = measures.map(([measure, some], i): Panel => {
    const halves = measure.startsWith("accuracy") || measure === "first_position";
    const found = judges.flatMap((judge, row) => {
      const values = some.filter((r) => r.judge === judge).map((r) => r.value);
      return values.length === 0 ? [] : [{ row, values, look: style.get(judge)! }];
    });
    const means = found.map(({ row, values, look: { label, color } }): Dot => ({
      row,
      label,
      color,
      ...overSeeds(values),
    }));
    const range = around([...means.flatMap(ends), ...halves ? [0.5] : []], {
      share: some.every(({ value }) => value >= 0 && value <= 1),
    });
    return {
      title: Object.hasOwn(TITLES, measure) ? TITLES[measure] : measure,
      traces: [
        ...found.filter(({ values }) => values.length > 1).map(({ row, values, look }) =>
          dots(values, values.map(() => row + 0.24), {
            name: `${look.label}, seeds`,
            color: faint(look.color, 0.55),
            size: 6,
          })
        ),
        intervals(means, "mean over seeds"),
      ],
      x: { range, nticks: 5 },
      y: { ...rowAxis(i % columns === 0 ? names : names.map(() => "")), showgrid: false },
      references: halves
        ? [{ axis: "x", at: 0.5, text: measure.startsWith("accuracy") ? "guessing" : "even" }]
        : [],
      notes: means.map(({ value, row }) => ({
        x: value,
        y: row,
        text: value.toFixed(2),
        yshift: 15,
        font: { size: TEXT.label - 2 },
      })),
    };
  });
  return panels(list, {
    columns,
    width: Math.max(...names.map(textWidth)) + columns * 280,
    height: Math.max(120, 46 * judges.length),
    first: Math.max(...names.map(textWidth)),
    left: TEXT.tick,
    right: 20,
  });
}

/**
 * What a base was taught, and what preferences then teach: judges of bases whose lessons taught none, two or all of the
 * views, right on clear pairs.
 *
 * @param rows Of every base; those by number teach all views.
 */
export function judgeTaught(rows: readonly JudgeMeasure[]): Figure {
  const taught = (base = "") => base.startsWith("views-") ? Number(base.slice("views-".length)) : 5;
  const shown = ["base", "base, five views by majority", "jsft", "judge-only", "reward-model"];
  const style = looks(shown);
  const named = rows
    .filter(({ judge, measure }) => measure === "accuracy_clear" && shown.includes(judge))
    .toSorted((a, b) =>
      taught(a.base) - taught(b.base) || shown.indexOf(a.judge) - shown.indexOf(b.judge)
    )
    .map((row) => {
      const look = style.get(row.judge)!;
      return { row, look, judge: `${look.label}, ${taught(row.base)} views taught` };
    });
  return judgeAccuracy(
    named.map(({ row, judge }) => ({ ...row, judge })),
    new Map(named.map(({ look, judge }) => [judge, { ...look, label: judge }])), // a colour a kind
  );
}

const ends = ({ value, low, high }: Dot): number[] => [low ?? value, high ?? value];

/** Room around values; shares stay near [0, 1]. */
function around(values: readonly number[], { share }: { share: boolean }): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max(0.08 * (high - low), share ? 0.03 : 1e-6);
  return share ? [Math.max(-0.03, low - pad), Math.min(1.03, high + pad)] : [low - pad, high + pad];
}

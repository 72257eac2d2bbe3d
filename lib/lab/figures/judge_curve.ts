/** Judges by the number of pairs that they learned from: how many labels a judge takes. */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { dots, namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { faint, type Figure, looks } from "../../show/style.ts";
import { course } from "./claims_interval.ts";

/** A row of `judge-curve.csv`: a judge on some pairs. */
export const judgeCurveRow = z.object({
  base: cell.words.optional(),
  seed: cell.number,
  kind: cell.text,
  tuning: cell.text,
  pairs: cell.number,
  on: cell.text,
  accuracy_clear: cell.number,
  consistency: cell.number,
});
export type JudgeCurveRow = z.output<typeof judgeCurveRow>;

/** Kinds that answer a question about two answers: without any pair they are the base as judge. */
const ASKED = ["jsft", "judge-only"];

/** A reward model grades each answer by itself, so that its positions agree by construction. */
const MEASURES = [
  { on: "data", title: "Right, the data set's clear pairs", value: "accuracy_clear", graded: true },
  {
    on: "jsft",
    title: "Right, the JSFT model's clear pairs",
    value: "accuracy_clear",
    graded: true,
  },
  { on: "data", title: "Both positions agree, the data set", value: "consistency", graded: false },
] as const;

/** Twice as many pairs are a step to the right; none stands a step left of the fewest. */
function placer(rows: readonly JudgeCurveRow[]) {
  const counts = [...new Set(rows.map(({ pairs }) => pairs))].sort((a, b) => a - b);
  const least = counts.find((n) => n > 0) ?? 1;
  return { counts, at: (pairs: number) => pairs === 0 ? -1 : Math.log2(pairs / least) };
}

/** A panel a measure, a line a kind of judge: means over runs, small dots are runs. */
export function judgeCurve(rows: readonly JudgeCurveRow[]): Figure {
  const { counts, at } = placer(rows);
  const trained = rows.filter(({ kind }) => kind !== "base");
  const mixed = new Set(trained.map(({ tuning }) => tuning)).size > 1;
  const nameOf = ({ kind, tuning }: JudgeCurveRow) =>
    mixed && tuning === "full" ? `${kind}, every weight` : kind;
  const style = looks(trained.map(({ kind }) => kind));
  const kinds = [...new Map(trained.map((row) => [nameOf(row), row.kind]))].map(([name, kind]) => {
    const look = style.get(kind)!;
    const whole = name !== kind;
    return {
      ...{ name, kind },
      look: whole ? { ...look, label: `${look.label}, every weight`, dash: "dash" as const } : look,
    };
  });
  return panels(
    MEASURES.map(({ on, title, value, graded }) => {
      const asked = rows.filter((row) => row.on === on);
      const lines = kinds.filter(({ kind }) => graded || ASKED.includes(kind)).map((one) => ({
        look: one.look,
        rows: asked.filter((row) =>
          row.kind === "base" ? ASKED.includes(one.kind) : nameOf(row) === one.name
        ),
      }));
      const { traces, labels } = namedLines(
        lines.map(({ look, rows }) => ({
          look,
          points: course(rows, (row) => at(row.pairs), (row) => row[value])
            .map(({ x, y }) => ({ x, y })), // runs are drawn as they are: three have no band worth the name
        })),
      );
      return {
        title,
        traces: [
          ...lines.map(({ look, rows }) =>
            dots(rows.map(({ pairs }) => at(pairs)), rows.map((row) => row[value]), {
              name: `${look.label}, runs`,
              color: faint(look.color, 0.55),
              size: 5,
            })
          ),
          ...traces,
        ],
        labels,
        x: {
          title: "pairs that the judge learned from (log scale)",
          tickvals: counts.map(at),
          ticktext: counts.map((n) => n === 0 ? "none" : n.toLocaleString("en")),
        },
        references: value === "accuracy_clear"
          ? [{ axis: "y" as const, at: 0.5, text: "guessing" }]
          : [],
      };
    }),
    { columns: 1, width: 900, height: 240 },
  );
}

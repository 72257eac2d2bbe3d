import { intervalText, textTable } from "../base/text_table.ts";
import { BENCHMARK_MEASURES, type BenchmarkRow } from "./result_rows.ts";

/** What came out as text for a terminal: every measure in all, then the main ones by category. */
export function benchmarkTable(rows: readonly BenchmarkRow[]): string {
  const name = ({ model, against }: BenchmarkRow) =>
    against === "" ? model : `${model} against ${against}`;
  const all = rows.filter(({ category }) => category === "all").map((row) => [
    name(row),
    row.measure,
    row.turn,
    intervalText(row),
    String(row.n),
    String(row.unanswered),
  ]);
  const parts = [
    textTable([
      ["model", "measure", "turn", "value, 95 % interval", "questions", "unanswered"],
      ...all,
    ]),
  ];
  for (const measure of ["winRate", "grade", "exactMatch"] as const) {
    const some = rows.filter((row) =>
      row.measure === measure && row.category !== "all" && row.turn === "all"
    );
    if (some.length === 0) continue;
    const names = [...new Set(some.map(name))];
    const categories = [...new Set(some.map(({ category }) => category))];
    const cells = categories.map((category) => {
      const own = some.filter((row) => row.category === category);
      const found = names.map((n) => own.find((row) => name(row) === n)!);
      return [
        category,
        String(Math.max(...found.map(({ n }) => n))),
        ...found.map((row) => intervalText(row)),
      ];
    });
    parts.push(textTable([[measure, "n", ...names], ...cells]));
  }
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  parts.push(measures.map((measure) => `${measure}: ${BENCHMARK_MEASURES[measure]}`).join("\n"));
  return parts.join("\n\n");
}

import { BENCHMARK_MEASURES, type BenchmarkRow } from "./results.ts";

/** What came out as text for a terminal: every measure in all, then the main ones by category. */
export function benchmarkTable(rows: readonly BenchmarkRow[]): string {
  const interval = ({ value, low, high }: BenchmarkRow) => {
    if (value === null) return "-";
    if (low === null || high === null) return value.toFixed(3);
    return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
  };
  const name = ({ model, against }: BenchmarkRow) =>
    against === "" ? model : `${model} against ${against}`;
  const all = rows.filter(({ category }) => category === "all").map((row) => [
    name(row),
    row.measure,
    row.turn,
    interval(row),
    String(row.n),
    String(row.unanswered),
  ]);
  const parts = [
    layOut([
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
      return [category, String(Math.max(...found.map(({ n }) => n))), ...found.map(interval)];
    });
    parts.push(layOut([[measure, "n", ...names], ...cells]));
  }
  const measures = [...new Set(rows.map(({ measure }) => measure))];
  parts.push(measures.map((measure) => `${measure}: ${BENCHMARK_MEASURES[measure]}`).join("\n"));
  return parts.join("\n\n");
}

function layOut(cells: readonly (readonly string[])[]): string {
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd())
    .join("\n");
}

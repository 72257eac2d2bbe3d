/**
 * A table in Markdown. A bar within a cell is escaped, so that it does not end the cell.
 *
 * @param rows Cells of each line, as many as the head has
 * @example
 * ```ts
 * import { markdownTable } from "./markdown_table.ts";
 * markdownTable(["loss", "value"], [["DPO", "0.69"]]); // "| loss | value |\n| --- | --- |\n| DPO | 0.69 |"
 * ```
 */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * Measures how often a judge report's 95 % intervals hold the truth, where it is known: in the order desk.
 *
 *     deno task coverage
 *
 * @module
 */
import { writeCsv } from "../base/files.ts";
import { textTable } from "../base/text_table.ts";
import { deskCoverage } from "../lab/coverage/desk.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFile, seedFlag } from "./flags.ts";

async function main(): Promise<void> {
  const command = taskCommand("coverage", "--csv runs/coverage.csv")
    .description("Measures how often a judge report's intervals hold the truth; half a minute.")
    .addOption(seedFlag(1))
    .addOption(
      outputFile("--csv <file>", "where the rows go").default("data/results/judge-coverage.csv"),
    );
  const { seed, csv } = parseCommand(command, Deno.args).opts<{ seed: number; csv: string }>();
  const rows = deskCoverage({ seed });
  await writeCsv(csv, rows);
  console.log(textTable([
    ["measure", "truth", "held by"],
    ...rows.map((row) => [row.measure, row.truth.toFixed(3), row.coverage.toFixed(3)]),
  ]));
}

if (import.meta.main) await runCommand(main);

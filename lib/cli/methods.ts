/**
 * Lists the methods that `deno task align` knows.
 *
 *     deno task methods
 *
 * @module
 */
import { readIfThere, writeWhole } from "../base/files.ts";
import { methodInWords, withMethodTable } from "../method/method_table.ts";
import { METHODS } from "../method/methods.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";

/** The page that holds the table. */
const PAGE = "lib/method/README.md";

async function main(): Promise<void> {
  const command = taskCommand("methods")
    .description(
      "Lists the methods: who samples, who ranks, which loss, what else is trained, the source.",
    )
    .option("--write", `make the table of ${PAGE} anew`, false);
  const { write } = parseCommand(command, Deno.args).opts<{ write: boolean }>();
  if (write) {
    await writeWhole(PAGE, withMethodTable(await readIfThere(PAGE) ?? ""));
    console.log(`wrote the table of ${PAGE}; next: deno fmt ${PAGE}`);
    return;
  }
  for (const name of Object.keys(METHODS)) {
    const { samples, ranks, loss, networks, source, known } = methodInWords(name);
    console.log(
      `${name}\n  answers from ${samples}; ranked by ${ranks}; loss ${loss}; other networks: ${networks}`,
    );
    console.log(`  ${source}${known === "read" ? "" : ` (${known})`}`);
  }
  console.log("\nnext: deno task align --set selfJudge.method=NAME");
}

if (import.meta.main) await runCommand(main);

/**
 * `deno task slides`: the lecturer's slides and hand-out as PDF, and as pages that open in a browser, with numbers from
 * the committed tables and the figures as they are now.
 *
 * @module
 */
import { basename } from "node:path";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { makeFolder, writeWhole } from "../base/files.ts";
import { deck } from "../lab/teaching/deck.ts";
import { printedPage } from "../show/chromium.ts";
import { ROOT } from "../tools/setup/places.ts";

const TEACHING = `${ROOT}/notebooks/teaching`;

if (import.meta.main) {
  await runCommand(async () => {
    const command = taskCommand("slides")
      .description(
        "Builds the lecturer's slides and hand-out from the committed tables and figures.",
      )
      .option("--out <folder>", "where they go", `${ROOT}/runs/teaching`);
    const { out } = parseCommand(command, Deno.args).opts<{ out: string }>();
    await makeFolder(out);
    for (const name of ["slides", "handout"]) {
      const { html, sheets } = await deck(`${TEACHING}/${name}.md`, {
        results: `${ROOT}/data/results`,
      });
      await writeWhole(`${out}/${name}.html`, html);
      await writeWhole(`${out}/${name}.pdf`, await printedPage(html));
      console.log(`${out}/${basename(name)}.pdf: ${sheets} ${sheets === 1 ? "sheet" : "sheets"}`);
    }
  });
}

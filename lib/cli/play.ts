/**
 * Builds `figures/play.html`, the page on which a model aligns itself: one file, which needs no server and no network.
 *
 *     deno task play
 *
 * @module
 */
import { writeWhole } from "../base/files.ts";
import { PLAY_FOLDER, playPage, takeModels } from "../lab/play/build.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFile } from "./flags.ts";

async function main(): Promise<void> {
  const command = taskCommand("play")
    .description("Builds the page on which a model aligns itself in the reader's browser.")
    .option("--weights <run>", `take the models of a league's run into ${PLAY_FOLDER} first`)
    .option("--modules", "list the files of lib that run in the page")
    .addOption(outputFile("--out <file>", "the page").default("figures/play.html"));

  const { weights, modules: listed, out } = parseCommand(command, Deno.args)
    .opts<{ weights?: string; modules?: boolean; out: string }>();
  if (weights !== undefined) await takeModels(weights.replace(/\/+$/, ""));
  const { html, modules } = await playPage();
  await writeWhole(out, html);
  if (listed) console.log(modules.join("\n"));
  console.log(`${out}: ${(html.length / 1e6).toFixed(1)} MB, with ${modules.length} files of lib`);
}

if (import.meta.main) await runCommand(main);

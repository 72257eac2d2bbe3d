/**
 * Writes the page that says which parts of a survey of judging by language models are here, and by which command.
 *
 *     deno task survey
 *
 * @module
 */
import { writeWhole } from "../base/files.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFile } from "./flags.ts";
import { surveyPage } from "./survey_table.ts";

async function main(): Promise<void> {
  const command = taskCommand("survey", "--out runs/survey.md")
    .description("Writes which parts of the survey From Generation to Judgment are here.")
    .addOption(
      outputFile("--out <file>", "where the page goes").default("data/results/judges/survey.md"),
    );
  const { out } = parseCommand(command, Deno.args).opts<{ out: string }>();
  await writeWhole(out, surveyPage());
  console.log(`wrote ${out}`);
}

if (import.meta.main) await runCommand(main);

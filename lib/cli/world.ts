/**
 * Draws the order desk's preferences anew: `data/world/train.csv`, `validation.csv`, `held_out.csv` and
 * `principles.csv`.
 *
 *     deno task world
 *
 * @module
 */
import { writeCsv } from "../base/files.ts";
import { DATA_FOLDER, makeData } from "../lab/world/data.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";

async function main(): Promise<void> {
  const command = taskCommand("world")
    .description("Draws the order desk's preference pairs anew, into data/world.");
  parseCommand(command, Deno.args);
  const data = makeData(1);
  for (const [name, rows] of Object.entries(data)) {
    await writeCsv(`${DATA_FOLDER}/${name}.csv`, rows);
    console.log(`${DATA_FOLDER}/${name}.csv: ${rows.length} pairs`);
  }
  const agree = data.held_out.filter((row) => row.reward_chosen > row.reward_rejected).length;
  const differ = data.held_out.filter((row) => row.reward_chosen !== row.reward_rejected).length;
  console.log(`held-out labels agree with the reward on ${agree} of ${differ} pairs that differ`);
  console.log("next: deno task pretrain (or use the base model in data/world/base)");
}

if (import.meta.main) await runCommand(main);

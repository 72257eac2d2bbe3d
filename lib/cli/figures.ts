/**
 * `deno task figures [RUN]` draws every figure in `figures/` from the tables in `data/`.
 *
 * With the folder of a finished `deno task align` run, its tables are taken into `data/results/real-model/`
 * first. With the folder of a `deno task start` run, its own figures are drawn, in `RUN/figures/`.
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { checkOutput } from "../base/outputs.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { exists, makeFolder } from "../base/files.ts";
import { drawFigures } from "../show/draw.ts";
import { figureList } from "../lab/figures/list.ts";

const RESULTS = "data/results/real-model";

/** Table in the results folder: where a run keeps it. */
const TABLES = {
  "judge-before.csv": "judge-before/report.csv",
  "judge-after.csv": "judge-after/report.csv",
  "jsft.csv": "jsft/metrics.csv",
  "self-judge.csv": "self-judge/metrics.csv",
  "tournament.csv": "tournament/win_rates.csv",
  "summary.csv": "summary.csv",
  "summary.md": "summary.md",
  "run.json": "run.json",
} as const;

/** Verdicts pair by pair, which runs of before they were kept have not. */
const VERDICTS = {
  "verdicts-before.csv": "judge-before/verdicts.csv",
  "verdicts-after.csv": "judge-after/verdicts.csv",
} as const;

/**
 * Copies a finished run's tables, all or none, and its verdicts; where it has none, another run's do not stay.
 *
 * @throws {UserError} naming the table a run lacks
 */
export async function collect(run: string, results: string = RESULTS): Promise<void> {
  for (const source of Object.values(TABLES)) {
    await Deno.stat(`${run}/${source}`).catch((cause) => {
      throw new UserError(
        `${run}/${source} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
        "give the folder of a finished run",
        { cause },
      );
    });
  }
  await makeFolder(results);
  for (const [name, source] of Object.entries(TABLES)) {
    await Deno.copyFile(`${run}/${source}`, `${results}/${name}`);
  }
  for (const [name, source] of Object.entries(VERDICTS)) {
    const kept = `${results}/${name}`;
    if (await exists(`${run}/${source}`)) await Deno.copyFile(`${run}/${source}`, kept);
    else if (await exists(kept)) await Deno.remove(kept);
  }
}

async function main(): Promise<void> {
  const command = taskCommand("figures", "runs/order-desk-small")
    .description("Draws every figure from its tables.")
    .argument("[run]", "folder of a finished run: its tables are taken, or its own figures drawn");
  const [folder] = parseCommand(command, Deno.args).args;
  const log = (line: string) => console.log(line);
  const run = folder?.replace(/\/+$/, "");
  if (run?.trim() === "") {
    throw new UserError(`"${folder}" is no folder of a run`, "name one, or leave it out");
  }
  if (run !== undefined && await exists(`${run}/results`)) {
    const figures = figureList(`${run}/results`).filter(({ inputs }) =>
      Object.values(inputs).every(({ path }) => path.startsWith(`${run}/results/`))
    );
    checkOutput(`${run}/figures`, { flag: "the run's figures", kind: "folder" });
    return await drawFigures({ figures, out: `${run}/figures`, log });
  }
  if (run !== undefined) await collect(run);
  await drawFigures({ figures: figureList(), out: "figures", log });
}

if (import.meta.main) await runCommand(main);

/**
 * `deno task figures [RUN]`: takes the tables of a finished run into `data/results/`, and draws the figure
 * in `figures/` from them.
 *
 * @module
 */
import Papa from "papaparse";
import { UserError } from "../error.ts";
import { renderPng } from "./render.ts";
import { type Row, runFigure } from "./run_figure.ts";

const RESULTS = "data/results/real-model";
const FIGURE = "figures/real-model.png";

/** Table in the results folder: where a run keeps it. */
const TABLES = {
  "judge-before.csv": "judge-before/report.csv",
  "judge-after.csv": "judge-after/report.csv",
  "jsft.csv": "jsft/metrics.csv",
  "self-judge.csv": "self-judge/metrics.csv",
  "reject.csv": "reject/win_rates.csv",
  "summary.csv": "summary.csv",
  "summary.md": "summary.md",
  "run.json": "run.json",
} as const;

/** Copies a finished run's tables. @throws {UserError} naming the table a run lacks */
async function collect(run: string): Promise<void> {
  await Deno.mkdir(RESULTS, { recursive: true });
  for (const [name, source] of Object.entries(TABLES)) {
    try {
      await Deno.copyFile(`${run}/${source}`, `${RESULTS}/${name}`);
    } catch (cause) {
      throw new UserError(
        `${run}/${source} cannot be copied: ${cause instanceof Error ? cause.message : cause}`,
        "give the folder of a finished run",
        { cause },
      );
    }
  }
}

async function table(name: keyof typeof TABLES): Promise<Row[]> {
  const text = await Deno.readTextFile(`${RESULTS}/${name}`).catch((cause) => {
    throw new UserError(`${RESULTS}/${name} is missing`, "deno task figures runs/YOUR-RUN", {
      cause,
    });
  });
  return Papa.parse<Row>(text, { header: true, dynamicTyping: true, skipEmptyLines: true }).data;
}

if (import.meta.main) {
  try {
    const [run] = Deno.args;
    if (run !== undefined) await collect(run);
    const figure = runFigure({
      judgeBefore: await table("judge-before.csv"),
      judgeAfter: await table("judge-after.csv"),
      jsft: await table("jsft.csv"),
      selfJudge: await table("self-judge.csv"),
      reject: await table("reject.csv"),
    });
    await renderPng(figure, FIGURE);
    console.log(`${FIGURE}, from ${RESULTS}/`);
    Deno.exit(0);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}

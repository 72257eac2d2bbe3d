/** Prints what `deno task start` ends with, for the study's own numbers as if they were a run's. */
import { nextLines, sentenceLines } from "../lib/cli/start_report.ts";
import { resultTable } from "../lib/show/result_table.ts";

const league = "data/results/claims/order-desk";
const study = (await resultTable(`${league}/claims.csv`))!;
const fresh = (await resultTable("data/results/claims/fresh-bases/claims.csv"))!;
console.log(sentenceLines({ measured: [], study, fresh, learns: true }));
const places = { run: "runs/r", league, all: false };
console.log(nextLines({ ...places, options: ["--seed", "2"] }));

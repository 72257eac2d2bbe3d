/**
 * Puts a served judge beside the same weights judged in this process: how far P(A) and P(B) differ,
 * whether the winners are the same, and how fast each is.
 *
 *     deno task served --url http://127.0.0.1:8000/v1 --csv data/results/served/agreement.csv
 *
 * @module
 */
import { writeCsv } from "../base/files.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFile, wholeNumber } from "./flags.ts";
import { locateWholeModel } from "../run/model_files.ts";
import { DEFAULT_DATA, DEFAULT_MODEL, locateData } from "../run/source.ts";
import { loadModel } from "../model/mod.ts";
import { startEngine } from "../tensor/mod.ts";
import { principlesNamed } from "../method/principle.ts";
import { agreement, judgeHere, shortComparisons } from "../judges/served/agreement.ts";
import { openServedJudge } from "../judges/served/judge.ts";
import { servedSpec } from "../judges/served/spec.ts";

interface ServedOptions {
  url: string;
  name: string;
  model: string;
  data: string;
  pairs: number;
  characters: number;
  concurrency: number;
  csv?: string;
}

function parse(args: readonly string[]): ServedOptions {
  const command = taskCommand(
    "served",
    "--url http://127.0.0.1:8000/v1 --csv data/results/served/agreement.csv",
  )
    .description("Puts a served judge beside the same weights in this process.")
    .requiredOption("--url <url>", "the server, such as http://127.0.0.1:8000/v1")
    .option("--name <name>", "the model's name on the server", "smollm2")
    .option("--model <path>", "the same weights here", DEFAULT_MODEL)
    .option("--data <set>", "preference pairs", DEFAULT_DATA)
    .option("--pairs <number>", "how many", wholeNumber("--pairs", 1), 48)
    .option("--characters <number>", "longest pair", wholeNumber("--characters", 1), 900)
    .option("--concurrency <number>", "requests at once", wholeNumber("--concurrency", 1), 2)
    .addOption(outputFile("--csv <file>", "also write the table here"));
  return parseCommand(command, args).opts<ServedOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const log = (line: string) => console.error(line);
  const { path } = await locateWholeModel(options.model, { log });
  const data = await locateData(options.data, { log });
  const { pairs: count, characters } = options;
  const comparisons = await shortComparisons(data.path, { count, characters });
  await startEngine();
  const model = await loadModel(path);
  const rows = [];
  for (const api of ["completions", "chat"] as const) {
    const own = await judgeHere(model, path, { api, principle: "overall" });
    // The whole list of tokens: a label outside the usual 5 or 20 likeliest is then not lost.
    const spec = servedSpec({
      url: options.url,
      model: options.name,
      api,
      match: "exact",
      top: 200,
      concurrency: options.concurrency,
      ...(api === "completions" && { tokenizer: path }),
    });
    const served = await openServedJudge(spec, { principles: principlesNamed(["overall"]) });
    await own.compare(comparisons.slice(0, 2)); // warms the kernels up
    const [ours, here] = await timed(() => own.compare(comparisons));
    const [theirs, there] = await timed(() => served.compare(comparisons));
    rows.push({
      api,
      ...agreement(ours, theirs),
      labelProbability: ours.reduce((sum, { labelProbability }) => sum + labelProbability, 0) /
        ours.length,
      judgmentsPerSecondHere: comparisons.length / here,
      judgmentsPerSecondServed: comparisons.length / there,
    });
  }
  model.dispose();
  console.table(rows);
  if (options.csv !== undefined) await writeCsv(options.csv, rows);
}

/** A result and the seconds it took. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

if (import.meta.main) await runCommand(main);

/**
 * Win rates of AlpacaEval's annotations, exact against its leaderboard.
 *
 *     deno task winrate results/claude-2.json.gz results/alpaca-7b.json.gz --csv rates.csv \
 *       --published leaderboard.csv --published-csv differences.csv
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { parseCommand, runCommand, taskCommand, warn } from "./command.ts";
import { onBadLineFlag, outputFile, repeated, seedFlag } from "./flags.ts";
import { writeCsv } from "../base/files.ts";
import { refuseOverwriting } from "../base/outputs.ts";
import { type ComparisonFile, readComparisons } from "../measure/annotations.ts";
import { compareModels, notComparable } from "../measure/compare.ts";
import { describeWarning } from "../preference/file_warnings.ts";
import {
  notPublished,
  publishedRows,
  publishedTable,
  readPublished,
} from "../measure/published.ts";
import { comparisonTable, csvRow, winRateTable } from "../measure/win_rate_table.ts";
import { winRate } from "../measure/win_rate.ts";

interface WinRateCommand {
  readonly files: readonly string[];
  readonly csv?: string;
  readonly against?: string;
  /** Files of published rates to set ours beside. */
  readonly published: readonly string[];
  readonly publishedCsv?: string;
  readonly annotator?: string;
  readonly onBadLine: "fail" | "skip";
  readonly seed: number;
}

function parse(args: string[]): WinRateCommand {
  const command = taskCommand(
    "winrate",
    "results/claude-2.json.gz results/alpaca-7b.json.gz --csv rates.csv --published leaderboard.csv",
  )
    .description(
      "Win rates, raw and length-controlled, of AlpacaEval's annotations.json (also .gz).",
    )
    .argument("<files...>", "one file per model")
    .addOption(outputFile("--csv <file>", "write the table, rates in percent, as CSV"))
    .option("--against <model>", "compare every other model with this one on the same instructions")
    .option("--annotator <name>", "read only this annotator's items, of files that hold several")
    .addOption(repeated(
      "--published <file>",
      "set the rates beside those of AlpacaEval's leaderboard.csv, or a file like it",
    ))
    .addOption(
      outputFile("--published-csv <file>", "write ours, theirs and the differences as CSV"),
    )
    .addOption(onBadLineFlag())
    .addOption(seedFlag(7));
  parseCommand(command, args);
  const options = command.opts<Omit<WinRateCommand, "files">>();
  const { csv, published, publishedCsv } = options;
  const outputs = { "--csv": csv, "--published-csv": publishedCsv };
  refuseOverwriting(outputs, [...command.args, ...published]);
  for (const [option, file] of Object.entries(outputs)) {
    if (file === undefined || !/(\.json|\.gz)$/i.test(file)) continue;
    throw new UserError(
      `${option} would write the table over ${file}`,
      `name the file to write after ${option}, with the ending .csv`,
    );
  }
  if (publishedCsv !== undefined && published.length === 0) {
    throw new UserError("--published-csv has nothing to compare with", "add --published FILE");
  }
  return { ...options, files: command.args };
}

async function main(): Promise<void> {
  const { files, csv, against, annotator, published, publishedCsv, onBadLine, seed } = parse(
    Deno.args,
  );
  const theirs = published.length === 0 ? null : await readPublished(published);
  const read: ComparisonFile[] = [];
  for (const file of files) {
    read.push(await readComparisons(file, { onBadItem: onBadLine, annotator }));
  }
  const models = named(read);
  const other = against === undefined ? undefined : find(models, against);

  for (const warning of models.flatMap(({ warnings }) => warnings)) warn(describeWarning(warning));
  for (const note of notComparable(models)) warn(note);
  const rates = models.map((model) =>
    winRate(model, { rng: Rng.named(seed, `winrate/${model.model}`) })
  );
  for (const [i, { n, whyNotControlled }] of rates.entries()) {
    const { file } = models[i];
    if (n === 1) warn(`${file} has a single comparison, which has no standard error`);
    if (whyNotControlled !== null) {
      warn(`${file} has no length-controlled rate: ${whyNotControlled}`);
    }
  }
  console.log(winRateTable(rates));
  if (other !== undefined) {
    const comparisons = models.filter((model) => model !== other).map((model) =>
      compareModels(model, other, { rng: Rng.named(seed, `against/${model.model}`) })
    );
    console.log("\n" + comparisonTable(comparisons));
  }
  if (theirs !== null) {
    const rows = publishedRows(rates, theirs);
    for (const model of notPublished(rates, theirs)) {
      warn(`${model} is not in ${published.join(", ")}`);
    }
    console.log("\n" + publishedTable(rows, theirs));
    if (publishedCsv !== undefined) await writeCsv(publishedCsv, rows);
  }
  if (csv !== undefined) await writeCsv(csv, rates.map(csvRow));
}

/** The models each under its own name: where files share theirs (`annotations.json`), generator_2's. */
function named(files: readonly ComparisonFile[]): ComparisonFile[] {
  const shared = (name: string) => files.filter(({ model }) => model === name).length > 1;
  const models = files.map((file) =>
    shared(file.model) && file.generator !== null ? { ...file, model: file.generator } : file
  );
  for (const [i, { file, model }] of models.entries()) {
    const before = models.slice(0, i).find((earlier) => earlier.model === model);
    if (before === undefined) continue;
    throw new UserError(
      before.file === file
        ? `${file} is given twice`
        : `${before.file} and ${file} are both of a model "${model}"${
          before.annotator === models[i].annotator
            ? ""
            : `, by the annotators "${before.annotator}" and "${models[i].annotator}"`
        }`,
      before.annotator === models[i].annotator
        ? "give one file per model, each with its own name"
        : "give the files of one annotator: rates by different annotators are not comparable",
    );
  }
  return models;
}

function find(models: readonly ComparisonFile[], name: string): ComparisonFile {
  const found = models.find(({ model }) => model === name);
  if (found === undefined || models.length === 1) {
    throw new UserError(
      found === undefined
        ? `--against ${JSON.stringify(name)}: no file is of that model`
        : `--against ${JSON.stringify(name)}: it is the only model`,
      found === undefined
        ? `choose among ${models.map(({ model }) => model).join(", ")}`
        : "give the files of two models at least",
    );
  }
  return found;
}

if (import.meta.main) await runCommand(main);

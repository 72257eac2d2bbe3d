/**
 * Benchmarks: questions answered by models, judged, counted.
 *
 *     deno task benchmark --bench vicuna --model tuned=run:runs/small-s7#policy --against base=run:runs/small-s7#base \
 *       --judge run:runs/small-s7#jsft --questions 8
 *
 * @module
 */
import { Stopped, UserError } from "../base/error.ts";
import { runOf } from "../judges/open_judge.ts";
import { Rng } from "../base/random.ts";
import {
  parseCommand,
  runCommand,
  shellWords,
  stopOnInterrupt,
  taskCommand,
  warn,
} from "./command.ts";
import { outputFolder, principleFlag, repeated, seedFlag, setFlag, wholeNumber } from "./flags.ts";
import { writeJsonFile } from "../base/files.ts";
import { progressCallback } from "../base/progress.ts";
import { readComparisons, winRate, winRateTable } from "../measure/mod.ts";
import { BENCHMARKS } from "../benchmark/catalogue.ts";
import { BENCHMARK_JUDGES, checkReferee } from "../benchmark/judges.ts";
import { MODEL_SPECS } from "../run/open_model.ts";
import { engineFlag, openerAt } from "./engine_flag.ts";
import type { BenchmarkHooks, BenchmarkPlan } from "../benchmark/material.ts";
import { type BenchmarkOptions, planOf } from "../benchmark/plan.ts";
import { benchmarkTable } from "../benchmark/results_table.ts";
import { type BenchmarkOutcome, runBenchmark } from "../benchmark/run.ts";

function parse(args: string[]): BenchmarkOptions {
  const command = taskCommand(
    "benchmark",
    "--bench mt-bench --model PATH --model OTHER_PATH --judge model:JUDGE_PATH",
  )
    .description("Has models answer a benchmark's questions, has a judge compare and grade them.")
    .option("--bench <name>", Object.keys(BENCHMARKS).join(" | "))
    .addOption(repeated("--model <spec>", `[NAME=]${MODEL_SPECS.join(" | ")} | answers:FILE`))
    .option("--adapter <folder>", "PEFT adapter of the model, where there is one model")
    .option(
      "--against <spec>",
      "compare every model with this one; default for alpaca-eval: its baseline",
    )
    .option("--judge <spec>", BENCHMARK_JUDGES.join(" | "))
    .option("--mode <names>", "pair, single (grades from 1 to 10), or both: pair,single")
    .option(
      "--questions <number>",
      "only so many, spread over the categories",
      wholeNumber("--questions", 1),
    )
    .option(
      "--max-new-tokens <number>",
      "longest answer; default the benchmark's own",
      wholeNumber("--max-new-tokens", 1),
    )
    .option("--rows <number>", "questions answered together", wholeNumber("--rows", 1), 8)
    .addOption(principleFlag(
      "what a model judges pairs by, comma-separated; default overall, for run: the run's own, " +
        "but overall in place of harmlessness",
    ))
    .addOption(setFlag(
      "one setting of a judge; default judge.maxTokens=2048, for run: the run's own",
    ))
    .addOption(seedFlag(7))
    .option(
      "--data <folder>",
      "folder with the benchmarks' files; default SELF_JUDGE_DATA, else fetched",
    )
    .addOption(
      outputFolder("--out <folder>", "where everything goes; default runs/benchmark-NAME"),
    )
    .addOption(engineFlag("models answer and judge at the servers"))
    .option("--no-figures", "draw no radar")
    .addHelpText(
      "after",
      "\nTemperatures are the benchmark's own. gsm8k needs no judge: answers are compared with the known ones.\n" +
        "Grades by a model on this machine are expected grades over its probabilities, not what it would\n" +
        "write; mt-bench:URL asks with MT-Bench's prompts.",
    );
  return parseCommand(command, args).opts<BenchmarkOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const plan = planOf(options);
  if (plan.judge !== null) {
    await checkReferee(plan.judge, { log: (line) => console.log(`  ${line}`) });
  }
  const { benchmark, config: _, ...rest } = plan;
  const record = {
    command: Deno.args,
    benchmark: benchmark.name,
    ...rest,
    // A run's judge has the settings of its run, which are in the run's run.json.
    ...(runOf(plan.judge ?? "") === null ? { judgeSettings: plan.config.judge } : {}),
  };
  await writeJsonFile(`${plan.out}/run.json`, record);
  console.log(`${benchmark.title} in ${plan.out}, seed ${plan.seed}`);

  const outcome = await runBenchmark(plan, {
    ...hooks(),
    openAsked: await openerAt(options.engine),
  });
  if (outcome.rows.length > 0) console.log("\n" + benchmarkTable(outcome.rows));
  for (const file of outcome.annotations) {
    const comparisons = await readComparisons(file).catch((error) => {
      if (!(error instanceof UserError)) throw error;
      warn(error.message);
      return null;
    });
    if (comparisons === null) continue;
    const rng = Rng.named(plan.seed, `winrate/${file}`);
    const rate = winRate({ ...comparisons, model: comparisons.generator! }, { rng });
    console.log(`\nwin rate as AlpacaEval counts it:\n${winRateTable([rate])}`);
  }
  const figures = options.figures ? await drawRadars(plan, outcome) : [];
  console.log(`\n${outcome.files.length + figures.length} files:`);
  for (const file of [...outcome.files, ...figures]) console.log(`  ${file}`);
  console.log(next(plan, outcome));
}

function hooks(): BenchmarkHooks {
  const stopping = stopOnInterrupt();
  return {
    log: (line) => console.log(`  ${line}`),
    warn,
    checkStop: () => {
      if (stopping()) throw new Stopped();
    },
    progress: progressCallback,
  };
}

async function drawRadars(plan: BenchmarkPlan, { rows }: BenchmarkOutcome): Promise<string[]> {
  const { benchmarkFigure } = await import("../benchmark/figure.ts");
  const { renderPng } = await import("../show/render.ts");
  const drawn: string[] = [];
  for (const measure of ["winRate", "grade"] as const) {
    if (!rows.some((row) => row.measure === measure)) continue;
    const path = `${plan.out}/radar-${measure === "grade" ? "grade" : "win-rate"}.png`;
    try {
      await renderPng(benchmarkFigure(rows, measure), path);
      drawn.push(path);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(`no ${path}: ${error.message}`);
    }
  }
  return drawn;
}

export function next(
  { judge, against, out, benchmark, questions }: Pick<
    BenchmarkPlan,
    "judge" | "against" | "out" | "benchmark" | "questions"
  >,
  { annotations }: Pick<BenchmarkOutcome, "annotations">,
): string {
  if (judge === null && benchmark.exactMatch === undefined) {
    return `next: the same command with --judge ${
      against === null ? "model:PATH" : "longer"
    }, or another of ` +
      BENCHMARK_JUDGES.join(", ");
  }
  const pages = judge === null || against === null
    ? `${out}/results.csv`
    : `${out}/comparison-*.html in a browser`;
  return [
    `next: open ${pages}`,
    ...(judge === null ? [] : benchmark.tools === "fastchat"
      ? [
        `  or: cd ${
          shellWords([out])
        } && python -m fastchat.llm_judge.show_result --bench-name ${benchmark.folder} ` +
        "--input-file FILE_ABOVE",
      ]
      // Those of this judge: rates by different annotators are not comparable.
      : annotations.slice(0, 1).map((file) =>
        `  or: deno task winrate ${shellWords([`${out}/results/`])}*/${
          shellWords([file.split("/").at(-2)!])
        }/annotations.json`
      )),
    ...(questions === null
      ? []
      : ["  or: the same command without --questions; what is done is kept"]),
  ].join("\n");
}

if (import.meta.main) await runCommand(main);

/**
 * Measures judges on pairs whose better answer is known.
 *
 *     deno task judge --judge model:HuggingFaceTB/SmolLM2-135M-Instruct --pairs pairs.jsonl --limit 100
 *
 * @module
 */
import { Command } from "commander";
import { UserError } from "../base/error.ts";
import { describeWarning } from "../preference/file_warnings.ts";
import { parseCommand, runCommand } from "./command.ts";
import { resolveConfig, SCALE_NAMES } from "../run/config.ts";
import { makeFolder, writeCsv, writeWhole } from "../base/files.ts";
import { progressCallback } from "../base/progress.ts";
import { locateData } from "../run/source.ts";
import { loadEvidence } from "../measure/evidence.ts";
import { type MeasuredJudge, measureJudge } from "../measure/measure_judge.ts";
import { type NamedJudge, namedJudges, nameOf, withBaselineJudge } from "../judges/named_judges.ts";
import {
  annotationFiles,
  JUDGE_SPECS,
  judgeSettings,
  openJudge,
  trainedOn,
} from "../judges/open_judge.ts";
import type { JudgeSetting } from "../judges/opened_judge.ts";
import { glossary, judgeCsvRows, reportText } from "../measure/report_text.ts";
import { describeUnanswered } from "../measure/unanswered.ts";

interface JudgeOptions {
  judge: string[];
  pairs: string[];
  null?: string;
  limit?: string;
  heldOut?: string;
  triples: string;
  own?: string;
  positions: string;
  principle?: string;
  scale: string;
  set: string[];
  onBadLine: string;
  seed: string;
  samples: string;
  csv?: string;
  json?: string;
  figures?: string;
  cache: string;
}

const repeated = (value: string, all: string[]) => [...all, value];

function parse(args: string[]): JudgeOptions {
  const command = new Command("deno task judge")
    .description("Measures judges on pairs: accuracy, positions, length, calibration, cycles.")
    .option(
      "--judge <spec>",
      `[NAME=]${JUDGE_SPECS.join(" | ")}; may be repeated`,
      repeated,
      [],
    )
    .option(
      "--pairs <file>",
      "pairs, AlpacaEval annotations or a folder of them, or a named set; may be repeated",
      repeated,
      [],
    )
    .option("--null <spec>", 'judge to print beside it, or "none"; "longer" unless said')
    .option("--limit <number>", "judge only so many pairs, drawn at random")
    .option("--held-out <number>", "only held-out prompts: a share below 1, or a number of pairs")
    .option("--triples <number>", "prompts of three answers looked at for cycles", "50")
    .option("--own <generator>", "generator in the annotations whose answers are the judge's own")
    .option(
      "--positions <how>",
      "order in which recorded verdicts were given: alpaca-eval (its seed 0) | unknown",
      "alpaca-eval",
    )
    .option("--principle <names>", "what a model judges by, comma-separated")
    .option("--scale <name>", `settings to start from: ${SCALE_NAMES.join(", ")}`, "small")
    .option(
      "--set <setting>",
      "one setting, such as judge.maxTokens=512; may be repeated",
      repeated,
      [],
    )
    .option("--on-bad-line <how>", "fail | skip", "fail")
    .option("--seed <number>", "everything random follows from it", "7")
    .option("--samples <number>", "bootstrap resamples", "2000")
    .option("--csv <file>", "write the measures as CSV")
    .option("--json <file>", "write everything as JSON")
    .option("--figures <folder>", "draw reliability and biases there, with their CSV files")
    .option("--cache <file>", "where a model's judgments are kept", ".engine/judgments.jsonl")
    .addHelpText("after", `\nMeasures:\n${glossary().replace(/^/gm, "  ")}`);
  return parseCommand(command, args).opts<JudgeOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  if (options.judge.length === 0) {
    throw new UserError("no judge is named", `give --judge ${JUDGE_SPECS.join(" | ")}`);
  }
  if (options.pairs.length === 0) throw new UserError("no pairs are named", "give --pairs FILE");
  const seed = whole("seed", options.seed, 0);
  const triples = whole("triples", options.triples, 0);
  const samples = whole("samples", options.samples, 1);
  const positions = oneOf("positions", options.positions, ["alpaca-eval", "unknown"] as const);
  const onBadLine = oneOf("on-bad-line", options.onBadLine, ["fail", "skip"] as const);
  const limit = options.limit === undefined ? undefined : whole("limit", options.limit, 1);
  const heldOut = options.heldOut === undefined ? undefined : Number(options.heldOut);
  const settings = judgeSettings(options);
  const config = resolveConfig(options.scale, { settings: [...settings, `seed=${seed}`] });
  const log = (line: string) => console.log(`  ${line}`);

  const pairs: string[] = [];
  for (const spec of options.pairs) pairs.push(...await pairFiles(spec, log));
  const named = namedJudges(options.judge);
  const all = withBaselineJudge(named, options.null);
  const trained = await trainedOn(named.map(({ spec }) => spec));
  const { evidence, leftOut, findings } = await loadEvidence(pairs, {
    seed,
    limit,
    heldOut,
    trainedOn: trained,
    own: options.own,
    onBadLine,
  });
  console.log(`${evidence.length} comparisons of ${pairs.length} files, seed ${seed}`);
  for (const [reason, n] of Object.entries(leftOut)) log(`left out ${n}: ${reason}`);
  for (const finding of findings) warn(describeWarning(finding));
  const known = evidence.filter(({ cluster }) => trained.has(cluster)).length;
  if (known > 0) {
    warn(
      `${known} of ${evidence.length} comparisons are on prompts that a run named as judge was trained on; ` +
        "--held-out leaves them out",
    );
  }

  const cacheFile = options.cache;
  const setting = { seed, pairs, positions, onBadLine, config, settings, cacheFile, log };
  const judges: MeasuredJudge[] = [];
  const notes: Record<string, string[]> = {};
  for (const one of all) {
    const others = all.filter((other) => other !== one).map(nameOf);
    const taken = [...judges.map(({ name }) => name), ...others];
    const found = await measured(one, { ...setting, evidence, triples, samples, taken });
    judges.push(found.judge);
    notes[found.judge.name] = found.notes;
  }
  console.log(`\n${reportText(judges)}`);
  for (const [name, lines] of Object.entries(notes)) {
    for (const line of lines) console.log(`${name}: ${line}`);
  }

  if (options.csv !== undefined) await writeCsv(options.csv, judgeCsvRows(judges));
  if (options.json !== undefined) {
    const record = { command: Deno.args, seed, samples, pairs, leftOut, notes, judges };
    await writeWhole(options.json, JSON.stringify(record, null, 2) + "\n");
  }
  if (options.figures !== undefined) await drawFigures(judges, options.figures);
}

/**
 * Opens a judge, measures it and lets it go, so that one model at a time is in memory. A judge without a name is
 * called by its whole spec where its short name is taken.
 */
async function measured(
  named: NamedJudge,
  { evidence, triples, samples, taken, ...setting }:
    & Omit<JudgeSetting, "onProgress">
    & { evidence: Parameters<typeof measureJudge>[1]; triples: number; samples: number }
    & { taken: readonly string[] },
): Promise<{ judge: MeasuredJudge; notes: string[] }> {
  const onProgress = progressCallback(nameOf(named), "prompt");
  const opened = await openJudge(named.spec, { ...setting, onProgress });
  try {
    const short = opened.judge.name;
    const name = named.name ?? (taken.includes(short) ? named.spec : short);
    const judge = await measureJudge({ ...opened.judge, name }, evidence, {
      seed: setting.seed,
      triples,
      samples,
    });
    const notes = [...opened.notes?.() ?? []];
    if (judge.notCovered > 0) notes.push(`${judge.notCovered} comparisons it knows nothing of`);
    const silent = describeUnanswered(judge.unanswered);
    if (silent !== null) warn(`${judge.name} ${silent}`);
    if (judge.ownLabels > 0) {
      notes.push(`${judge.ownLabels} labels are its own verdicts and were not used`);
    }
    return { judge, notes };
  } finally {
    opened.dispose?.();
  }
}

/** Draws what the judges' rows show, and keeps the rows beside each figure. */
async function drawFigures(judges: readonly MeasuredJudge[], folder: string): Promise<void> {
  const { biasFigure, comparisonFigure, reliabilityFigure } = await import(
    "../show/judge_figure.ts"
  );
  const { renderPng } = await import("../show/render.ts");
  await makeFolder(folder);
  const rows = judgeCsvRows(judges);
  const curves = judges.flatMap(({ name, report }) =>
    report.reliability.map((row) => ({ judge: name, ...row }))
  );
  await writeCsv(`${folder}/judges.csv`, rows);
  await renderPng(biasFigure(rows), `${folder}/judge-biases.png`);
  await renderPng(comparisonFigure(rows), `${folder}/judge-comparison.png`);
  if (curves.length > 0) {
    await writeCsv(`${folder}/reliability.csv`, curves);
    await renderPng(reliabilityFigure(curves), `${folder}/judge-reliability.png`);
  }
  console.log(`figures in ${folder}`);
}

/** A file, a folder of annotations, or a named set. */
async function pairFiles(spec: string, log: (line: string) => void): Promise<string[]> {
  const info = await Deno.stat(spec).catch(() => null);
  if (info?.isDirectory) return await annotationFiles(spec);
  return [(await locateData(spec, { log })).path];
}

function warn(text: string): void {
  console.error(`warning: ${text}`);
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new UserError(`--${name} is "${text}"`, `give a whole number from ${least} up`);
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UserError(`--${name} is "${text}"`, `give ${known.join(" or ")}`);
}

if (import.meta.main) await runCommand(main);

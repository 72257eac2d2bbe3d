/**
 * Measures judges on pairs whose better answer is known.
 *
 *     deno task judge --judge model:HuggingFaceTB/SmolLM2-135M-Instruct --pairs pairs.jsonl --limit 100
 *     deno task judge --judge model:HuggingFaceTB/SmolLM2-135M-Instruct --pairs pairs.jsonl --limit 100 --probe
 *
 * @module
 */
import { Option } from "commander";
import { UserError } from "../base/error.ts";
import { describeWarning } from "../preference/file_warnings.ts";
import { parseCommand, runCommand, taskCommand, warn } from "./command.ts";
import {
  onBadLineFlag,
  oneOf,
  outputFile,
  outputFolder,
  principleFlag,
  repeated,
  scaleFlag,
  seedFlag,
  setFlag,
  wholeNumber,
} from "./flags.ts";
import { engineFlag, openerAt } from "./engine_flag.ts";
import { resolveConfig, SCALE_NAMES } from "../run/config.ts";
import { writeCsv, writeJsonFile } from "../base/files.ts";
import { refuseOverwriting } from "../base/outputs.ts";
import { progressCallback } from "../base/progress.ts";
import { defaultPrinciple } from "../method/principle.ts";
import { dataFiles, locateData } from "../run/source.ts";
import { loadEvidence } from "../measure/evidence.ts";
import { type MeasuredJudge, measureJudge } from "../measure/measure_judge.ts";
import { type NamedJudge, namedJudges, nameOf, withBaselineJudge } from "../judges/named_judges.ts";
import {
  annotationFiles,
  filesReadBy,
  JUDGE_SPECS,
  judgeSettings,
  openJudge,
  refuseUnasked,
  trainedOn,
} from "../judges/open_judge.ts";
import type { JudgeSetting } from "../judges/opened_judge.ts";
import type { Judge } from "../method/mod.ts";
import { probeCsvRows, type ProbedJudge, probeJudge, probeText } from "../measure/probe_judge.ts";
import { probeGlossary, probesNamed } from "../measure/probes.ts";
import { glossary, judgeCsvRows, reportText } from "../measure/report_text.ts";
import { describeUnanswered } from "../measure/unanswered.ts";

interface JudgeOptions {
  judge: string[];
  pairs: string[];
  baseline?: string;
  null?: string;
  limit?: number;
  heldOut?: number;
  triples: number;
  probe?: string | true;
  own?: string;
  positions: (typeof POSITIONS)[number];
  principle?: string;
  scale: string;
  set: string[];
  onBadLine: "fail" | "skip";
  seed: number;
  samples: number;
  csv?: string;
  json?: string;
  figures?: string;
  cache: string;
  engine?: string;
}

const POSITIONS = ["alpaca-eval", "unknown"] as const;

export function parse(args: string[]): JudgeOptions {
  const command = taskCommand(
    "judge",
    "--judge model:HuggingFaceTB/SmolLM2-135M-Instruct --pairs pairs.jsonl --limit 100",
    "--judge model:HuggingFaceTB/SmolLM2-135M-Instruct --pairs pairs.jsonl --limit 100 --probe",
  )
    .description("Measures judges on pairs: accuracy, positions, length, calibration, cycles.")
    .addOption(repeated("--judge <spec>", `[NAME=]${JUDGE_SPECS.join(" | ")}`))
    .addOption(repeated(
      "--pairs <file>",
      "pairs, AlpacaEval annotations or a folder of them, or a named set",
    ))
    .option("--baseline <spec>", 'baseline judge to print beside it, or "none"; default longer')
    // What --baseline was called once.
    .addOption(new Option("--null <spec>").hideHelp())
    .option(
      "--limit <number>",
      "judge only so many pairs, drawn at random",
      wholeNumber("--limit", 1),
    )
    .option(
      "--held-out <number>",
      "only held-out prompts: a share below 1, or a number of pairs",
      Number,
    )
    .addOption(
      new Option("--triples <number>", "prompts of three answers looked at for cycles")
        .argParser(wholeNumber("--triples")).default(50).conflicts("probe"),
    )
    .option(
      "--probe [names]",
      "change one thing in the pairs and report the verdicts that flip, in place of the report: all (default), or " +
        "names with commas between",
    )
    .option("--own <generator>", "generator in the annotations whose answers are the judge's own")
    .option(
      "--positions <how>",
      "which answer came first in recorded verdicts: alpaca-eval (drawn as it does, seed 0) | unknown",
      oneOf("--positions", POSITIONS),
      "alpaca-eval",
    )
    .addOption(principleFlag(
      "what a model judges by, comma-separated; default harmlessness or helpfulness for HH-RLHF's subsets, " +
        "else overall, for run: the run's own",
    ))
    .addOption(scaleFlag(SCALE_NAMES))
    .addOption(setFlag("one setting, such as judge.maxTokens=512"))
    .addOption(onBadLineFlag())
    .addOption(seedFlag(7))
    .option("--samples <number>", "bootstrap resamples", wholeNumber("--samples", 1), 2000)
    .addOption(outputFile("--csv <file>", "write the measures as CSV"))
    .addOption(outputFile("--json <file>", "write everything as JSON"))
    .addOption(
      outputFolder("--figures <folder>", "draw reliability and biases there, with their CSV files"),
    )
    .addOption(
      outputFile("--cache <file>", "where a model's judgments are kept")
        .default(".engine/judgments.jsonl"),
    )
    .addOption(engineFlag("models are asked at the servers"))
    .addHelpText("after", `\nMeasures:\n${glossary().replace(/^/gm, "  ")}`)
    .addHelpText("after", `\nProbes:\n${probeGlossary().replace(/^/gm, "  ")}`);
  return parseCommand(command, args).opts<JudgeOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  if (options.judge.length === 0) {
    throw new UserError("no judge is named", `give --judge ${JUDGE_SPECS.join(" | ")}`);
  }
  if (options.pairs.length === 0) throw new UserError("no pairs are named", "give --pairs FILE");
  const { seed, triples, samples, positions, onBadLine, limit, heldOut, probe } = options;
  const probes = probe === undefined
    ? null
    : probesNamed(probe === true ? "all" : probe, { own: options.own !== undefined });
  const settings = judgeSettings(options);
  // Under what is asked for: the question by which the pairs were labelled, as far as their names tell.
  const follows = judgeSettings({ principle: defaultPrinciple(...options.pairs), set: [] });
  const config = resolveConfig(options.scale, {
    settings: [...follows, ...settings, `seed=${seed}`],
  });
  const log = (line: string) => console.log(`  ${line}`);

  const pairs: string[] = [];
  for (const spec of options.pairs) pairs.push(...await pairFiles(spec, log));
  const named = namedJudges(options.judge);
  const all = withBaselineJudge(named, options.baseline ?? options.null);
  refuseUnasked(options, named.map(({ spec }) => spec));
  const { csv, json, cache } = options;
  refuseOverwriting({ "--csv": csv, "--json": json, "--cache": cache }, [
    ...pairs,
    ...(await Promise.all(all.map(({ spec }) => filesReadBy(spec)))).flat(),
  ]);
  const trained = await trainedOn(named.map(({ spec }) => spec));
  const { evidence, leftOut, warnings } = await loadEvidence(pairs, {
    seed,
    limit,
    heldOut,
    trainedOn: trained,
    own: options.own,
    onBadLine,
  });
  console.log(`${evidence.length} comparisons of ${pairs.length} files, seed ${seed}`);
  for (const [reason, n] of Object.entries(leftOut)) log(`left out ${n}: ${reason}`);
  for (const warning of warnings) warn(describeWarning(warning));
  const known = evidence.filter(({ cluster }) => trained.has(cluster)).length;
  if (known > 0) {
    warn(
      `${known} of ${evidence.length} comparisons are on prompts that a run named as judge was trained on; ` +
        "--held-out leaves them out",
    );
  }

  const openAsked = await openerAt(options.engine);
  const setting = {
    ...{ seed, pairs, positions, onBadLine, config, settings, cacheFile: cache, log },
    openAsked,
  };
  type Asked = { result: MeasuredJudge | ProbedJudge; notes: string[] };
  const ask: (judge: Judge) => Promise<Asked> = probes === null
    ? (judge) => measured(judge, evidence, { seed, triples, samples })
    : async (judge) => ({
      result: await probeJudge(judge, evidence, { names: probes, seed, samples }),
      notes: [],
    });
  const judges: (MeasuredJudge | ProbedJudge)[] = [];
  const notes: Record<string, string[]> = {};
  for (const one of all) {
    const others = all.filter((other) => other !== one).map(nameOf);
    const taken = [...judges.map(({ name }) => name), ...others];
    const found = await asked(one, { ...setting, taken }, ask);
    judges.push(found.result);
    notes[found.result.name] = found.notes;
  }
  const [text, rows, draw] = probes === null
    ? reported(judges as MeasuredJudge[])
    : probed(judges as ProbedJudge[]);
  console.log(`\n${text}`);
  for (const [name, lines] of Object.entries(notes)) {
    for (const line of lines) console.log(`${name}: ${line}`);
  }

  if (csv !== undefined) await writeCsv(csv, rows);
  if (json !== undefined) {
    const record = { command: Deno.args, seed, samples, pairs, leftOut, notes, judges };
    await writeJsonFile(json, record);
  }
  if (options.figures !== undefined) {
    await draw(options.figures);
    console.log(`figures in ${options.figures}`);
  }
}

/**
 * Opens a judge, asks it and lets it go, so that one model at a time is in memory. A judge without a name is
 * called by its whole spec where its short name is taken.
 */
async function asked<T>(
  named: NamedJudge,
  { taken, ...setting }: Omit<JudgeSetting, "onProgress"> & { taken: readonly string[] },
  ask: (judge: Judge) => Promise<{ result: T; notes: string[] }>,
): Promise<{ result: T; notes: string[] }> {
  const onProgress = progressCallback(nameOf(named), "prompt");
  const opened = await openJudge(named.spec, { ...setting, onProgress });
  try {
    const short = opened.judge.name;
    const name = named.name ?? (taken.includes(short) ? named.spec : short);
    const { result, notes } = await ask({ ...opened.judge, name });
    return { result, notes: [...opened.notes?.() ?? [], ...notes] };
  } finally {
    opened.dispose?.();
  }
}

/** A judge's report, and what to know when reading it. */
async function measured(
  asked: Judge,
  ...[evidence, options]: [Parameters<typeof measureJudge>[1], Parameters<typeof measureJudge>[2]]
): Promise<{ result: MeasuredJudge; notes: string[] }> {
  const judge = await measureJudge(asked, evidence, options);
  const notes: string[] = [];
  if (judge.notCovered > 0) notes.push(`${judge.notCovered} comparisons it knows nothing of`);
  const silent = describeUnanswered(judge.unanswered);
  if (silent !== null) warn(`${judge.name} ${silent}`);
  if (judge.ownLabels > 0) {
    notes.push(`${judge.ownLabels} labels are its own verdicts and were not used`);
  }
  return { result: judge, notes };
}

/** What is printed, kept as rows, and drawn. */
type Output = [
  text: string,
  rows: readonly Record<string, string | number | null>[],
  draw: (folder: string) => Promise<void>,
];

function reported(judges: readonly MeasuredJudge[]): Output {
  const rows = judgeCsvRows(judges).map((row) => ({ ...row }));
  return [reportText(judges), rows, (folder) => drawFigures(judges, folder)];
}

function probed(judges: readonly ProbedJudge[]): Output {
  const rows = probeCsvRows(judges);
  return [probeText(judges), rows, async (folder) => {
    const { probeFigure } = await import("../show/probe_figure.ts");
    const { renderPng } = await import("../show/render.ts");
    await writeCsv(`${folder}/judge-probes.csv`, rows);
    await renderPng(probeFigure(rows), `${folder}/judge-probes.png`);
  }];
}

/** Draws what the judges' rows show, and keeps the rows beside each figure. */
async function drawFigures(judges: readonly MeasuredJudge[], folder: string): Promise<void> {
  const { biasFigure, comparisonFigure, reliabilityFigure } = await import(
    "../show/judge_figure.ts"
  );
  const { renderPng } = await import("../show/render.ts");
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
}

/** A file, a folder of annotations, or a named set. */
async function pairFiles(spec: string, log: (line: string) => void): Promise<string[]> {
  const info = await Deno.stat(spec).catch(() => null);
  if (info?.isDirectory) return await annotationFiles(spec);
  return [...dataFiles(await locateData(spec, { log }))];
}

if (import.meta.main) await runCommand(main);

/**
 * A judge as annotator: labels pairs that nobody chose between, keeps what it is sure of, says how wrong that is.
 *
 *     deno task annotate --judge model:PATH --pairs unlabelled.jsonl --out runs/labelled.jsonl --gold sample.jsonl
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { writeCsv, writeJsonFile, writeJsonl } from "../base/files.ts";
import { refuseOverwriting } from "../base/outputs.ts";
import { progressCallback } from "../base/progress.ts";
import { Rng } from "../base/random.ts";
import { intervalText, textTable } from "../base/text_table.ts";
import { annotate, type Judged, readUnlabelled } from "../judges/annotate.ts";
import { besideGold, NO_GOLD, readGold, refuseOwnGold } from "../judges/gold_labels.ts";
import {
  annotationFiles,
  filesReadBy,
  JUDGE_SPECS,
  judgeSettings,
  openJudge,
  refuseUnasked,
} from "../judges/open_judge.ts";
import { call, reliabilityCurve } from "../measure/calibration.ts";
import { type LabelNoise, labelNoise, noiseByConfidence } from "../measure/label_noise.ts";
import { defaultPrinciple } from "../method/principle.ts";
import { describeWarning } from "../preference/file_warnings.ts";
import { resolveConfig, SCALE_NAMES } from "../run/config.ts";
import { locateData } from "../run/source.ts";
import { parseCommand, runCommand, shellWords, taskCommand, warn } from "./command.ts";
import {
  onBadLineFlag,
  outputFile,
  outputFolder,
  principleFlag,
  repeated,
  scaleFlag,
  seedFlag,
  setFlag,
  shareOf,
  wholeNumber,
} from "./flags.ts";

interface AnnotateOptions {
  judge?: string;
  pairs: string[];
  out?: string;
  leftOut?: string;
  minConfidence?: number;
  consistent: boolean;
  gold: string[];
  limit?: number;
  principle?: string;
  scale: string;
  set: string[];
  onBadLine: "fail" | "skip";
  seed: number;
  samples: number;
  json?: string;
  figures?: string;
  cache: string;
}

export function parse(args: string[]): AnnotateOptions {
  const command = taskCommand(
    "annotate",
    "--judge model:PATH --pairs unlabelled.jsonl --out runs/labelled.jsonl --gold sample.jsonl",
  )
    .description("Has a judge label pairs: prompt and two answers, their labels hidden or absent.")
    .option("--judge <spec>", JUDGE_SPECS.join(" | "))
    .addOption(repeated(
      "--pairs <file>",
      "prompts with two answers, chosen between or not (responses, output_1 and output_2, ...), or a named set",
    ))
    .addOption(
      outputFile("--out <file>", "JSONL of labelled pairs in TRL's form, for align --data"),
    )
    .addOption(
      outputFile(
        "--left-out <file>",
        "the others with the reason; default OUT less .jsonl plus .left-out.jsonl",
      ),
    )
    .option(
      "--min-confidence <share>",
      "keep labels of at least this J",
      shareOf("--min-confidence"),
    )
    .option("--consistent", "keep labels that both positions agree on", false)
    .addOption(repeated("--gold <file>", "labelled pairs, some of these: agreement, label noise"))
    .option("--limit <number>", "only so many pairs, drawn at random", wholeNumber("--limit", 1))
    .addOption(principleFlag(
      "what a model judges by, comma-separated; default as deno task judge has it",
    ))
    .addOption(scaleFlag(SCALE_NAMES))
    .addOption(setFlag("one setting, such as judge.maxTokens=512"))
    .addOption(onBadLineFlag())
    .addOption(seedFlag(7))
    .option("--samples <number>", "bootstrap resamples", wholeNumber("--samples", 1), 2000)
    .addOption(outputFile("--json <file>", "write counts and label noise as JSON"))
    .addOption(outputFolder("--figures <folder>", "draw label noise there, with its CSV files"))
    .addOption(
      outputFile("--cache <file>", "where judgments are kept, so that none is made twice")
        .default(".engine/judgments.jsonl"),
    );
  return parseCommand(command, args).opts<AnnotateOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const { judge: spec, out, seed, samples, onBadLine, limit, minConfidence, consistent } = options;
  if (spec === undefined) {
    throw new UserError("no judge is named", `give --judge ${JUDGE_SPECS.join(" | ")}`);
  }
  if (options.pairs.length === 0) throw new UserError("no pairs are named", "give --pairs FILE");
  if (out === undefined) {
    throw new UserError("there is nowhere to write the labels", "give --out FILE.jsonl");
  }
  const leftFile = options.leftOut ?? `${out.replace(/\.jsonl$/, "")}.left-out.jsonl`;
  const log = (line: string) => console.log(`  ${line}`);
  const pairFiles = await located(options.pairs, log);
  const goldFiles = await located(options.gold, log);
  const { json, cache } = options;
  refuseOverwriting(
    { "--out": out, "--left-out": leftFile, "--json": json, "--cache": cache },
    [...pairFiles, ...goldFiles, ...await filesReadBy(spec)],
  );

  const settings = judgeSettings(options);
  const follows = judgeSettings({ principle: defaultPrinciple(...options.pairs), set: [] });
  const config = resolveConfig(options.scale, {
    settings: [...follows, ...settings, `seed=${seed}`],
  });
  refuseUnasked(options, [spec]);
  const { pairs, leftOut } = await readUnlabelled(pairFiles, { seed, limit, onBadLine });
  const gold = goldFiles.length === 0 ? NO_GOLD : await readGold(goldFiles, { seed, onBadLine });
  for (const [reason, n] of Object.entries(gold.leftOut)) log(`gold left out ${n}: ${reason}`);
  for (const warning of gold.warnings) warn(describeWarning(warning));
  if (gold.size > 0 && !pairs.some((pair) => gold.of(pair) !== null)) {
    throw new UserError(
      `no pair to label is in the gold sample ${goldFiles.join(", ")}`,
      "give a sample that has some of the same prompts with the same two answers",
    );
  }
  console.log(`${pairs.length} pairs to label, seed ${seed}; results go to ${out}`);

  const opened = await openJudge(spec, {
    ...{ seed, pairs: pairFiles, positions: "alpaca-eval", onBadLine, config, settings, log },
    cacheFile: options.cache,
    onProgress: progressCallback("judging", "prompt"),
  });
  let judged: Judged[];
  try {
    refuseOwnGold(opened.judge, gold);
    judged = await annotate(opened, pairs, { minConfidence, consistent });
  } finally {
    opened.dispose?.();
  }

  const kept = judged.filter(({ reason }) => reason === null);
  const dropped = [...judged.filter(({ reason }) => reason !== null).map(leftOutRow), ...leftOut];
  await writeJsonl(leftFile, dropped);
  await writeJsonl(out, kept.map(({ label }) => label));

  const reasons: Record<string, number> = {};
  for (const { reason } of dropped) reasons[reason] = (reasons[reason] ?? 0) + 1;
  console.log(`\n${kept.length} labels in ${out}, ${dropped.length} left out in ${leftFile}`);
  for (const [reason, n] of Object.entries(reasons)) log(`left out ${n}: ${reason}`);
  for (const note of opened.notes?.() ?? []) log(note);
  const noises = Object.fromEntries(
    Object.entries({ "all labels": judged, kept }).flatMap(
      ([name, some]): [string, LabelNoise][] => {
        const { labels, clusters } = besideGold(some, gold);
        const rng = Rng.named(seed, "label noise");
        return labels.length === 0 ? [] : [[name, labelNoise(labels, { clusters, rng, samples })]];
      },
    ),
  );
  console.log(`\n${noiseText(noises)}`);
  if (options.json !== undefined) {
    const counts = { pairs: pairs.length, kept: kept.length, leftOut: reasons };
    await writeJsonFile(options.json, {
      ...{ command: Deno.args, seed, judge: opened.judge.name, fingerprint: opened.fingerprint },
      ...{ counts, noise: noises },
    });
  }
  const { labels, clusters } = besideGold(judged, gold);
  if (options.figures !== undefined && labels.length > 0) {
    const { labels: sifted, clusters: prompts } = besideGold(
      judged.filter(({ label }) => !consistent || label?.consistent),
      gold,
    );
    const drawn = () => ({ rng: Rng.named(seed, "label noise/figure"), samples });
    const curve = reliabilityCurve(
      labels.map(({ J, chosen, gold }) =>
        gold === null || gold === "tie" ? null : call(chosen === "first" ? J : 1 - J, gold)
      ),
      { clusters, ...drawn() },
    );
    await drawFigures(options.figures, {
      noise: noiseByConfidence(sifted, { clusters: prompts, ...drawn() }),
      curve: curve.map((row) => ({ judge: opened.judge.name, ...row })),
    });
  }
  console.log(`\n${nextText(out, { kept: kept.length, reasons: Object.keys(reasons) })}`);
}

/** The files that specs name. */
async function located(specs: readonly string[], log: (line: string) => void): Promise<string[]> {
  const files: string[] = [];
  for (const spec of specs) {
    const found = await locateData(spec, { log });
    // A folder without a training split is one of annotations, as deno task judge takes it.
    files.push(...found.files ?? await annotationFiles(found.path));
  }
  return files;
}

/** A pair without a label, or with one that is not kept, as a line of the other file. */
function leftOutRow({ pair, judgment, label, reason }: Judged) {
  if (label !== null) return { reason: reason!, ...label };
  return {
    ...{ reason: reason!, ...pair },
    ...(judgment && {
      ...{ J_first: judgment.pFirst, consistent: judgment.consistent },
      ...{ first_first: judgment.forward, second_first: judgment.backward },
    }),
  };
}

/** What the labels are worth, all beside those kept. */
function noiseText(noises: Readonly<Record<string, LabelNoise>>): string {
  const names: Record<keyof LabelNoise, string> = {
    expectedNoise: "label noise expected, mean 1 - J",
    measuredNoise: "label noise against gold",
    excessNoise: "against gold less expected",
    accuracy: "agrees with gold",
    kappa: "Cohen's kappa",
  };
  const columns = Object.keys(noises);
  const measured = (Object.keys(names) as (keyof LabelNoise)[])
    .filter((measure) => columns.some((column) => noises[column][measure].n > 0));
  const rows = measured.map((measure) => [
    names[measure],
    ...columns.map((column) => {
      const found = noises[column][measure];
      return `${intervalText(found)} of ${found.n}`;
    }),
  ]);
  return columns.length === 0
    ? "no label, so no label noise"
    : textTable([["", ...columns], ...rows]) +
      "\nexpected: if the judge is as sure as it is right; with --gold its labels are measured";
}

async function drawFigures(
  folder: string,
  { noise, curve }: {
    noise: ReturnType<typeof noiseByConfidence>;
    curve: ({ judge: string } & ReturnType<typeof reliabilityCurve>[number])[];
  },
): Promise<void> {
  const { noiseFigure } = await import("../show/annotation_figure.ts");
  const { reliabilityFigure } = await import("../show/judge_figure.ts");
  const { renderPng } = await import("../show/render.ts");
  await writeCsv(`${folder}/label-noise.csv`, noise);
  await renderPng(noiseFigure(noise), `${folder}/label-noise.png`);
  if (curve.length > 0) {
    await writeCsv(`${folder}/reliability.csv`, curve);
    await renderPng(reliabilityFigure(curve), `${folder}/judge-reliability.png`);
  }
  console.log(`figures in ${folder}`);
}

/** What may be done about pairs that were left out, by the beginning of the reason; of all others, other pairs. */
const ADVICE: readonly (readonly [reason: string, advice: string])[] = [
  ["J is below", "a lower --min-confidence"],
  ["the positions name", "no --consistent"],
  ["the judge", "another --judge"],
];

/** What to do next: train on the labels, or where there is none what the reasons ask for. */
export function nextText(
  out: string,
  { kept, reasons }: { readonly kept: number; readonly reasons: readonly string[] },
): string {
  if (kept === 0) {
    const advice = reasons.map((reason) =>
      ADVICE.find(([begin]) => reason.startsWith(begin))?.[1] ?? "other --pairs"
    );
    return `next: the same command with ${
      [...new Set(advice)].join(" or ")
    }, since nothing was kept; what was judged is not judged again`;
  }
  const train = `deno task align ${shellWords(["--data", out])}`;
  return [
    `next: ${train}`,
    `  or: ${train} --set selfJudge.method=offline-dpo-soft`,
    "soft: DPO with J as the probability of each label; offline-dpo takes the label as certain",
  ].join("\n");
}

if (import.meta.main) await runCommand(main);

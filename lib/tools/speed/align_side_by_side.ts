/** `deno task bench --align`: a whole run beside the same work by transformers, PEFT and TRL. */
import { fileURLToPath } from "node:url";
import { UserError } from "../../base/error.ts";
import { exists, readJsonFile, removeIfThere, writeCsv, writeJsonFile } from "../../base/files.ts";
import { textTable } from "../../base/text_table.ts";
import { type Principle, principlesNamed } from "../../method/mod.ts";
import { resolveConfig } from "../../run/mod.ts";
import { exportModel } from "../../run/export_model.ts";

/** What is compared. */
export interface AlignComparison {
  /** The interpreter that has trl, transformers and peft. */
  readonly python: string;
  readonly model: string;
  readonly data: string;
  readonly jsftSteps: number;
  readonly steps: number;
  /** Cores that both sides may use. */
  readonly threads: number;
  readonly csv: string | null;
}

/** Where both sides work. */
const FOLDER = "runs/bench-align";
/** Stages that both sides have, in order. */
const STAGES = ["judge-before", "jsft", "judge-after", "self-judge", "tournament"] as const;
const SIZES = { heldOut: 40, tournamentPrompts: 8, candidates: 4 };

/** Runs a command and tells the peak memory of its processes, as the kernel has it. */
const MEASURE = `import json, resource, subprocess, sys, time
started = time.time()
code = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
json.dump({"seconds": time.time() - started, "peak": peak}, open(sys.argv[1], "w"))
sys.exit(code)`;

/** Runs both sides once, ours first, and prints a table of stages, wall time and peak memory. */
export async function compareAlign(options: AlignComparison): Promise<void> {
  const { python, model, data, jsftSteps, steps, threads } = options;
  const settings = [
    // Each pair makes three examples, sixteen of which make a step.
    `data.train=${Math.ceil(jsftSteps * 16 / 3)}`,
    `data.heldOut=${SIZES.heldOut}`,
    "jsft.evaluateEvery=0",
    "jsft.evaluatePairs=1",
    `selfJudge.steps=${steps}`,
    `tournament.prompts=${SIZES.tournamentPrompts}`,
    `tournament.candidates=[${SIZES.candidates}]`,
    "tournament.samples=1",
  ];
  await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
  const whole = `${FOLDER}-model`;
  if (!await exists(`${whole}/config.json`)) {
    await exportModel({
      source: model,
      to: whole,
      format: "safetensors",
      dtype: "float32",
      log() {},
    });
  }
  const ours = await measured("ours", python, [
    ...[Deno.execPath(), "run", "--quiet", "-A", "lib/cli/align.ts", "--scale", "small"],
    ...["--model", model, "--data", data, "--run", FOLDER],
    ...settings.flatMap((setting) => ["--set", setting]),
  ]);
  const config = resolveConfig("small", { settings });
  const [{ question, verdict }] = principlesNamed(
    config.judge.principles ?? ["harmlessness"],
  ) as [Principle];
  const { judge, jsft: { tuning, batchSize }, selfJudge } = config;
  await writeJsonFile(`${FOLDER}/trl.json`, {
    ...{ model: whole, data: `${FOLDER}/data`, seed: config.seed, threads, question, verdict },
    ...{ judgeSystem: judge.system, judgeTokens: judge.maxTokens, batchTokens: judge.batchTokens },
    ...{ rank: tuning.r, alpha: tuning.alpha, jsftSteps, jsftBatch: batchSize, steps },
    ...{ batch: selfJudge.batchSize, batchRows: selfJudge.batchRows },
    ...{ maxNewTokens: selfJudge.maxNewTokens, ...SIZES },
  });
  const script = fileURLToPath(new URL("./trl_align.py", import.meta.url));
  const theirs = await measured("TRL's", python, [
    ...[python, script, `${FOLDER}/trl.json`, `${FOLDER}/trl-out.json`],
  ]);
  const found = await readJsonFile<{ seconds: Record<string, number> }>(`${FOLDER}/trl-out.json`);
  const rows: { part: string; ours: number; trl: number; ratio: number }[] = [];
  for (const stage of STAGES) {
    const done = await readJsonFile<{ seconds: number }>(`${FOLDER}/${stage}/done.json`);
    rows.push(row(stage, done!.seconds, found!.seconds[stage]));
  }
  const sum = (side: "ours" | "trl") => rows.reduce((total, one) => total + one[side], 0);
  rows.push(row("all stages", sum("ours"), sum("trl")));
  rows.push(row("the process, seconds", ours.seconds, theirs.seconds));
  rows.push(row("the process, peak GB", ours.peak / 1e9, theirs.peak / 1e9));
  console.log(textTable([
    ["", "ours", "TRL", "TRL / ours"],
    ...rows.map(({ part, ours, trl, ratio }) => [
      ...[part, ours.toFixed(1), trl.toFixed(1), ratio.toFixed(2)],
    ]),
  ]));
  console.log(
    `seconds; ${jsftSteps} steps of JSFT, ${steps} of self-training, ${threads} threads; level 1.5`,
  );
  if (options.csv !== null) {
    await writeCsv(
      options.csv,
      rows.map((one) => ({ ...one, jsftSteps, steps, threads, level: 1.5 })),
    );
    console.log(`wrote ${options.csv}`);
  }
}

const row = (part: string, ours: number, trl: number) => {
  const round = (x: number) => Math.round(x * 1000) / 1000;
  return { part, ours: round(ours), trl: round(trl), ratio: round(trl / ours) };
};

async function measured(
  name: string,
  python: string,
  words: readonly string[],
): Promise<{ seconds: number; peak: number }> {
  const out = `${FOLDER}-measured.json`;
  console.log(name === "ours" ? "our side ..." : "the side of TRL ...");
  const { success, stderr, stdout } = await new Deno.Command(python, {
    args: ["-c", MEASURE, out, ...words],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) {
    const text = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
    throw new UserError(
      `${name} side failed:\n${text.slice(-1500)}`,
      name === "ours"
        ? "mend what it names, and run the command again"
        : "name an interpreter with lib/tools/speed/requirements-trl.txt installed by SELF_JUDGE_REFERENCE_PYTHON",
    );
  }
  const found = await readJsonFile<{ seconds: number; peak: number }>(out);
  await removeIfThere(out);
  return found!;
}

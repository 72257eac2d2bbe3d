import { UserError } from "../base/error.ts";
import { judgeSettings, refuseUnasked } from "../judges/open_judge.ts";
import { MODEL_SPECS, resolveConfig } from "../run/mod.ts";
import { benchmarkNamed, BENCHMARKS } from "./catalogue.ts";
import { BENCHMARK_JUDGES, canGrade } from "./judges.ts";
import { namedSpec } from "./named_model.ts";
import type { BenchmarkPlan } from "./material.ts";

/** The options of the command line, as commander gives them. */
export interface BenchmarkOptions {
  /** A cluster.json, at whose servers models are asked. @default in this process */
  engine?: string;
  bench?: string;
  model: string[];
  adapter?: string;
  against?: string;
  judge?: string;
  mode?: string;
  questions?: number;
  maxNewTokens?: number;
  rows: number;
  principle?: string;
  set: string[];
  seed: number;
  data?: string;
  out?: string;
  figures: boolean;
}

/**
 * The plan that the options come to, checked as a whole before anything is loaded.
 *
 * @throws {UserError} Naming the option that is missing, wrong or at odds with another.
 */
export function planOf(options: BenchmarkOptions): BenchmarkPlan {
  if (options.bench === undefined) {
    throw new UserError(
      "no benchmark is named",
      `give --bench ${Object.keys(BENCHMARKS).join("|")}`,
    );
  }
  const benchmark = benchmarkNamed(options.bench);
  if (options.model.length === 0) {
    throw new UserError("no model is named", `give --model ${MODEL_SPECS.join(" | ")}`);
  }
  if (options.adapter !== undefined && options.model.length > 1) {
    throw new UserError(
      `--adapter ${options.adapter} with ${options.model.length} models`,
      "write it after the model it belongs to: --model PATH+ADAPTER",
    );
  }
  const models = options.model.map((spec) =>
    namedSpec(options.adapter === undefined ? spec : `${spec}+${options.adapter}`)
  );
  const against = options.against !== undefined
    ? namedSpec(options.against)
    : benchmark.tools === "alpaca-eval" && options.judge !== undefined
    ? { name: "baseline", spec: "baseline" }
    : null;
  const names = [...models, ...(against ? [against] : [])].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UserError(
      `two models are called "${twice}", and files are called by it`,
      "name them: NAME=SPEC",
    );
  }
  const { judge = null } = options;
  if (judge?.startsWith("mt-bench:") && options.principle !== undefined) {
    throw new UserError(
      `--principle ${options.principle}: "${judge}" is asked by MT-Bench's own prompts`,
      "leave it out, or name a judge that is asked ours: model:, run: or served:",
    );
  }
  const modes = modesOf(options.mode, {
    judge,
    against: against !== null,
    unjudged: benchmark.exactMatch !== undefined,
  });
  // Once modesOf knows that there is such a judge.
  if (judge !== null && !judge.startsWith("mt-bench:")) refuseUnasked(options, [judge]);
  const { seed } = options;
  const settings = judgeSettings(options);
  const defaults = ["judge.system=null", "judge.maxTokens=2048", 'judge.principles=["overall"]'];
  return {
    benchmark,
    models,
    against,
    judge,
    modes,
    questions: options.questions ?? null,
    maxNewTokens: options.maxNewTokens ?? benchmark.maxNewTokens,
    rows: options.rows,
    seed,
    config: resolveConfig("small", { settings: [...defaults, ...settings, `seed=${seed}`] }),
    settings,
    out: options.out ?? `runs/benchmark-${benchmark.name}`,
    dataFolder: options.data,
  };
}

function modesOf(
  mode: string | undefined,
  { judge, against, unjudged }: { judge: string | null; against: boolean; unjudged: boolean },
): ("pair" | "single")[] {
  if (judge === null) {
    if (mode === undefined) return [];
    throw new UserError(
      `--mode ${mode} without a judge`,
      `give --judge ${BENCHMARK_JUDGES.join(" | ")}`,
    );
  }
  const grades = canGrade(judge);
  if (mode === undefined) {
    const modes = [
      ...(against ? ["pair" as const] : []),
      ...(grades ? ["single" as const] : []),
    ];
    if (modes.length > 0) return modes;
    throw new UserError(
      `the judge "${judge}" compares pairs, and there is nobody to compare with`,
      unjudged
        ? "leave --judge out: answers are compared with the known ones; or name whom with --against SPEC"
        : "name whom with --against SPEC",
    );
  }
  return mode.split(",").map((name) => {
    if (name === "pair" && !against) {
      throw new UserError("--mode pair without --against", "name whom to compare with");
    }
    if (name === "single" && !grades) {
      throw new UserError(
        `--mode single with "${judge}", which does not grade from 1 to 10`,
        "grade with model:, run: or mt-bench:, or leave single out",
      );
    }
    if (name === "pair" || name === "single") return name;
    throw new UserError(`--mode "${name}"`, "give pair, single or pair,single");
  });
}

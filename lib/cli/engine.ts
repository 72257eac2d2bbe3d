/**
 * Engines beside this machine: what a run on them needs, checked before anything is paid for, or a cluster to try on.
 *
 *     deno task engine cluster.json --model PATH_OR_HUB_NAME
 *     deno task engine --local runs/cluster
 *     deno task engine --plan --set parameters=13e9
 *
 * @module
 */
import { resolve } from "node:path";
import { Argument, Option } from "commander";
import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { clusterPython } from "../engine/environment.ts";
import { startLocal, stopLocal } from "../engine/local.ts";
import { planRun } from "../engine/plan.ts";
import { LARGE_RUN, PAPER_RUN, planSettings } from "../engine/plan_settings.ts";
import { planText } from "../engine/plan_text.ts";
import { preflight, preflightTable } from "../engine/preflight.ts";
import { type Cluster, readCluster } from "../engine/settings.ts";
import { stackedConfig } from "../model/mod.ts";
import { baseName, writeBase } from "../run/artefact.ts";
import { resolveConfig, type RunConfig, SCALE_NAMES } from "../run/config.ts";
import { modelConfigOf } from "../run/plan.ts";
import { Session } from "../run/session.ts";
import { startEngine } from "../tensor/mod.ts";
import { parseCommand, runCommand, shellWords, taskCommand } from "./command.ts";
import { DEFAULT_SCALE, scaleFlag, setFlag } from "./flags.ts";

interface EngineOptions {
  model?: string;
  scale: string;
  set: string[];
  local?: string;
  stop: boolean;
  plan?: keyof typeof PLANS;
  install: boolean;
}

/** Runs whose cost is worked out, to begin from. */
const PLANS = { paper: PAPER_RUN, large: LARGE_RUN };

/** A whole file, as the help shows it. */
export const EXAMPLE_CLUSTER = {
  serve: {
    servers: ["http://10.0.0.5:8000", "http://10.0.0.6:8000"],
    ...{ baseModel: "base", keyVariable: "SERVE_KEY", dtype: "bfloat16" },
    ...{ concurrency: 64, timeoutMs: 600_000, outageMs: 900_000 },
  },
  train: {
    launcher: {
      ...{ kind: "ray", url: "http://10.0.0.4:8265", tokenVariable: "RAY_AUTH_TOKEN" },
      placement: "PACK",
    },
    ...{ python: "/opt/trainer/bin/python", workers: 8, gpus: true, sharding: "none" },
    ...{ dtype: "bfloat16", microBatch: 1, gradientCheckpointing: true },
    ...{ checkpointEvery: 5, attempts: 3, threads: 1 },
  },
  storage: { here: "/mnt/shared/runs", there: "/mnt/shared/runs" },
  model: null,
  rounds: { ahead: 0, drift: 0.05, keepAdapters: 4 },
};

const HELP = `
A whole cluster.json:
${JSON.stringify(EXAMPLE_CLUSTER, null, 2)}

  serve.servers        each vLLM server's own address, without /v1: an adapter is loaded on every one
  serve.baseModel      the name that it serves the weights under (--served-model-name)
  serve.keyVariable    environment variable that holds the key; null: none. Never a key itself
  serve.outageMs       how long a run waits while no server answers
  train.launcher       kind "ray", "torchrun" (this machine) or "slurm" (not tried by its authors)
  train.python         Python with lib/engine/python/requirements.txt, as the trainer's machines see it
  train.workers        processes, one a GPU; selfJudge.batchSize is a multiple of workers x microBatch
  storage              one shared folder, as this machine sees it and as the others do
  model                what the trainer loads; null: as the run names it

Each server is started as
  VLLM_ALLOW_RUNTIME_LORA_UPDATING=True VLLM_API_KEY=... vllm serve MODEL --served-model-name base \\
    --enable-lora --max-loras 3 --max-cpu-loras 8 --max-lora-rank 16 --dtype bfloat16`;

export function parse(args: string[]): EngineOptions & { cluster?: string } {
  const command = taskCommand(
    "engine",
    "cluster.json --model PATH_OR_HUB_NAME",
    "--local runs/cluster",
    "--local runs/cluster --stop",
    "--plan --set serveGpus=64 --set trainGpus=64",
  )
    .description(
      "Checks servers, trainer and shared folder for a run of deno task align --engine, starts them here, " +
        "or works out what a run costs.",
    )
    .addArgument(new Argument("[cluster]", "the cluster's file"))
    .option("--model <spec>", "the run's base model; default that of deno task align")
    .addOption(scaleFlag(SCALE_NAMES))
    .addOption(setFlag("one setting of the run, section.field=value; of the plan, name=number"))
    .option("--local <folder>", "start vLLM and two Ray nodes on this machine's CPU, for a try")
    .option("--install", "install the Python of vLLM, Ray and TRL, and print its path", false)
    .option("--stop", "end what --local started in that folder", false)
    .addOption(
      new Option(
        "--plan [run]",
        "tokens, GPU hours and bottleneck on paper: the paper's run on 8 GPUs, or 70B on 736",
      ).choices(Object.keys(PLANS)).preset("paper").conflicts("scale"),
    )
    .addHelpText("after", HELP);
  parseCommand(command, args);
  const options = command.opts<EngineOptions>();
  const [cluster] = command.args;
  const { local, plan, install } = options;
  const given = [cluster, local && "--local", plan && "--plan", install && "--install"]
    .filter(Boolean);
  if (given.length !== 1) {
    throw new UserError(
      given.length === 0
        ? "neither a cluster's file nor --local, --plan or --install is given"
        : `${given.join(" and ")} are given together`,
      "see deno task engine --help",
    );
  }
  if (options.plan && options.model !== undefined) {
    throw new UserError(
      "--model is given with --plan",
      "give sizes: --set parameters=13e9 and so on",
    );
  }
  if (options.stop && options.local === undefined) {
    throw new UserError("--stop is given without --local", "give the folder too: --local FOLDER");
  }
  return { ...options, cluster };
}

const log = (line: string) => console.error(`  ${line}`);

/** The settings of the run that the cluster is for. */
function settingsOf({ scale, model, set }: EngineOptions): Readonly<RunConfig> {
  const named = model === undefined ? [] : [`model=${JSON.stringify(model)}`];
  return resolveConfig(scale, { settings: [...set, ...named] });
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const { local, cluster, plan, set, install } = options;
  if (install) return console.log(await clusterPython({ install, log }));
  if (plan !== undefined) {
    return console.log(planText(planRun(planSettings(set, PLANS[plan]))));
  }
  if (local !== undefined) {
    const folder = resolve(local);
    return options.stop ? await endCluster(folder) : await startCluster(folder, options);
  }
  await checkCluster(cluster!, options);
}

async function checkCluster(path: string, options: EngineOptions): Promise<void> {
  const cluster = await readCluster(path);
  const config = settingsOf(options);
  const session = new Session(config, (stage) => `./${stage}`, log);
  try {
    const model = await modelConfigOf(config.model, { log });
    await startEngine();
    const rows = await preflight(cluster, { config, session, model });
    const { text, failed } = preflightTable([
      { what: "file", ok: true, said: path },
      ...rows,
    ]);
    console.log(text);
    if (failed) Deno.exit(1);
    console.log(`\nnext: ${runCommandFor(cluster, path)}`);
  } finally {
    session.dispose();
  }
}

/** The command that may reach this cluster and write to its folder, and no more. */
function runCommandFor({ serve, train: { launcher }, storage }: Cluster, path: string): string {
  const urls = [...serve.servers, ..."url" in launcher ? [launcher.url] : []];
  const hosts = new Set(urls.map((url) => new URL(url).host));
  return shellWords([
    ...["deno", "run", "-q", "-P=hub", `--allow-net=${[...hosts].join()}`],
    ...[`--allow-write=${storage.here}`, ...launcher.kind === "torchrun" ? ["--allow-run=sh"] : []],
    ...["lib/cli/align.ts", "--engine", path, "--run", `${storage.here}/NAME`, "..."],
  ]);
}

async function startCluster(folder: string, options: EngineOptions): Promise<void> {
  const python = await pythonFor();
  const config = settingsOf(options);
  const session = new Session(config, (stage) => `${folder}/${stage}`, log);
  const model = await servedFolder(`${folder}/base`, session);
  const { rank, longest } = await sizes(config);
  const { addresses, secrets, cluster } = await startLocal({
    ...{ folder, python, model, rank, longest, log },
  });
  const set = Object.entries(secrets).map(([name, file]) =>
    `${name}="$(cat ${shellWords([file])})"`
  );
  console.log([
    `vLLM and Ray run at ${addresses.join(" and ")}; ${cluster} names them, logs are beside it`,
    `first: export ${set.join(" ")}`,
    `check: deno task engine ${shellWords([cluster, ...settingWords(options)])}`,
    `runs:  deno task align --engine ${
      shellWords([cluster, "--run", `${folder}/runs/try`, ...settingWords(options)])
    }`,
    `end:   deno task engine --local ${shellWords([folder])} --stop`,
  ].join("\n"));
}

/** What the servers were started for, as the commands that use them take it. */
export function settingWords(
  { model, scale, set }: Pick<EngineOptions, "model" | "scale" | "set">,
): string[] {
  return [
    ...(model === undefined ? [] : ["--model", model]),
    ...(scale === DEFAULT_SCALE ? [] : ["--scale", scale]),
    ...set.flatMap((setting) => ["--set", setting]),
  ];
}

async function endCluster(folder: string): Promise<void> {
  const ended = await stopLocal(folder);
  console.log(ended ? `ended what ran for ${folder}` : `nothing of ${folder} is running`);
}

/** The Python that starts servers and trainers. */
async function pythonFor(): Promise<string> {
  const named = Deno.env.get("SELF_JUDGE_CLUSTER_PYTHON");
  if (named === undefined) return (await clusterPython({ install: true, log }))!;
  if (await exists(named)) return resolve(named);
  throw new UserError(
    `SELF_JUDGE_CLUSTER_PYTHON is ${named}, which is not there`,
    "give the path of a Python with vLLM and Ray, or leave it unset",
  );
}

/** The model as a folder that vLLM reads; a GGUF file is written out once. */
async function servedFolder(folder: string, session: Session): Promise<string> {
  const files = await session.located();
  if (files.adapter !== null) {
    throw new UserError(
      `${session.config.model} is an adapter on a model, and servers need a whole one`,
      "fold it in with deno task export, and give that",
    );
  }
  if (await baseName(session.config.model, files) !== null) return resolve(files.path);
  const { tokenizer } = await session.language();
  await writeBase(folder, { files, model: null, tokenizer });
  return folder;
}

/** What the server must take: adapters of both stages in one, and the run's longest sequence. */
async function sizes(config: Readonly<RunConfig>): Promise<{ rank: number; longest: number }> {
  const { jsft, selfJudge, judge, data } = config;
  const { maxPositions } = await modelConfigOf(config.model, { log });
  const longest = Math.max(data.maxTokens + selfJudge.maxNewTokens, judge.maxTokens + 1, 2048);
  const { r: rank } = stackedConfig([jsft.tuning, selfJudge.tuning]);
  return { rank, longest: Math.min(longest, maxPositions) };
}

if (import.meta.main) await runCommand(main);

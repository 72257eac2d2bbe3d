/** A cluster on this machine, to try a run on: vLLM on the CPU and two Ray nodes, each on its own loopback address. */
import { randomBytes } from "node:crypto";
import { UserError } from "../base/error.ts";
import {
  makeFolder,
  readIfThere,
  readJsonFile,
  removeIfThere,
  writeJsonFile,
} from "../base/files.ts";
import { passByProxy } from "../base/loopback.ts";
import { endTree, isRunning, type ProcessIdentity, startDetached } from "./launch/processes.ts";
import { endLocalRay, LocalRay } from "./local_ray.ts";
import { highestRank } from "./fleet_error.ts";
import { clusterOf } from "./settings.ts";

/** Settings of {@linkcode startLocal}. */
export interface LocalOptions {
  /** Absolute path of the folder that holds keys, logs, the cluster's file and the runs. */
  readonly folder: string;
  /** Python that has vLLM, Ray and the trainer's packages. */
  readonly python: string;
  /** Absolute path of the base model: a folder of safetensors with a tokenizer. */
  readonly model: string;
  /** Most tokens of prompt and answer. */
  readonly longest: number;
  /** Rank of the largest adapter. */
  readonly rank: number;
  readonly log: (line: string) => void;
}

/** What was started, as `local.json` keeps it. */
interface LocalRecord {
  readonly vllm: ProcessIdentity;
  readonly url: string;
  readonly model: string;
}

/** A cluster that runs on this machine. */
export interface LocalCluster {
  /** Path of its file. */
  readonly cluster: string;
  /** Addresses of vLLM and of Ray's dashboard. */
  readonly addresses: readonly string[];
  /** Variables of the environment that the cluster's file names, and the files that hold their values. */
  readonly secrets: Readonly<Record<string, string>>;
}

const [KEY_VARIABLE, TOKEN_VARIABLE] = ["SELF_JUDGE_VLLM_KEY", "RAY_AUTH_TOKEN"];
/** Half a second each: a loaded machine needs minutes. */
const STARTING = 1800;

/**
 * Starts a cluster and waits until it answers; one that runs in the folder already is found and left as it is.
 *
 * @throws {UserError} When a part of an earlier one is gone, or a part does not start; with the end of its log.
 */
export async function startLocal(options: LocalOptions): Promise<LocalCluster> {
  const { folder, log, model } = options;
  const found = await readJsonFile<LocalRecord>(recordOf(folder));
  if (found !== null) {
    const file = await readJsonFile<ReturnType<typeof clusterOf>>(fileOf(folder));
    if (file !== null && await isRunning(found.vllm) && found.model === model) {
      log(`the cluster in ${folder} is running already`);
      return described(folder, clusterOf(file));
    }
    throw new UserError(
      found.model === model
        ? `the cluster in ${folder} has ended in part`
        : `the cluster in ${folder} serves ${found.model}`,
      `end the rest of it: deno task engine --local ${folder} --stop`,
    );
  }
  await makeFolder(`${folder}/runs`);
  try {
    // One after the other: on a busy machine a Ray node gives up after half a minute.
    const ray = await startRay(options);
    const url = await startVllm(options);
    await untilHealthy(url, folder);
    await writeJsonFile(fileOf(folder), clusterFile(options, { url, ray: ray.url }));
  } catch (error) {
    await stopLocal(folder);
    throw error;
  }
  return described(folder, clusterOf(await readJsonFile(fileOf(folder))));
}

/** Ends what {@linkcode startLocal} started in a folder, and nothing else. @returns whether there was anything */
export async function stopLocal(folder: string): Promise<boolean> {
  const found = await readJsonFile<LocalRecord>(recordOf(folder));
  const ray = await readIfThere(`${rayOf(folder)}/ray.json`);
  await endLocalRay(rayOf(folder));
  if (found !== null) await endTree(found.vllm);
  for (const file of [recordOf(folder), fileOf(folder)]) await removeIfThere(file);
  return found !== null || ray !== null;
}

const recordOf = (folder: string) => `${folder}/local.json`;
const fileOf = (folder: string) => `${folder}/cluster.json`;
const rayOf = (folder: string) => `${folder}/ray`;
const keyOf = (folder: string) => `${folder}/vllm-key`;
const logOf = (folder: string) => `${folder}/vllm.log`;

function described(folder: string, { serve, train }: ReturnType<typeof clusterOf>): LocalCluster {
  const ray = "url" in train.launcher ? [train.launcher.url] : [];
  return {
    cluster: fileOf(folder),
    addresses: [...serve.servers, ...ray],
    secrets: { [KEY_VARIABLE]: keyOf(folder), [TOKEN_VARIABLE]: `${rayOf(folder)}/token` },
  };
}

/** Tries of Ray: a node gives up after half a minute on a busy machine, or another process took its port meanwhile. */
const RAY_TRIES = 4;

async function startRay({ folder, python, log }: LocalOptions): Promise<LocalRay> {
  log("starting two Ray nodes");
  for (let tries = 1;; tries++) {
    try {
      return await LocalRay.start({
        ...{ python, folder: rayOf(folder) },
        port: anyPort("127.0.0.3"),
        dashboardPort: anyPort("127.0.0.1"),
      });
    } catch (error) {
      const passing = error instanceof UserError &&
        /timed out during startup|No node info found|port/.test(error.problem);
      if (!passing || tries === RAY_TRIES) throw error;
      log("a Ray node did not start: once more");
    }
  }
}

/** Starts the server, which is healthy when its weights are read. */
async function startVllm(
  { folder, python, model, longest, rank, log }: LocalOptions,
): Promise<string> {
  const highest = highestRank(rank);
  const key = randomBytes(24).toString("hex");
  await removeIfThere(keyOf(folder)); // its mode is set when it is made
  await Deno.writeTextFile(keyOf(folder), key, { mode: 0o600 });
  const port = freePort("127.0.0.1", 8100);
  const url = `http://127.0.0.1:${port}`;
  log(`starting vLLM on the CPU with ${model}`);
  await startDetached([
    ...[python, "-m", "vllm.entrypoints.openai.api_server", "--model", model],
    ...["--served-model-name", "base", "--host", "127.0.0.1", "--port", String(port)],
    ...["--dtype", "float32", "--max-model-len", String(longest), "--max-num-seqs", "32"],
    ...["--enforce-eager", "--enable-lora", "--max-loras", "3", "--max-cpu-loras", "8"],
    ...["--max-lora-rank", String(highest), "--no-enable-log-requests"],
    // A seeded request whose prompt is split over two batches ends vLLM 0.32 on a CPU.
    ...["--no-enable-chunked-prefill", "--max-num-batched-tokens", String(Math.max(4096, longest))],
  ], {
    log: logOf(folder),
    env: {
      ...{ VLLM_API_KEY: key, VLLM_ALLOW_RUNTIME_LORA_UPDATING: "True" },
      ...{ VLLM_CPU_KVCACHE_SPACE: "1", VLLM_CPU_OMP_THREADS_BIND: "nobind" },
      ...{ OMP_NUM_THREADS: "1", VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" },
      HF_HUB_OFFLINE: "1",
    },
    record: (vllm) => writeJsonFile(recordOf(folder), { vllm, url, model }),
  });
  return url;
}

async function untilHealthy(url: string, folder: string): Promise<void> {
  passByProxy(url);
  const { vllm } = (await readJsonFile<LocalRecord>(recordOf(folder)))!;
  for (let tries = 0;; tries++) {
    const healthy = await fetch(`${url}/health`).then(async (reply) => {
      await reply.body?.cancel();
      return reply.ok;
    }, () => false);
    if (healthy) return;
    const ended = tries % 10 === 9 && !await isRunning(vllm);
    if (ended || tries === STARTING) {
      const end = (await readIfThere(logOf(folder)) ?? "").trimEnd().split("\n").slice(-8);
      throw new UserError(
        `vLLM ${ended ? "ended while it started" : "is not up after a quarter of an hour"}. ` +
          `The end of ${logOf(folder)}:\n${end.join("\n")}`,
        "read the log; is vLLM in this Python, and does it know the model?",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function clusterFile(
  { folder, python, model }: LocalOptions,
  { url, ray }: { readonly url: string; readonly ray: string },
): unknown {
  return {
    serve: {
      ...{ servers: [url], baseModel: "base", keyVariable: KEY_VARIABLE, dtype: "float32" },
      concurrency: 16,
    },
    train: {
      launcher: {
        ...{ kind: "ray", url: ray, tokenVariable: TOKEN_VARIABLE },
        placement: "STRICT_SPREAD",
      },
      ...{ python, workers: 2, gpus: false, dtype: "float32", microBatch: 2 },
      gradientCheckpointing: false,
    },
    storage: { here: `${folder}/runs`, there: `${folder}/runs` },
    model,
  };
}

/** A port that nothing listens on, of the system's choice: two that start at once rarely get the same. */
function anyPort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** The first port from one on that nothing listens on. */
function freePort(hostname: string, from: number): number {
  for (let port = from; port < from + 100; port++) {
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new UserError(
    `ports ${from} to ${from + 99} of ${hostname} are taken`,
    "end what uses them",
  );
}

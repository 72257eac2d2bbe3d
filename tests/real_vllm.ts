/** vLLM on this machine with a tiny model, for tests; skipped where there is no Python that has it. */
import { existsSync } from "node:fs";
import { describe } from "jsr:@std/testing@1/bdd";
import { endTree, type ProcessIdentity, startDetached } from "../lib/engine/launch/processes.ts";
import { type LanguageModel, LoraAdapter, type LoraConfig, saveModel } from "../lib/model/mod.ts";
import { LINEAR_MODULES, saveAdapter } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { PYTHON } from "./engine_cluster.ts";
import { randoms } from "./tiny.ts";
import { byteLanguage, byteModel } from "./tiny_gguf.ts";
import { until } from "./until.ts";

/** `describe` where vLLM is there. */
export const describeWithVllm = PYTHON === null ? describe.skip : describe;

/** The key of the servers. */
export const KEY = "key-of-the-tests";

/** A two-layer model that vLLM's attention takes: heads of 32. */
export const servedModel = (): LanguageModel =>
  byteModel({ hiddenSize: 128, intermediateSize: 192, heads: 4, kvHeads: 2, headDim: 32 });

/** Writes {@linkcode servedModel} with its tokenizer as a server reads it. */
export async function writeServedModel(folder: string): Promise<void> {
  const model = servedModel();
  await Deno.mkdir(folder, { recursive: true });
  await saveModel(model, folder);
  await writeTokenizer(byteLanguage(), folder);
  model.dispose();
}

/** An adapter with random values on that model; the caller disposes of it. */
export function randomAdapter(seed: number, change: Partial<LoraConfig> = {}): LoraAdapter {
  const model = servedModel();
  const config = { r: 8, alpha: 16, dropout: 0, targetModules: LINEAR_MODULES, ...change };
  const rng = Rng.named(seed, "served adapter");
  const fresh = LoraAdapter.create(model.config, config, rng);
  const values = new Map(
    [...fresh.parameters].map(([name, { shape, size }]) => [
      name,
      { shape, data: randoms(size, { rng, low: -0.1, high: 0.1 }) },
    ]),
  );
  const adapter = LoraAdapter.from(model.config, config, {
    file: "random",
    get: (name) => values.get(name),
  });
  fresh.dispose();
  model.dispose();
  return adapter;
}

/** Writes an adapter as PEFT does. */
export async function writeAdapter(adapter: LoraAdapter, folder: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  await saveAdapter(adapter, folder, { baseModel: "tiny" });
  return folder;
}

/** A running server. */
export interface VllmServer {
  readonly url: string;
  readonly port: number;
  /** Ends it and its engine; at once, as a machine that is lost, or as a supervisor does. */
  stop(how?: "kill" | "end"): Promise<void>;
}

/** A port of 127.0.0.1 that nothing listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Starts a server of {@linkcode writeServedModel}'s folder and waits until it is healthy. */
export async function startVllm(
  model: string,
  { port = freePort(), log, runtime = true, args = [] }: {
    readonly port?: number;
    /** File that its output is added to. */
    readonly log: string;
    /** Whether it loads adapters while it runs. @default true */
    readonly runtime?: boolean;
    readonly args?: readonly string[];
  },
): Promise<VllmServer> {
  let process: ProcessIdentity | undefined;
  const url = `http://127.0.0.1:${port}`;
  const stop = async (how: "kill" | "end" = "end") => {
    if (!process) return;
    const { pid } = process;
    await endTree(process, { graceMs: how === "kill" ? 0 : 8000 });
    // Its threads end after its main one: it is this process's child until the last of them has.
    await until(() => Promise.resolve(!existsSync(`/proc/${pid}`)));
  };
  await startDetached([
    ...[PYTHON!, "-m", "vllm.entrypoints.openai.api_server"],
    ...["--model", model, "--served-model-name", "base", "--host", "127.0.0.1"],
    ...["--port", String(port), "--dtype", "float32", "--max-model-len", "2048"],
    ...["--max-num-seqs", "32", "--enforce-eager", "--enable-lora", "--max-loras", "2"],
    ...["--max-cpu-loras", "6", "--max-lora-rank", "16", "--no-enable-log-requests"],
    ...args,
  ], {
    log,
    env: {
      ...(runtime && { VLLM_ALLOW_RUNTIME_LORA_UPDATING: "True" }),
      ...{ VLLM_API_KEY: KEY, VLLM_CPU_KVCACHE_SPACE: "1", VLLM_CPU_OMP_THREADS_BIND: "nobind" },
      ...{ OMP_NUM_THREADS: "1", VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" },
      HF_HUB_OFFLINE: "1",
    },
    record: (identity) => {
      process = identity;
      return Promise.resolve();
    },
  });
  for (let tries = 0; tries < 1800; tries++) { // a quarter of an hour, on a machine that others use too
    await new Promise((resolve) => setTimeout(resolve, 500));
    const healthy = await fetch(`${url}/health`).then(
      async (reply) => {
        await reply.body?.cancel();
        return reply.ok;
      },
      () => false,
    );
    if (healthy) return { url, port, stop };
  }
  await stop("kill");
  throw new Error(`vLLM did not start:\n${(await Deno.readTextFile(log)).slice(-3000)}`);
}

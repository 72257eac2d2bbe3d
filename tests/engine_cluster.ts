/** A cluster's settings for tests, and a Python that has Ray, torch and TRL, if this machine has one. */
import { it } from "jsr:@std/testing@1/bdd";
import { type Cluster, clusterOf } from "../lib/engine/mod.ts";

/** Settings with parts of `train` replaced; the shared folder is the same on both sides. */
export function testCluster(
  folder: string,
  train: Record<string, unknown>,
  there = folder,
): Cluster {
  return clusterOf({
    serve: {
      servers: ["http://127.0.0.1:8100"],
      baseModel: "base",
      keyVariable: "TEST_SERVE_KEY",
      dtype: "float32",
    },
    train: { python: "/usr/bin/python3", dtype: "float32", gpus: false, ...train },
    storage: { here: folder, there },
  });
}

/** The Python; null: the tests are to do without. Real servers take minutes, so `deno task test` does. */
export const PYTHON: string | null = Deno.env.get("SELF_JUDGE_CLUSTER_PYTHON") || null;

if (PYTHON === null) {
  console.warn(
    "skipping what vLLM, Ray and TRL do: SELF_JUDGE_CLUSTER_PYTHON names no Python of theirs " +
      "(deno task engine --install prints one)",
  );
}

/** `it` where there is such a Python. */
export const itWithPython: (name: string, body: () => Promise<void>) => void = PYTHON === null
  ? it.skip
  : it;

/** Whether a number that a script wrote into a file is that of a process that runs: kill(1) finds ended ones too. */
export async function runs(pid: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `case "$(cut -d' ' -f3 /proc/${pid.trim()}/stat)" in ""|Z) exit 1;; esac`],
    stderr: "null",
  }).output();
  return success;
}

/** A cluster's settings for tests, and a Python that has Ray, torch and TRL, if this machine has one. */
import { it } from "jsr:@std/testing@1/bdd";
import { type Cluster, clusterOf } from "../lib/engine/mod.ts";
import { clusterPython } from "../lib/engine/environment.ts";

/** Settings with parts of `train` replaced; the shared folder is the same on both sides. */
export function testCluster(
  folder: string,
  train: Record<string, unknown>,
  there = folder,
): Cluster {
  return clusterOf({
    serve: { servers: ["http://127.0.0.1:8100"], baseModel: "base", dtype: "float32" },
    train: { python: "/usr/bin/python3", dtype: "float32", gpus: false, ...train },
    storage: { here: folder, there },
  });
}

/** The Python; null: this machine has none. */
export const PYTHON: string | null = Deno.env.get("SELF_JUDGE_CLUSTER_PYTHON") ||
  await clusterPython();

if (PYTHON === null) {
  console.warn(
    "skipping what runs on Ray: its Python is not installed, and SELF_JUDGE_CLUSTER_PYTHON names none",
  );
}

/** `it` where there is such a Python. */
export const itWithPython: (name: string, body: () => Promise<void>) => void = PYTHON === null
  ? it.skip
  : it;

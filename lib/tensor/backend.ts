/**
 * The engine: the best tfjs backend that loads on this machine.
 *
 * Native TensorFlow first (the binding that `deno task setup` puts in place), then WebAssembly, then plain
 * JavaScript. All of them register on the one tfjs that everybody imports as `@tensorflow/tfjs`.
 */
import "./shim.ts";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import process from "node:process";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { useOneDnnSoftmax } from "./softmax_kernel.ts";

/** What the engine runs on, why, and what that costs. */
export interface EngineReport {
  readonly backend: "tensorflow" | "wasm" | "cpu";
  readonly device: "cpu" | "gpu";
  /** Version of TensorFlow, or of tfjs where TensorFlow is not used. */
  readonly version: string;
  /** Why this backend: what was found, or what kept a better one from loading. */
  readonly reason: string;
  /** What the choice costs against the best one; empty when nothing. */
  readonly cost: string;
}

type Backend = EngineReport["backend"];

const ORDER: readonly Backend[] = ["tensorflow", "wasm", "cpu"];

// Measured on 2 cores: wasm on a small train step, plain JavaScript on a 1024 x 1024 product.
const COST: Record<Backend, string> = {
  tensorflow: "",
  wasm: "about 30 times slower than native TensorFlow; `deno task doctor` says what is missing",
  cpu: "about 250 times slower than native TensorFlow; `deno task doctor` says what is missing",
};

let started: Promise<EngineReport> | undefined;

/**
 * Starts the engine and makes it tfjs' current backend; later calls return the first call's report.
 *
 * The environment variable `SELF_JUDGE_BACKEND` (tensorflow, wasm or cpu) asks for one backend and no other.
 *
 * @throws {UserError} when no backend, or not the one asked for, can be loaded.
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { startEngine } from "./backend.ts";
 * const { backend } = await startEngine();
 * console.log(backend, tf.getBackend() === backend); // tensorflow true
 * ```
 */
export function startEngine(): Promise<EngineReport> {
  return started ??= start(process.env.SELF_JUDGE_BACKEND);
}

async function start(asked: string | undefined): Promise<EngineReport> {
  const order = ORDER.filter((backend) => !asked || asked === backend);
  if (order.length === 0) {
    throw new UserError(
      `SELF_JUDGE_BACKEND="${asked}" names no backend`,
      `set it to one of ${ORDER.join(", ")}, or not at all`,
    );
  }
  const failures: string[] = [];
  for (const backend of order) {
    try {
      const found = await LOADERS[backend]();
      const why = asked ? "asked for by SELF_JUDGE_BACKEND" : failures.join("; ");
      return { backend, cost: COST[backend], ...found, reason: why || found.reason };
    } catch (error) {
      failures.push(`${backend} did not load: ${firstLine(error)}`);
    }
  }
  throw new UserError(failures.join("; "), "run `deno task setup`, then `deno task doctor`");
}

type Found = Omit<EngineReport, "backend" | "cost"> & { readonly cost?: string };

const LOADERS: Record<Backend, () => Promise<Found>> = {
  async tensorflow() {
    await import("@tensorflow/tfjs-node-gpu");
    await select("tensorflow");
    const native = tf.backend() as unknown as {
      isUsingGpuDevice: boolean;
      binding: { TF_Version: string };
    };
    if (!native.isUsingGpuDevice) useOneDnnSoftmax();
    const version = native.binding.TF_Version;
    // tfjs-node 4.22's own prebuilt binding carries TensorFlow 2.9.1.
    const prebuilt = version.startsWith("2.9.");
    return {
      device: native.isUsingGpuDevice ? "gpu" : "cpu",
      version,
      reason: prebuilt ? "the package's prebuilt binding" : "binding built on this machine",
      cost: prebuilt ? "no use of GPUs newer than 2021" : "",
    };
  },
  async wasm() {
    const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm");
    const require = createRequire(import.meta.url);
    setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
    await select("wasm");
    return { device: "cpu", version: tf.version.tfjs, reason: "" };
  },
  async cpu() {
    await select("cpu");
    return { device: "cpu", version: tf.version.tfjs, reason: "" };
  },
};

async function select(backend: Backend): Promise<void> {
  if (!await tf.setBackend(backend)) throw new Error("tfjs could not initialise it");
  await tf.ready();
}

function firstLine(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split("\n")[0].trim();
  return /addon module .* can not be found/.test(line) ? "its binding is not built" : line;
}

/** `deno task doctor`: one table of what the engine needs, what is there, and how to mend the rest. */
import * as tf from "@tensorflow/tfjs";
import { helpAsked } from "./help.ts";
import { exists } from "../../base/disk.ts";
import { textTable } from "../../base/text_table.ts";
import { compiledSteps, type EngineReport, startEngine } from "../../tensor/mod.ts";
import { findCompiler } from "./binding.ts";
import { KERNEL, places, ROOT } from "./places.ts";
import { thisMachine, wheelPlan } from "./platform.ts";
import { run } from "./step.ts";

/** A line of the table. */
export interface Row {
  readonly name: string;
  /** `absent`: something that nothing here depends on is not there. */
  readonly state: "ok" | "fail" | "absent";
  readonly found: string;
  readonly fix?: string;
}

/** The table as text, and the exit code: 1 when something required is missing. */
export function renderTable(rows: readonly Row[]): { text: string; code: number } {
  const mark = { ok: "[OK]  ", fail: "[FAIL]", absent: "[--]  " };
  const cells = rows.flatMap(({ name, state, found, fix }) => [
    [`${mark[state]} ${name}`, found],
    ...(state !== "ok" && fix ? [["", `fix: ${fix}`]] : []),
  ]);
  return { text: textTable(cells), code: rows.some((row) => row.state === "fail") ? 1 : 0 };
}

/** GFLOP/s of a 1024 x 1024 float32 product: the best of some runs, at most about two seconds. */
export async function measureProduct(): Promise<number> {
  const size = 1024;
  const a = tf.ones([size, size]) as tf.Tensor2D;
  let best = Infinity;
  const began = performance.now();
  for (let i = 0; i < 30 && performance.now() - began < 2000; i++) {
    const start = performance.now();
    const product = tf.matMul(a, a);
    await product.data(); // waits for a device that runs behind
    product.dispose();
    best = Math.min(best, performance.now() - start);
  }
  a.dispose();
  return 2 * size ** 3 / (best * 1e6);
}

/**
 * What the engine needs and what of it is there, a row each.
 *
 * @param root Folder of the checkout.
 * @param options.measure Whether to time a matrix product too, at most two seconds.
 */
export async function examine(
  root: string,
  { measure = true }: { measure?: boolean } = {},
): Promise<Row[]> {
  const at = places(root);
  const machine = await thisMachine();
  const plan = wheelPlan(machine);
  const engine = await startEngine().catch((error: Error) => error);
  const native = !(engine instanceof Error) && engine.backend === "tensorflow";
  // A tool that built the binding is no longer needed once the binding runs.
  const tool = (name: string, found: string | undefined, fix: string): Row => ({
    name,
    state: found ? "ok" : native ? "absent" : "fail",
    found: found ?? "not found",
    fix,
  });
  const compiler = await findCompiler();
  const again = "deno task setup";
  const headers = `${root}/node_modules/node-api-headers/include/node_api.h`;
  const wheel = plan && `${at.engine}/${plan.folder}`;
  return [
    {
      name: "Deno",
      state: Deno.version.deno.localeCompare("2.9", "en", { numeric: true }) >= 0 ? "ok" : "fail",
      found: `${Deno.version.deno} on ${machine.os} ${machine.arch}`,
      fix: "deno upgrade 2.9.6, or npm install deno@2.9.6",
    },
    tool("Node-API headers", await exists(headers) ? "in node_modules" : undefined, again),
    tool(
      "C++ compiler",
      compiler && await versionOf(compiler),
      "apt-get install g++; macOS: xcode-select --install",
    ),
    tool(
      "Python",
      await versionOf("python3"),
      "apt-get install python3-venv; macOS: xcode-select --install",
    ),
    tool(
      "TensorFlow wheel",
      wheel && await exists(wheel) ? plan.requirement : undefined,
      plan ? again : "use Linux, WSL 2 or Apple silicon",
    ),
    {
      name: "Binding",
      state: native ? "ok" : "fail",
      found: await exists(at.binding)
        ? native ? `loads, TensorFlow ${engine.version}` : "is there but does not load"
        : "not built",
      fix: again,
    },
    gpuRow(machine.nvidia, native && engine.device === "gpu"),
    engineRow(engine),
    compileRow(engine),
    ...(measure ? [await productRow(engine)] : []),
    await jupyterRow(at.jupyter),
  ];
}

async function versionOf(program: string): Promise<string | undefined> {
  const { ok, output } = await run([program, "--version"]);
  return ok ? output.split("\n")[0] : undefined;
}

function gpuRow(driver: boolean, used: boolean): Row {
  if (used) return { name: "GPU", state: "ok", found: "in use" };
  const fix = driver
    ? "deno task setup, after a driver for CUDA 12.5 or later is installed"
    : undefined;
  const found = driver
    ? "NVIDIA driver loaded, but TensorFlow does not use it"
    : "no NVIDIA driver";
  return { name: "GPU", state: "absent", found, fix };
}

function engineRow(engine: EngineReport | Error): Row {
  const name = "Backend in use";
  if (engine instanceof Error) return { name, state: "fail", found: engine.message };
  const { backend, device, version, reason, cost } = engine;
  const found = `${backend} ${version} on ${device}: ${reason}${cost && `; cost: ${cost}`}`;
  return { name, state: backend === "tensorflow" ? "ok" : "fail", found, fix: "deno task setup" };
}

function compileRow(engine: EngineReport | Error): Row {
  const name = "Compiled steps";
  if (engine instanceof Error) return { name, state: "absent", found: "no backend" };
  const { on, reason, fix } = compiledSteps();
  if (on) return { name, state: "ok", found: "on" };
  return { name, state: "absent", found: `off: ${reason}`, ...(fix ? { fix } : {}) };
}

async function productRow(engine: EngineReport | Error): Promise<Row> {
  const name = "1024 x 1024 product";
  if (engine instanceof Error) return { name, state: "fail", found: "no backend" };
  return { name, state: "ok", found: `${(await measureProduct()).toPrecision(3)} GFLOP/s float32` };
}

async function jupyterRow(jupyter: string): Promise<Row> {
  const name = "Jupyter kernel";
  if (await exists(`${jupyter}/data/kernels/${KERNEL}/kernel.json`)) {
    return { name, state: "ok", found: KERNEL };
  }
  return {
    name,
    state: "absent",
    found: "not installed (only notebooks need it)",
    fix: "deno task notebooks",
  };
}

if (import.meta.main) {
  helpAsked("doctor", "Says what the engine needs, and what of it is there.");
  const { text, code } = renderTable(
    await examine(ROOT),
  );
  console.log(text);
  Deno.exit(code);
}

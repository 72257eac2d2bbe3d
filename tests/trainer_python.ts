/** The Python that has TRL, for tests of the trainer. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PYTHON } from "./engine_cluster.ts";

/** The trainer's folder. */
export const TRAINER = fileURLToPath(new URL("../lib/engine/python", import.meta.url));
const STAGES = fileURLToPath(new URL("./reference/trainer_stages.py", import.meta.url));

export { itWithPython as itTrains, PYTHON } from "./engine_cluster.ts";

/** What Python printed, and how it ended. */
export interface PythonEnd {
  readonly code: number;
  readonly text: string;
}

/** Starts a Python, which writes what it says into a file. */
export function startPython(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(PYTHON!, {
    args: [...args],
    env: { OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" },
    ...{ stdin: "null", stdout: "piped", stderr: "piped" } as const,
  }).spawn();
}

/** Waits for a Python. */
export async function ended(child: Deno.ChildProcess): Promise<PythonEnd> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, text: `${text(stdout)}\n${text(stderr)}` };
}

/** Trains stages one after the other, on so many processes. @returns the exit codes, one a stage */
export async function trainStages(
  stages: readonly string[],
  { processes = 1 }: { processes?: number } = {},
): Promise<number[]> {
  const launcher = processes === 1
    ? []
    : ["-m", "torch.distributed.run", "--standalone", `--nproc-per-node=${processes}`];
  const { code, text } = await ended(startPython([...launcher, STAGES, TRAINER, ...stages]));
  assert.equal(code, 0, text);
  const last = text.split("\n").findLast((line) => /^\[[\d, ]+\]$/.test(line));
  assert.ok(last, text);
  return JSON.parse(last);
}

/** The trainer's Python files, and what it needs in its environment. @module */
import { fileURLToPath } from "node:url";
import type { Cluster } from "../settings.ts";

const FOLDER = new URL("../python/", import.meta.url);

/** Path of the trainer on this machine. */
export const trainerPath = (): string => fileURLToPath(new URL("trainer.py", FOLDER));

/** Path of a Python file of this folder on this machine. */
export const pythonFile = (name: string): string => fileURLToPath(new URL(name, FOLDER));

/** All Python files that the trainer consists of, by name. */
export async function trainerFiles(): Promise<Record<string, Uint8Array>> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(FOLDER)) {
    if (isFile && name.endsWith(".py")) names.push(name);
  }
  const files = names.sort().map(async (name) =>
    [name, await Deno.readFile(new URL(name, FOLDER))] as const
  );
  return Object.fromEntries(await Promise.all(files));
}

/** The version of a package that the trainer was tested with; undefined: none is pinned. */
export async function pinnedVersion(name: string): Promise<string | undefined> {
  const text = await Deno.readTextFile(new URL("requirements.txt", FOLDER));
  return new RegExp(`^${name}(?:\\[[^\\]]*\\])?==(\\S+)`, "m").exec(text)?.[1];
}

/** Environment variables of every trainer process. */
export function trainerEnvironment({ train }: Pick<Cluster, "train">): Record<string, string> {
  return {
    PYTHONUNBUFFERED: "1", // a log that is there when the process dies
    OMP_NUM_THREADS: String(train.threads), // else each process takes all cores
    TOKENIZERS_PARALLELISM: "false",
  };
}

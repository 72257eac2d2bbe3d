import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PIP_ENV } from "../setup/python.ts";
import { mustRun } from "../setup/step.ts";

/** Names the variable that points at an interpreter to use instead of the environment made here. */
const OVERRIDE = "SELF_JUDGE_REFERENCE_PYTHON";
/** PyTorch's own index: wheels without CUDA, a tenth of the size of those on PyPI. */
const CPU_INDEX = "https://download.pytorch.org/whl/cpu";

/** Options of {@linkcode referencePython}. */
export interface VenvOptions {
  /** Where the environment lives. */
  readonly folder: string;
  /** The GPU build of PyTorch is installed for "cuda". */
  readonly device: "cpu" | "cuda";
  /** The file of packages beside this one. @default "requirements.txt" */
  readonly requirements?: string;
  /** Hears one line for each thing worth knowing. */
  readonly log: (line: string) => void;
}

/**
 * An interpreter with the packages of requirements.txt, made where it is not there yet.
 *
 * The environment counts as complete when a copy of the requirements lies in it, which is written
 * last: an interrupted installation is simply continued, changed requirements are installed.
 *
 * @throws {UserError} No Python, no `venv` module, or pip failed.
 */
export async function referencePython(
  { folder, device, requirements: list = "requirements.txt", log }: VenvOptions,
): Promise<string> {
  const own = Deno.env.get(OVERRIDE);
  if (own) {
    log(`PyTorch's side: ${own} (${OVERRIDE})`);
    return own;
  }
  const requirements = fileURLToPath(new URL(`./${list}`, import.meta.url));
  // A list may name another: both count.
  const listed = await Promise.all(
    [...new Set([list, "requirements.txt"])].map((name) =>
      Deno.readTextFile(new URL(`./${name}`, import.meta.url))
    ),
  );
  const wanted = `${listed.join("")}# ${device}\n`;
  const python = join(folder, "bin", "python");
  const marker = join(folder, "complete.txt");
  if (await Deno.readTextFile(marker).catch(() => "") === wanted) return python;

  await mustRun(["python3", "-m", "venv", folder], {
    label: `making ${folder}, once`,
    remedy: "install Python 3.10 or newer with its venv module",
  });
  // the index first: pip would otherwise take the CUDA wheels, which a machine without a GPU never uses
  const index = device === "cpu" && await reachable(`${CPU_INDEX}/torch/`)
    ? ["--extra-index-url", CPU_INDEX]
    : [];
  await mustRun([python, "-m", "pip", "install", ...index, "-r", requirements], {
    label: "installing PyTorch and transformers (1 to 6 GB)",
    env: PIP_ENV,
    remedy: "read pip's message above, then run the task again: it continues",
  });
  await Deno.writeTextFile(marker, wanted);
  return python;
}

async function reachable(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Jupyter in the project's own Python environment, and the kernel it offers. Nothing outside `.engine`. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../base/error.ts";
import { exists, lockFolder, makeFolder, writeWhole } from "../../base/files.ts";
import { hash } from "../setup/binding.ts";
import { KERNEL, type Places, places, ROOT } from "../setup/places.ts";
import { PIP_ENV, pipOf } from "../setup/python.ts";
import { waiting } from "../setup/setup.ts";
import { mustRun, run } from "../setup/step.ts";

const REQUIREMENTS = fileURLToPath(new URL("./requirements.txt", import.meta.url));

/**
 * What Jupyter needs to know to find the kernel and to leave the user's home alone.
 *
 * @see https://docs.jupyter.org/en/latest/use/jupyter-directories.html
 */
export function jupyterEnv({ jupyter }: Places): Record<string, string> {
  return {
    JUPYTER_CONFIG_DIR: `${jupyter}/config`,
    JUPYTER_DATA_DIR: `${jupyter}/data`,
    JUPYTER_RUNTIME_DIR: `${jupyter}/runtime`,
    JUPYTER_PATH: `${jupyter}/data`,
    JUPYTERLAB_SETTINGS_DIR: `${jupyter}/settings`,
    JUPYTERLAB_WORKSPACES_DIR: `${jupyter}/workspaces`,
    IPYTHONDIR: `${jupyter}/ipython`,
    JUPYTER_PLATFORM_DIRS: "1",
    // Jupyter finds its own programs beside its Python, whatever else is installed.
    PYTHONNOUSERSITE: "1",
  };
}

/**
 * The kernelspec. The shell makes SIGINT ignored before it becomes Deno, and an ignored signal stays ignored
 * in the program that follows: Jupyter's stop button then cannot end the kernel, only tell the code in it
 * ({@link ../../show/stop.ts}). `"interrupt_mode": "message"` looks like the better way and is not: Deno 2.9.6
 * answers the message by ending the running JavaScript, and a cell that has passed an `await` hangs for ever.
 *
 * The kernel has all permissions; `deno jupyter` knows no flags that would narrow them.
 */
export function kernelspec(deno: string): Record<string, unknown> {
  return {
    argv: [
      "/bin/sh",
      "-c",
      `trap '' INT; exec "$0" jupyter --kernel --conn "$1"`,
      deno,
      "{connection_file}",
    ],
    display_name: "SELF-JUDGE (Deno)",
    language: "typescript",
    interrupt_mode: "signal",
    env: { NO_COLOR: "1" },
  };
}

/** JupyterLab's settings: only our kernel, nothing from outside. */
const LAB_CONFIG = {
  KernelSpecManager: { ensure_native_kernel: false, allowed_kernelspecs: [KERNEL] },
  MultiKernelManager: { default_kernel_name: KERNEL },
  LabApp: { custom_css: true },
};

/** No question about news at the first start, no calls home. */
const NOTIFICATIONS = { fetchNews: "false", checkForUpdates: false };

/**
 * The Plotly extension shows a figure's PNG until the mouse enters it, at the size of its pixels, which are
 * twice as many as the figure's (`SCALE` in {@link ../../show/render.ts}; the browser check looks at it).
 */
const CUSTOM_CSS = ".jp-RenderedPlotly img.plot-img { zoom: 0.5; }\n";

/**
 * Installs Jupyter (pinned in `requirements.txt`) and writes kernelspec and settings. Does what is missing
 * and nothing else; stopped anywhere, it continues at the next call.
 *
 * @throws {UserError} without Python 3.11 or PyPI
 */
export async function installJupyter(): Promise<Places> {
  const at = places(ROOT);
  await makeFolder(at.engine);
  using _lock = await lockFolder(at.engine, { waiting });
  await installPackages(at);
  const files = {
    // Each time: Deno may have moved, as under npx.
    [`data/kernels/${KERNEL}/kernel.json`]: json(kernelspec(Deno.execPath())),
    "config/jupyter_lab_config.json": json(LAB_CONFIG),
    "config/custom/custom.css": CUSTOM_CSS,
  };
  for (const [name, content] of Object.entries(files)) await put(`${at.jupyter}/${name}`, content);
  // The user's own from then on.
  const settings =
    `${at.jupyter}/settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings`;
  if (!await exists(settings)) await put(settings, json(NOTIFICATIONS));
  await makeFolder(`${at.jupyter}/runtime`);
  return at;
}

/** The stamp lies in the environment itself, so that one does not outlive the other. */
async function installPackages(at: Places): Promise<void> {
  const stamp = `${at.venv}/self-judge-notebooks`;
  const wanted = hash(await Deno.readTextFile(REQUIREMENTS));
  if (await Deno.readTextFile(stamp).catch(() => "") === wanted && await exists(at.python)) return;
  const install = await installer(at);
  await mustRun([...install, "-r", REQUIREMENTS], {
    label: "installing JupyterLab (about 60 MB)",
    env: PIP_ENV,
    remedy:
      "check that pypi.org (or the index pip is configured for) can be reached, that the disk has room and " +
      "that python3 is 3.11 or later, then run again: it continues where it stopped",
  });
  await writeWhole(stamp, wanted);
}

/** pip in the environment, or uv, which then makes it. */
async function installer({ venv, python }: Places): Promise<string[]> {
  const pip = await pipOf(venv);
  if (pip) return pip;
  if ((await run(["uv", "venv", "--clear", venv])).ok) {
    return ["uv", "pip", "install", "--python", python];
  }
  throw new UserError(
    "python3 with venv was not found, and neither was uv",
    "install it (Debian, Ubuntu: apt-get install python3-venv; macOS: xcode-select --install), then run " +
      "`deno task notebooks` again",
  );
}

async function put(path: string, content: string): Promise<void> {
  await makeFolder(dirname(path));
  await writeWhole(path, content);
}

const json = (value: unknown) => JSON.stringify(value, null, 2) + "\n";

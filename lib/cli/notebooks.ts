/**
 * `deno task notebooks [JupyterLab's options]`: installs Jupyter if need be, and opens JupyterLab on the
 * notebooks. `--no-browser` only starts the server, `--install` only installs.
 *
 * @module
 */
import { runCommand, taskCommand } from "./command.ts";
import { installJupyter, jupyterEnv } from "../tools/notebook/jupyter.ts";

/** The command that starts JupyterLab. Root is refused by default, and is what a container runs as. */
export function labCommand(python: string, root: string, uid: number | null): string[] {
  return [
    ...[python, "-m", "jupyterlab", `--ServerApp.root_dir=${root}`],
    ...["--LabApp.default_url=/lab/tree/notebooks"],
    ...(uid === 0 ? ["--allow-root"] : []),
  ];
}

if (import.meta.main) {
  await runCommand(async () => {
    if (Deno.args.includes("--help")) {
      taskCommand("notebooks", "--no-browser --port=8890")
        .description("Installs Jupyter if need be, and opens JupyterLab on the notebooks.")
        .argument("[options...]", "JupyterLab's own")
        .option("--install", "only install")
        .outputHelp();
      return;
    }
    const at = await installJupyter();
    if (Deno.args.includes("--install")) return console.log("JupyterLab is installed in .engine");
    const [program, ...args] = labCommand(at.python, at.root, Deno.uid());
    // Ctrl-C is JupyterLab's: it asks before it stops.
    Deno.addSignalListener("SIGINT", () => {});
    const { code } = await new Deno.Command(program, {
      args: [...args, ...Deno.args],
      env: jupyterEnv(at),
      cwd: at.root,
    }).spawn().status;
    if (code !== 0) Deno.exit(code);
  });
}

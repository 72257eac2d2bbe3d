/**
 * `deno task notebooks:run [--scale SCALE] [--save] [NAMES]`: executes the notebooks without a browser, in
 * order, and fails on an error or on an output that should be there and is not.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { Stopped, UserError } from "../base/error.ts";
import { parseCommand, runCommand, shellWords, taskCommand } from "./command.ts";
import { scaleFlag, seedFlag, wholeNumber } from "./flags.ts";
import { SCALE_NAMES } from "../run/recipe.ts";
import { makeFolder, writeCsv } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import { SCALE_VARIABLE, SEED_VARIABLE } from "../show/notebook_config.ts";
import { type Executed, executeNotebook } from "../tools/notebook/execute.ts";
import { cellFaults, leftOutFaults, NO_STILL, outputText } from "../tools/notebook/expect.ts";
import { whole } from "../tools/notebook/format.ts";
import { installJupyter, jupyterEnv } from "../tools/notebook/jupyter.ts";
import { ROOT } from "../tools/setup/places.ts";
import { listNotebooks } from "../tools/notebook/list.ts";
import { baseHash, saveNotebook } from "../tools/notebook/saved.ts";

interface Options {
  scale: string;
  seed: number;
  save: boolean;
  timeout: number;
  folder: string;
}

function parse(args: readonly string[]): { names: string[]; options: Options; given: string[] } {
  const command = taskCommand("notebooks:run", "03 --scale smoke")
    .description("Executes the notebooks in order, in headless kernels.")
    .argument("[names...]", "only these: beginnings of file names, such as 03")
    .addOption(scaleFlag(SCALE_NAMES))
    .addOption(seedFlag(7))
    .option("--save", "write the outputs into the notebooks (at scale small)", false)
    .option(
      "--timeout <seconds>",
      "longest time of one cell",
      wholeNumber("--timeout", 1),
      7200,
    )
    .option("--folder <path>", "where the notebooks are", `${ROOT}/notebooks`);
  parseCommand(command, args);
  const options = command.opts<Options>();
  if (options.save && options.scale !== "small") {
    throw new UserError(
      `--save with --scale ${options.scale}`,
      "saved outputs come from --scale small: leave one of the two out",
    );
  }
  if (options.save && resolve(options.folder) !== `${ROOT}/notebooks`) {
    throw new UserError(
      `--save with --folder ${options.folder}`,
      "outputs are saved into the repository's notebooks alone: leave one of the two out",
    );
  }
  // The options as they were given, to go on with them.
  const given = command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === "cli")
    .flatMap((option) =>
      option.isBoolean()
        ? [option.long!]
        : [option.long!, `${command.getOptionValue(option.attributeName())}`]
    );
  return { names: command.args, options, given };
}

async function main(): Promise<void> {
  const { names, options, given } = parse(Deno.args);
  const paths = await listNotebooks(options.folder, names);
  const at = await installJupyter();
  const copies = `${at.engine}/notebooks/${options.scale}`;
  await makeFolder(copies);
  const env = {
    ...jupyterEnv(at),
    [SCALE_VARIABLE]: options.scale,
    [SEED_VARIABLE]: String(options.seed),
  };
  console.log(`${paths.length} notebooks, scale ${options.scale}, seed ${options.seed}`);
  const base = await baseHash(); // as it is before the first cell reads it
  const { os, arch } = Deno.build;
  const system = `${os} ${arch}, ${navigator.hardwareConcurrency} cores`;
  const times: { notebook: string; seconds: number; result: string }[] = [];
  for (const path of paths) {
    const name = basename(path, ".ipynb");
    const executed = await executeNotebook(path, {
      python: at.python,
      out: `${copies}/${name}.ipynb`,
      env,
      timeout: options.timeout,
    });
    if (executed.error?.name === "Stopped") {
      throw new Stopped(undefined, fromHere(path, { paths, given }));
    }
    const faults = report(name, executed, { save: options.save });
    times.push({
      notebook: name,
      seconds: Number(executed.seconds.toFixed(1)),
      result: faults.length === 0 ? "ok" : "failed",
    });
    console.log(`${name}: ${faults.length === 0 ? "ok" : "FAILED"}, ${duration(executed.seconds)}`);
    for (const fault of faults) console.log(fault);
    if (options.save && faults.length === 0) {
      const { seconds } = times.at(-1)!;
      const { scale, seed } = options;
      await saveNotebook(path, executed.notebook, {
        ...{ notebook: name, scale, seed: String(seed), base, seconds, system },
      });
    }
  }
  await writeCsv(`${copies}/times.csv`, times);
  const failed = times.filter(({ result }) => result !== "ok");
  const total = times.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`${times.length - failed.length} of ${times.length} ok in ${duration(total)}`);
  if (failed.length > 0) Deno.exit(1);
}

/** How to go on at a notebook: the same command would begin at the first one. */
export function fromHere(
  path: string,
  { paths, given }: {
    readonly paths: readonly string[];
    /** Options as the command was given them. */
    readonly given: readonly string[];
  },
): string {
  // Whole names: "03_the_judge" is the beginning of its solutions' name, too.
  const left = paths.slice(paths.indexOf(path)).map((one) => basename(one));
  return `go on with: deno task notebooks:run ${shellWords([...given, ...left])}`;
}

/**
 * What is wrong with an executed notebook, a text for each fault, with the cell and its output.
 *
 * @param options.save Whether outputs are to be saved: then figures must have their picture, and nothing may have been
 * left out for want of data. A machine without a browser or the data can still run the notebooks.
 */
export function report(
  name: string,
  { notebook, error, cell }: Executed,
  { save = true }: { save?: boolean } = {},
): string[] {
  const found = cellFaults(notebook).filter(({ problem }) => save || !problem.endsWith(NO_STILL));
  const texts = found.map(({ cell, problem }) => {
    const { source } = notebook.cells[cell - 1];
    const output = outputText(notebook.cells[cell - 1]);
    const indented = (text: string) => text.split("\n").map((line) => `    ${line}`).join("\n");
    return [
      `  ${name} cell ${cell} ${problem}`,
      indented(whole(source)),
      ...(output ? ["  its output:", indented(output)] : ["  it has no output"]),
    ].join("\n");
  });
  const leftOut = save ? leftOutFaults(notebook) : [];
  for (const { cell, problem } of leftOut) texts.push(`  ${name} cell ${cell} ${problem}`);
  if (leftOut.length > 0) {
    texts.push(
      "  not saved: its outputs would take the place of whole ones\n" +
        "  -> SELF_JUDGE_DATA=FOLDER names a folder of data sets; or run where the Hub is in reach",
    );
  }
  if (error && !found.some(({ problem }) => problem.startsWith("ended with"))) {
    texts.push(`  ${name} cell ${cell + 1}: ${error.name}: ${error.message}`);
  }
  return texts;
}

if (import.meta.main) await runCommand(main);

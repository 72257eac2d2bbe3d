/**
 * `deno task notebooks:check [--fix] [NAMES]`: what can be said of the notebooks without running them. Format, types,
 * lint, length of cells, the kernel's name, tags, saved outputs where a tag asks for them, and whether these are of
 * the code and the base model that are there now. `--fix` formats.
 *
 * @module
 */
import { basename, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { makeFolder, writeWhole } from "../base/files.ts";
import { run } from "../tools/setup/step.ts";
import { resultTable } from "../show/result_table.ts";
import { formatted } from "../tools/notebook/deno_fmt.ts";
import { cellFaults } from "../tools/notebook/expect.ts";
import { type Notebook, readNotebook, whole } from "../tools/notebook/format.ts";
import { KERNEL, ROOT } from "../tools/setup/places.ts";
import { listNotebooks } from "../tools/notebook/list.ts";
import { type NotebookModule, toModule } from "../tools/notebook/module.ts";
import { baseHash, staleFaults, TIMES } from "../tools/notebook/saved.ts";

/** Longest code cell, in lines: what is read in one go. */
export const MAX_LINES = 25;

/**
 * Where modules lie while they are checked. Deno leaves alone what deno.json excludes, such as `.engine`; this
 * folder is git-ignored, and Jupyter's own for such files.
 */
const SCRATCH = `${ROOT}/.ipynb_checkpoints`;

/**
 * Faults that show in the file itself.
 *
 * @param now What saved outputs should be from: see {@linkcode staleFaults}.
 */
export function staticFaults(
  name: string,
  notebook: Notebook,
  now: { base: string | null; seconds?: number } = { base: null },
): string[] {
  const kernel = (notebook.metadata.kernelspec as { name?: string } | undefined)?.name;
  const long = notebook.cells.flatMap(({ cell_type, source }, index) => {
    const count = whole(source).trimEnd().split("\n").length;
    return cell_type === "code" && count > MAX_LINES
      ? [
        `${name} cell ${
          index + 1
        } has ${count} lines; split it, or move work into lib (at most ${MAX_LINES})`,
      ]
      : [];
  });
  const unfit = cellFaults(notebook).map(({ cell, problem }) => `${name} cell ${cell} ${problem}`);
  const stale = staleFaults(notebook, now).map((text) => `${name} ${text}`);
  const again = stale.length > 0 || unfit.some((text) => text.includes("lacks"));
  return [
    ...(kernel === KERNEL
      ? []
      : [`${name} names the kernel "${kernel}"; it should be "${KERNEL}"`]),
    ...long,
    ...unfit,
    ...stale,
    ...(again
      ? [`  -> deno task notebooks:run --save ${basename(name, ".ipynb").slice(0, 2)}`]
      : []),
  ];
}

/** Formats, types and lints the code cells. @returns A text for each fault, places as notebook, cell and line */
export async function codeFaults(paths: readonly string[]): Promise<string[]> {
  const deno = Deno.execPath();
  const modules = new Map<string, { notebook: string; module: NotebookModule }>();
  // Jupyter's own checkpoints may lie beside it, and another check may be running.
  const scratch = `${SCRATCH}/check-${Deno.pid}`;
  await makeFolder(scratch);
  try {
    for (const path of paths) {
      const to = `${scratch}/${basename(path, ".ipynb")}.ts`;
      const module = toModule(await readNotebook(path), { from: path, to });
      await writeWhole(to, module.text);
      modules.set(to, { notebook: short(path), module });
    }
    const files = [...modules.keys()];
    const where = (file: string, line: number): string => {
      const { notebook, module } = modules.get(file)!;
      const place = module.place(line);
      return place ? `${notebook} cell ${place.cell}, line ${place.line}` : notebook;
    };
    const format = await unformatted(paths);
    const types = await run([deno, "check", "--quiet", ...files], { cwd: ROOT });
    const lint = await run([deno, "lint", "--json", ...files], { cwd: ROOT });
    return [
      ...format.map((path) =>
        `${short(path)} is not formatted\n  -> deno task notebooks:check --fix`
      ),
      ...(types.ok ? [] : [traced(clean(types.output), where)]),
      ...(lint.ok ? [] : lintFaults(lint.output, where)),
    ];
  } finally {
    await Deno.remove(scratch, { recursive: true });
    await Deno.remove(SCRATCH).catch(() => {}); // only if nothing else is in it
  }
}

/** Notebooks that the formatter would change. */
async function unformatted(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const text = await Deno.readTextFile(path);
    if (await formatted(text) !== text) found.push(path);
  }
  return found;
}

/** The path of a URL, in which a blank is `%20`; a path as it is. */
const pathOf = (place: string) => place.startsWith("file:") ? fileURLToPath(place) : place;

type Where = (file: string, line: number) => string;

/** A tool's text with our places instead of the modules'. */
function traced(text: string, where: Where): string {
  return text.replaceAll(
    /(file:\/\/\S+\.ts):(\d+):\d+/g,
    (all, url, line) => {
      const file = pathOf(url);
      return file.startsWith(`${SCRATCH}/`) ? where(file, Number(line)) : all;
    },
  );
}

function lintFaults(output: string, where: Where): string[] {
  const { diagnostics = [], errors = [] } = JSON.parse(output.slice(output.indexOf("{"))) as {
    diagnostics?: {
      filename: string;
      range: { start: { line: number } };
      code: string;
      message: string;
      hint?: string;
    }[];
    errors?: { file_path: string; message: string }[];
  };
  return [
    ...diagnostics.map(({ filename, range, code, message, hint }) => {
      const place = where(pathOf(filename), range.start.line);
      return `${place}: ${message} (${code})${hint ? `\n  -> ${hint}` : ""}`;
    }),
    ...errors.map(({ message }) => traced(message, where)),
  ];
}

const clean = (output: string) =>
  output.replace(/\n*Stack backtrace:[\s\S]*$/, "").replace(
    /\n*error: Type checking failed\.\s*$/,
    "",
  ).trim();

const short = (path: string) => relative(ROOT, path);

if (import.meta.main) {
  await runCommand(async () => {
    const command = taskCommand("notebooks:check", "03 --fix")
      .description("What can be said of the notebooks without running them.")
      .argument("[names...]", "only these: beginnings of file names, such as 03")
      .option("--folder <path>", "where the notebooks are", `${ROOT}/notebooks`)
      .option("--fix", "format them", false);
    const { folder, fix } = parseCommand(command, Deno.args).opts<
      { folder: string; fix: boolean }
    >();
    const paths = await listNotebooks(folder, command.args);
    if (fix) {
      for (const path of await unformatted(paths)) {
        await writeWhole(path, await formatted(await Deno.readTextFile(path)));
        console.log(`formatted ${short(path)}`);
      }
    }
    const faults = await codeFaults(paths);
    const [base, times] = [await baseHash(), await resultTable(TIMES) ?? []];
    for (const path of paths) {
      const found = times.find(({ notebook }) => notebook === basename(path, ".ipynb"))?.seconds;
      const seconds = found === undefined ? undefined : Number(found);
      faults.push(...staticFaults(short(path), await readNotebook(path), { base, seconds }));
    }
    for (const fault of faults) console.log(fault);
    console.log(`${paths.length} notebooks, ${faults.length} faults`);
    if (faults.length > 0) Deno.exit(1);
  });
}

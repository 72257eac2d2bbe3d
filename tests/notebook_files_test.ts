import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { MAX_LINES, staticFaults } from "../lib/cli/notebooks_check.ts";
import { cellFaults } from "../lib/tools/notebook/expect.ts";
import {
  type Cell,
  normalised,
  type Notebook,
  type Output,
  readNotebook,
  serialised,
} from "../lib/tools/notebook/format.ts";
import { jupyterEnv, kernelspec } from "../lib/tools/notebook/jupyter.ts";
import { places } from "../lib/tools/setup/places.ts";
import { labCommand } from "../lib/cli/notebooks.ts";
import { listNotebooks } from "../lib/tools/notebook/list.ts";
import { toModule } from "../lib/tools/notebook/module.ts";
import { report } from "../lib/cli/notebooks_run.ts";
import { newFolder } from "./temporary_files.ts";

const code = (source: string, tags: string[] = [], outputs: Output[] = []): Cell => ({
  id: "c",
  cell_type: "code",
  metadata: tags.length > 0 ? { tags } : {},
  source,
  outputs,
});
const text = (source: string): Cell => ({ cell_type: "markdown", metadata: {}, source });
const book = (...cells: Cell[]): Notebook => ({
  cells,
  metadata: { kernelspec: { name: "self-judge" } },
  nbformat: 4,
  nbformat_minor: 5,
});
const display = (data: Record<string, unknown>, metadata = {}): Output => ({
  output_type: "display_data",
  data,
  metadata,
});
const progressOutput = (line: string) =>
  display({ "text/plain": line, "text/html": `<div>${line}</div>` }, {
    "self-judge": { progress: true },
  });

/** The task, which may write where tests may not. */
async function check(
  folder: string,
  color: Record<string, string> = {},
): Promise<{ code: number; faults: string }> {
  const { NO_COLOR: _, ...env } = Deno.env.toObject();
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    clearEnv: true,
    env: { ...env, ...color },
    args: [
      "run",
      "--allow-read",
      "--allow-env",
      "--allow-run",
      "--allow-write=.ipynb_checkpoints",
      "lib/cli/notebooks_check.ts",
      "--folder",
      folder,
    ],
  }).output();
  return { code, faults: new TextDecoder().decode(stdout) };
}

let folder = "";
beforeEach(async () => {
  folder = await newFolder();
});

describe("a saved notebook", () => {
  it("is the same for two runs that differ in counters, times and pieces of streams", () => {
    const run = (count: number, pieces: string[], time: string) => {
      const cell = code("x", [], [
        ...pieces.map((piece): Output => ({ output_type: "stream", name: "stdout", text: piece })),
        progressOutput(`draws: draw 3/3 | loss 0.500 | ${time}`),
        { output_type: "execute_result", execution_count: count, data: { "text/plain": "1" } },
      ]);
      cell.execution_count = count;
      cell.metadata.execution = { "iopub.status.busy": time };
      return serialised(normalised(book(text("# A\nb"), cell)));
    };
    assert.equal(run(1, ["ab\n", "cd\n"], "9.8 s"), run(12, ["ab\ncd\n"], "1 min 3 s"));
    assert.match(run(1, [], "2 h 5 min"), /draw 3\/3 \| loss 0\.500"/);
  });

  it("keeps a time in an output that is not progress", () => {
    const output = display({ "text/plain": "took | 12 s" });
    assert.match(serialised(normalised(book(code("x", [], [output])))), /took \| 12 s/);
  });

  it("has the layout that Jupyter writes and gives cells without an id a lasting one", () => {
    const twice = normalised(normalised(book(text("a"), text("b"))));
    assert.deepEqual(twice, normalised(book(text("a"), text("b"))));
    assert.notEqual(twice.cells[0].id, twice.cells[1].id);
    assert.match(serialised(twice), /^{\n "cells": \[\n {2}{\n {3}"cell_type": "markdown",\n/);
  });
});

describe("a tag", () => {
  const figure = { "application/vnd.plotly.v1+json": { data: [] } };

  it("finds an output that should be there and is not", () => {
    const notebook = book(
      code("a", ["output"], [progressOutput("3/3")]),
      code("b", ["figure"], [display(figure)]),
      code("c", ["table"], [display({ "text/html": "<table><tbody>\n</tbody></table>" })]),
      code("d", ["figure"], [display({ "text/plain": "x" })]),
      code("e", ["output"], [{ output_type: "stream", name: "stdout", text: "\n" }]),
      code("f", ["figure-or-text"], [display(figure)]),
      code("g", ["figure-or-text"]),
    );
    assert.deepEqual(
      cellFaults(notebook).map(({ cell, problem }) => `${cell} ${problem.replace(/.*lacks /, "")}`),
      [
        "1 an output",
        "2 the still picture of a figure (is Chromium installed?)",
        "3 a table with rows",
        "4 a figure",
        "5 an output",
        "6 the still picture of a figure (is Chromium installed?)",
        "7 an output",
      ],
    );
  });

  it("is content with what it asks for", () => {
    const notebook = book(
      code("a", ["output"], [display({ "text/plain": "x" })]),
      code("b", ["figure", "output"], [display({ ...figure, "image/png": "iVBO" })]),
      code("c", ["table"], [display({ "text/html": ["<tbody>\n", "<tr><td>1</td></tr>"] })]),
      code("d", ["exercise"]),
      code("e", ["figure-or-text"], [display({ ...figure, "image/png": "iVBO" })]),
      code("f", ["figure-or-text"], [display({ "text/plain": "left out" })]),
    );
    assert.deepEqual(cellFaults(notebook), []);
  });

  it("that does not exist is a fault, and so is an error among the outputs", () => {
    const error: Output = { output_type: "error", ename: "TypeError", evalue: "x is 3" };
    const found = cellFaults(book(code("a", ["figures"]), code("b", ["output"], [error])));
    assert.match(found[0].problem, /has the tag "figures", which is none of output, figure/);
    assert.deepEqual(found[1], { cell: 2, problem: "ended with TypeError: x is 3" });
  });

  it("at fault is reported with the cell and what it did put out", () => {
    const cell = code("const a = 1;", ["figure"], [
      { output_type: "stream", name: "stdout", text: "hello\n" },
    ]);
    const [message] = report("05_x", { notebook: book(text("t"), cell), seconds: 1, cell: 1 });
    assert.match(message, /05_x cell 2 is tagged "figure"[\s\S]*const a = 1;[\s\S]*hello/);
  });
});

describe("a notebook as a module", () => {
  it("traces lines back to cells and moves relative imports", () => {
    const notebook = book(
      text("# x"),
      code('import { a } from "../lib/a.ts";\nconst b = await import("./c.ts");'),
      code(""),
      code("a(b);"),
    );
    const { text: module, place } = toModule(notebook, {
      from: "/r/notebooks/1.ipynb",
      to: "/r/.s/x/1.ts",
    });
    const lines = module.split("\n");
    assert.equal(lines[1], 'import { a } from "../../lib/a.ts";');
    assert.equal(lines[2], 'const b = await import("../../notebooks/c.ts");');
    assert.deepEqual(place(3), { cell: 2, line: 2 });
    assert.deepEqual(place(lines.indexOf("a(b);") + 1), { cell: 4, line: 1 });
    assert.equal(place(1), null);
    assert.equal(place(99), null);
  });

  it("is checked: format, types and lint, each with notebook, cell and line", async () => {
    const path = `${folder}/03_bad.ipynb`;
    const cells = [
      text("# Bad"),
      code('import { Rng } from "ROOT/lib/base/random.ts";'.replace("ROOT", Deno.cwd())),
      code('const wrong: number = "text";\nconsole.log(wrong);'),
      code("let never = Rng;\nconsole.log(never);"),
    ];
    await Deno.writeTextFile(path, serialised(normalised(book(...cells))));
    // As in a newcomer's shell, in one that asks for colours, and in one that wants none.
    const shells: Record<string, string>[] = [{}, { FORCE_COLOR: "1" }, { NO_COLOR: "1" }];
    for (const color of shells) {
      const { code: exit, faults } = await check(folder, color);
      assert.equal(exit, 1);
      assert.match(
        faults,
        /Type 'string' is not assignable to type 'number'[\s\S]*03_bad\.ipynb cell 3, line 1/,
      );
      assert.match(faults, /03_bad\.ipynb cell 4, line 1: .*never.*\(prefer-const\)/);
      assert.doesNotMatch(faults, /ipynb_checkpoints/);
    }
  });

  it("has no fault in the fixture", async () => {
    const { faults } = await check("tests/reference/notebooks");
    // It is committed without outputs, which is another kind of fault.
    assert.doesNotMatch(faults, /line \d|deno fmt/);
  });
});

describe("a notebook's file", () => {
  it("is at fault for another kernel and for a cell too long to read in one go", () => {
    const notebook = book(code("a;\n".repeat(MAX_LINES + 1)), code("a;\n".repeat(MAX_LINES)));
    notebook.metadata.kernelspec = { name: "deno" };
    const faults = staticFaults("notebooks/01_x.ipynb", notebook);
    assert.equal(faults.length, 2);
    assert.match(faults[0], /names the kernel "deno"; it should be "self-judge"/);
    assert.match(faults[1], /cell 1 has 26 lines/);
  });

  it("that misses saved outputs names the command that makes them", () => {
    const faults = staticFaults("notebooks/01_x.ipynb", book(code("a", ["output"])));
    assert.match(faults.at(-1)!, /deno task notebooks:run --save 01/);
  });

  it("that is no notebook is refused by name", async () => {
    await Deno.writeTextFile(`${folder}/00_a.ipynb`, '{"cells": [');
    await assert.rejects(readNotebook(`${folder}/00_a.ipynb`), /00_a\.ipynb cannot be read/);
    await Deno.writeTextFile(`${folder}/00_a.ipynb`, '{"nbformat": 3}');
    await assert.rejects(readNotebook(`${folder}/00_a.ipynb`), /not a notebook of format 4/);
  });
});

describe("the list of notebooks", () => {
  it("is in the order of their numbers, or the ones named", async () => {
    for (const name of ["02_b.ipynb", "00_a.ipynb", "10_c.ipynb", "LOG.md", "draft.ipynb"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "{}");
    }
    const names = async (...chosen: string[]) =>
      (await listNotebooks(folder, chosen)).map((path) => path.slice(folder.length + 1));
    assert.deepEqual(await names(), ["00_a.ipynb", "02_b.ipynb", "10_c.ipynb"]);
    assert.deepEqual(await names("10", "00_a.ipynb"), ["00_a.ipynb", "10_c.ipynb"]);
    await assert.rejects(names("03"), /no notebook is called "03"[\s\S]*00_a, 02_b, 10_c/);
  });

  it("has each notebook's solutions after it, and by its number both", async () => {
    await Deno.mkdir(`${folder}/solutions`);
    for (const name of ["00_a.ipynb", "00_b.ipynb", "solutions/00_a_solutions.ipynb"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "{}");
    }
    const names = async (...chosen: string[]) =>
      (await listNotebooks(folder, chosen)).map((path) => path.slice(folder.length + 1));
    assert.deepEqual(await names(), ["00_a.ipynb", "solutions/00_a_solutions.ipynb", "00_b.ipynb"]);
    assert.deepEqual(await names("00_a"), ["00_a.ipynb", "solutions/00_a_solutions.ipynb"]);
    assert.deepEqual(await names("00_a_solutions"), ["solutions/00_a_solutions.ipynb"]);
  });

  it("is not empty", async () => {
    await assert.rejects(listNotebooks(`${folder}/none`), /has no notebook/);
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(listNotebooks(`${folder}/file`), /has no notebook/);
  });
});

describe("Jupyter's files", () => {
  it("make the kernel start with the stop button's signal ignored", async () => {
    const { argv } = kernelspec("/bin/cat") as { argv: string[] };
    // In place of the kernel a program that prints which signals it was started to ignore.
    const script = argv[2].replace('jupyter --kernel --conn "$1"', "/proc/self/status");
    assert.notEqual(script, argv[2]);
    if (Deno.build.os !== "linux") return;
    const { stdout } = await new Deno.Command(argv[0], { args: ["-c", script, "/bin/cat", "x"] })
      .output();
    const [, ignored] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(new TextDecoder().decode(stdout))!;
    assert.equal(BigInt(`0x${ignored}`) & 2n, 2n); // bit 1 is SIGINT
  });

  it("lie below .engine, whatever the user's home holds", () => {
    const { PYTHONNOUSERSITE: _, JUPYTER_PLATFORM_DIRS: __, ...folders } = jupyterEnv(
      places("/r"),
    );
    for (const [name, path] of Object.entries(folders)) {
      assert.ok(path.startsWith("/r/.engine/"), `${name} is ${path}`);
    }
  });

  it("allow root only where it is root, as in a container", () => {
    assert.ok(labCommand("python", "/r", 0).includes("--allow-root"));
    assert.ok(!labCommand("python", "/r", 1000).includes("--allow-root"));
  });
});

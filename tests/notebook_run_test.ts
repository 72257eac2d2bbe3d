import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { executeNotebook } from "../lib/tools/notebook/execute.ts";
import { cellFaults } from "../lib/tools/notebook/expect.ts";
import { normalised, type Notebook, serialised, whole } from "../lib/tools/notebook/format.ts";
import { jupyterEnv } from "../lib/tools/notebook/jupyter.ts";
import { places, ROOT } from "../lib/tools/setup/places.ts";
import { fromHere, report } from "../lib/cli/notebooks_run.ts";
import { exists } from "../lib/base/disk.ts";
import { SCALE_VARIABLE } from "../lib/show/notebook_config.ts";

const at = places();
const ready = await exists(`${at.venv}/self-judge-notebooks`) &&
  await exists(`${at.jupyter}/data/kernels/self-judge/kernel.json`);
const FIXTURE = `${ROOT}/tests/reference/notebooks/00_fixture.ipynb`;

let folder = "";
beforeEach(async () => {
  // Below deno.json, by which what lib imports is found.
  folder = await Deno.makeTempDir({ dir: at.engine });
});
afterEach(async () => {
  await Deno.remove(folder, { recursive: true });
});

function execute(path: string, timeout = 120) {
  return executeNotebook(path, {
    python: at.python,
    out: `${folder}/out.ipynb`,
    env: { ...jupyterEnv(at), [SCALE_VARIABLE]: "smoke" },
    timeout,
  });
}

async function write(...sources: string[]): Promise<string> {
  const notebook: Notebook = {
    cells: sources.map((source) => ({ cell_type: "code", metadata: {}, source, outputs: [] })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  const path = `${folder}/01_test.ipynb`;
  await Deno.writeTextFile(path, serialised(normalised(notebook)));
  return path;
}

/** Needs Jupyter, which `deno task notebooks --install` puts in place. */
(ready ? describe : describe.skip)("a notebook in the kernel", () => {
  it("has all its outputs, at the scale asked for, and leaves the original alone", async () => {
    const before = await Deno.readTextFile(FIXTURE);
    const { notebook, error } = await execute(FIXTURE);
    assert.equal(error, undefined);
    const drawn = Boolean(
      (await new Deno.Command("sh", {
        args: ["-c", "command -v chromium || command -v google-chrome"],
      }).output()).success,
    );
    const problems = cellFaults(notebook).map(({ problem }) => problem);
    assert.deepEqual(problems.filter((text) => drawn || !text.includes("Chromium")), []);
    assert.match(JSON.stringify(notebook.cells[4].outputs), /Scale \*\*smoke\*\*, seed 7/);
    assert.match(JSON.stringify(notebook.cells[5].outputs), /20 draws, mean 0\.\d{3}/);
    assert.equal(await Deno.readTextFile(FIXTURE), before);
  });

  it("loses no output that show() sent, however short the cell", async () => {
    const sources = Array.from({ length: 40 }, (_, i) => `await show("output ${i}");`);
    const path = await write(`import { show } from "${ROOT}/lib/show/mod.ts";`, ...sources);
    const { notebook } = await execute(path);
    const texts = notebook.cells.slice(1).map(({ outputs = [] }) =>
      whole(outputs[0]?.data?.["text/plain"] as string)
    );
    assert.deepEqual(texts, sources.map((_, i) => `output ${i}`));
  });

  it("ends at the first error, which is reported with its cell and what it printed", async () => {
    const path = await write(
      "const a = 1;",
      'console.log("so far");\nthrow new Error("no " + a);',
      "a;",
    );
    const executed = await execute(path);
    assert.equal(executed.error?.name, "Error");
    const faults = report("01_test", executed);
    assert.equal(faults.length, 1);
    assert.match(
      faults[0],
      /01_test cell 2 ended with Error: no 1[\s\S]*throw new Error[\s\S]*so far/,
    );
  });

  it("ends at a cell that takes too long, which is named", async () => {
    const path = await write("1;", "await new Promise((r) => setTimeout(r, 60_000));");
    const [fault] = report("01_test", await execute(path, 2));
    assert.match(fault, /01_test cell 2: Timeout: a cell took more than 2 s/);
  });
});

describe("notebooks that were stopped", () => {
  it("go on at the notebook where they were, with the options of before", () => {
    const paths = ["notebooks/02_b.ipynb", "notebooks/03_c.ipynb", "notebooks/04_d.ipynb"];
    const line = fromHere(paths[1], {
      paths,
      given: ["--seed", "4"],
    });
    assert.equal(line, "go on with: deno task notebooks:run --seed 4 03_c.ipynb 04_d.ipynb");
  });
});

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { staticFaults } from "../lib/cli/notebooks_check.ts";
import { normalised, type Notebook, readNotebook, whole } from "../lib/tools/notebook/format.ts";
import {
  baseHash,
  codeHash,
  minutesText,
  noted,
  saveNotebook,
  staleFaults,
} from "../lib/tools/notebook/saved.ts";
import { report } from "../lib/cli/notebooks_run.ts";
import { inReach } from "../lib/show/in_reach.ts";
import { UserError } from "../lib/base/error.ts";
import { resultTable } from "../lib/show/result_table.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { capturedLog } from "./captured_log.ts";
import { newFolder } from "./temporary_files.ts";

const book = (source: string, head = "# T\n\nReads `data/world/base`, takes about 5 minutes.") => ({
  cells: [
    { id: "a", cell_type: "markdown", metadata: {}, source: head },
    {
      ...{ id: "b", cell_type: "code", metadata: {}, source, execution_count: null },
      outputs: [{ output_type: "stream", name: "stdout", text: "1\n" }],
    },
  ],
  metadata: { kernelspec: { name: "self-judge" } },
  nbformat: 4,
  nbformat_minor: 5,
} as Notebook);
const MADE = { scale: "small", seed: "7", base: "0123", seconds: 62 };

let folder = "";
beforeEach(async () => {
  folder = await newFolder();
});

describe("saved outputs", () => {
  it("are without fault while code, base model and time are those of the note", () => {
    const saved = noted(book("const a = 1;"), MADE);
    assert.deepEqual(staleFaults(saved, { base: "0123", seconds: 62 }), []);
    assert.deepEqual(staleFaults(saved, { base: null }), []); // no base here: nothing is known of it
    assert.match(whole(saved.cells[0].source), /takes about 1 minute\./);
    assert.deepEqual(normalised(saved).metadata["self-judge"], saved.metadata["self-judge"]);
  });

  it("are at fault where a code cell has changed since, but for white space", () => {
    const saved = noted(book("const a = 1;"), MADE);
    const now = (source: string) => ({ ...saved, cells: book(source).cells });
    assert.deepEqual(staleFaults(now("const a =\n  1;"), { base: "0123" }), []);
    assert.deepEqual(staleFaults(now("const a = 2;"), { base: "0123" }), [
      "has outputs of other code than its cells hold",
    ]);
  });

  it("are at fault under another base model, in a notebook that reads it", () => {
    const [reads, readsNot] = [book("1;"), book("1;", "# T\n\nabout 5 minutes")];
    assert.match(staleFaults(noted(reads, MADE), { base: "4567" })[0], /another base model/);
    assert.deepEqual(staleFaults(noted(readsNot, MADE), { base: "4567" }), []);
  });

  it("are at fault without a note, and where the head gives another time", () => {
    assert.match(staleFaults(book("1;"), { base: null })[0], /without a note/);
    const slow = staleFaults(noted(book("1;"), MADE), { base: null, seconds: 300 });
    assert.deepEqual(slow, ["should say in its head that it takes about 5 minutes"]);
  });

  it("are at fault, and not saved, where something was left out for want of data", async () => {
    const left = noted(book("await data();"), MADE);
    const shown = await capturedLog(() =>
      inReach("HH-RLHF", () => Promise.reject(new UserError("no such host", "fetch it")))
    );
    left.cells[1].outputs!.push({
      output_type: "display_data",
      data: { "text/plain": shown },
      metadata: {},
    });
    assert.deepEqual(staleFaults(left, { base: "0123", seconds: 62 }), [
      "cell 2 left something out: HH-RLHF is not in reach: no such host",
    ]);
    const executed = { notebook: left, seconds: 1, cell: 0 };
    const faults = report("01_x", executed, { save: true }).join("\n");
    assert.match(faults, /01_x cell 2 left something out: HH-RLHF/);
    assert.match(faults, /not saved: .*\n {2}-> SELF_JUDGE_DATA=FOLDER/);
    assert.deepEqual(report("01_x", executed, { save: false }), []);
    left.cells[1].outputs!.pop();
    assert.deepEqual(report("01_x", executed, { save: true }), []);
  });

  it("that are none have no fault of this kind", () => {
    const empty = book("1;");
    empty.cells[1].outputs = [];
    assert.deepEqual(staleFaults(empty, { base: "0123", seconds: 300 }), []);
  });

  it("at fault name the notebook and the command that makes them anew", () => {
    const faults = staticFaults("notebooks/03_x.ipynb", book("1;"));
    assert.match(faults.join("\n"), /notebooks\/03_x\.ipynb has outputs without a note/);
    assert.match(faults.at(-1)!, /deno task notebooks:run --save 03/);
  });
});

describe("saving", () => {
  it("writes the notebook with its note, and one row a notebook in the table of times", async () => {
    const [path, times] = [`${folder}/03_x.ipynb`, `${folder}/results/notebooks.csv`];
    const save = (notebook: string, seconds: number) =>
      saveNotebook(path, book("const f = x => [1,2]"), {
        ...{ ...MADE, notebook, seconds, system: "linux x86_64, 2 cores", times },
      });
    await save("03_x", 200);
    await save("02_x", 10);
    await save("03_x", 100);
    const rows = await resultTable(times);
    assert.deepEqual(rows?.map(({ notebook, seconds }) => [notebook, seconds]), [
      ["02_x", 10],
      ["03_x", 100],
    ]);
    const saved = await readNotebook(path);
    assert.deepEqual(staleFaults(saved, { base: "0123", seconds: 100 }), []);
    assert.equal(saved.cells[1].outputs?.length, 1);
  });
});

describe("a hash", () => {
  it("of the base model is of its weights, and none where there are none", async () => {
    assert.equal(await baseHash(folder), null);
    await Deno.mkdir(`${folder}/data/world/base`, { recursive: true });
    await Deno.writeTextFile(`${folder}/data/world/base/model.safetensors`, "abc");
    assert.equal(await baseHash(folder), "ba7816bf8f01cfea"); // sha256 of "abc"
  });

  it("of code is not of text cells", () => {
    assert.equal(codeHash(book("1;")), codeHash(book("1;", "# Other")));
    assert.notEqual(codeHash(book("1;")), codeHash(book("2;")));
  });
});

it("a time in words has one minute at least", () => {
  assert.deepEqual([3, 89, 91, 200].map(minutesText), [
    "about 1 minute",
    "about 1 minute",
    "about 2 minutes",
    "about 3 minutes",
  ]);
});

it("the commands on notebooks start with the permissions of tools, which have no FFI", async () => {
  for (const command of ["notebooks_check", "notebooks_run"]) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-P=tools", `lib/cli/${command}.ts`, "--help"],
      cwd: ROOT,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { join } from "node:path";
import settings from "../deno.json" with { type: "json" };
import { checkOutput } from "../lib/base/outputs.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { command } from "./commands.ts";
import { refusesAtOnce } from "./refusals.ts";
import { file, folder, newFolder, tree } from "./temporary_files.ts";

/** The command of a task, with its permissions, after set-up. */
const task = (name: keyof typeof settings.tasks) =>
  command(settings.tasks[name].command.split(" && ").at(-1)!.replace(/^deno /, ""));

describe("checkOutput", () => {
  it("takes places that can be written or made, and makes nothing", async () => {
    const there = await file("there.csv", "a");
    checkOutput(there, { flag: "--csv", kind: "file" });
    checkOutput(`${folder.path}/new/deep/x.csv`, { flag: "--csv", kind: "file" });
    checkOutput(`${folder.path}/new/deep`, { flag: "--out", kind: "folder" });
    checkOutput(folder.path, { flag: "--out", kind: "folder" });
    assert.ok(!existsSync(`${folder.path}/new`));
  });

  it("refuses what is there of another kind, files in the way, and no name", async () => {
    const there = await file("there.csv", "a");
    const csv = (path: string, message: RegExp) =>
      refusesAtOnce(() => checkOutput(path, { flag: "--csv", kind: "file" }), message);
    csv(folder.path, /^--csv: cannot write .*: there is a folder of that name\n.*name a file/);
    csv(`${there}/x.csv`, /there\.csv is a file\n/);
    csv(" ", /no name/);
    csv(`${folder.path}/new/`, /it ends as a folder does\n.*name a file/);
    checkOutput(`${folder.path}/new/`, { flag: "--out", kind: "folder" });
    const long = "x".repeat(300);
    for (const path of [`${long}.csv`, `new/${long}/x.csv`, `new/deep/${long}.csv`]) {
      csv(
        `${folder.path}/${path}`,
        /cannot be written .*too long[^]*take a shorter name/,
      );
    }
    assert.deepEqual(tree(folder.path), ["there.csv"]);
    refusesAtOnce(
      () => checkOutput(there, { flag: "--out", kind: "folder" }),
      /^--out: cannot write .*: there is a file of that name/,
    );
  });

  it("refuses a folder that this user may not write", async () => {
    const closed = await newFolder();
    await Deno.chmod(closed, 0o555);
    const check = () => checkOutput(`${closed}/x.csv`, { flag: "--csv", kind: "file" });
    // Root may write everywhere; who this is may not be asked here.
    const open = await Deno.writeTextFile(`${closed}/y`, "").then(() => true, () => false);
    if (open) check();
    else refusesAtOnce(check, /cannot be written .*denied/);
    await Deno.chmod(closed, 0o755);
  });
});

/** Beside the checkout. Temporary files are no such place: `deno task test` has them below `.engine`. */
const OUTSIDE = join(ROOT, "..", "beside-self-judge");

describe("A task that is told to write outside the folders that it may write to", () => {
  const cases: [task: keyof typeof settings.tasks, line: (out: string) => string, named: RegExp][] =
    [
      ["judge", (out) => `--judge longer --pairs p.jsonl --cache ${out}/c.jsonl`, /--cache/],
      ["judge", (out) => `--judge longer --pairs p.jsonl --csv ${out}/x.csv`, /--csv/],
      ["judge", (out) => `--judge longer --pairs p.jsonl --json ${out}/x.json`, /--json/],
      ["judge", (out) => `--judge longer --pairs p.jsonl --figures ${out}/f`, /--figures/],
      ["benchmark", (out) => `--bench vicuna --model m --out ${out}/b`, /--out/],
      ["align", (out) => `--run ${out}/run`, /--run/],
      ["align", (out) => `--print-config ${out}/settings.json`, /--print-config/],
      ["start", (out) => `--run ${out}/run`, /--run/],
      ["served", (out) => `--url http://127.0.0.1:9/v1 --csv ${out}/x.csv`, /--csv/],
      ["pretrain", (out) => `--out ${out}/base`, /--out/],
      ["coverage", (out) => `--csv ${out}/x.csv`, /--csv/],
      ["bench", (out) => `--csv ${out}/x.csv`, /--csv/],
    ];
  for (const [name, line, flag] of cases) {
    it(`${name} ${flag.source} refuses before any work, and names those folders`, async () => {
      const { out: said, err } = await task(name).refused(
        line(OUTSIDE),
        new RegExp(`^error: ${flag.source}: cannot write .*: this command may not write there\n`),
        /-> name a place in (?:\.engine|runs)\b.*these alone may be written/,
      );
      assert.equal(said, "");
      assert.ok(!existsSync(OUTSIDE));
      assert.doesNotMatch(err, /disk has room/);
    });
  }

  it("winrate says at once that a folder is in the way", async () => {
    await task("winrate").refused(
      `absent.json --csv ${folder.path}`,
      /there is a folder of that name/,
    );
  });
});

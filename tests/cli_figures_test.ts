import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { exists, makeFolder } from "../lib/base/files.ts";
import settings from "../deno.json" with { type: "json" };
import { collect } from "../lib/cli/figures.ts";
import { browserRemedy, browsersOf } from "../lib/show/chromium.ts";
import { command } from "./commands.ts";
import { newFolder } from "./temporary_files.ts";

const TABLES = [
  ...["judge-before/report.csv", "judge-after/report.csv", "jsft/metrics.csv"],
  ...[
    "self-judge/metrics.csv",
    "tournament/win_rates.csv",
    "summary.csv",
    "summary.md",
    "run.json",
  ],
];
const VERDICTS = ["judge-before/verdicts.csv", "judge-after/verdicts.csv"];

async function runWith(files: readonly string[]): Promise<string> {
  const root = await newFolder();
  for (const file of files) {
    await makeFolder(`${root}/${file.split("/").slice(0, -1).join("/")}`);
    await Deno.writeTextFile(`${root}/${file}`, file);
  }
  return root;
}

describe("a run's tables, taken into the results", () => {
  it("have the judge's verdicts pair by pair with them, of before and after", async () => {
    const results = await newFolder();
    await collect(await runWith([...TABLES, ...VERDICTS]), results);
    const [before, after] = ["before", "after"].map((when) => `${results}/verdicts-${when}.csv`);
    assert.equal(await Deno.readTextFile(before), "judge-before/verdicts.csv");
    assert.equal(await Deno.readTextFile(after), "judge-after/verdicts.csv");
    assert.equal(await Deno.readTextFile(`${results}/judge-after.csv`), "judge-after/report.csv");
  });

  it("do not keep another run's verdicts where a run has none", async () => {
    const results = await newFolder();
    await collect(await runWith([...TABLES, ...VERDICTS]), results);
    await collect(await runWith(TABLES), results);
    assert.equal(await exists(`${results}/verdicts-before.csv`), false);
    assert.equal(await exists(`${results}/verdicts-after.csv`), false);
  });

  it("are refused, all of them, where one is missing", async () => {
    const results = await newFolder();
    await assert.rejects(
      collect(await runWith(TABLES.slice(1)), results),
      (error) => error instanceof UserError && /judge-before\/report\.csv/.test(error.problem),
    );
    assert.equal(await exists(`${results}/summary.csv`), false);
  });
});

describe("deno task figures", () => {
  const { draw, engine, hub } = settings.permissions;

  it("refuses a run without a name", async () => {
    const line = settings.tasks.figures.command.split(" && ").at(-1)!.replace(/^deno /, "");
    for (const name of ["", "/"]) await command(line).refused([name], /is no folder of a run/);
  });

  it("may write wherever a run may be", () => {
    const [, folders] = /--allow-write=(\S+)/.exec(settings.tasks.figures.command)!;
    assert.deepEqual(engine.write.filter((folder) => !folders.split(",").includes(folder)), []);
  });

  it("may start every browser that it looks for, on a Mac too, and says how to get one", () => {
    const mac = browsersOf("darwin");
    assert.match(mac.at(-1)!, /^\/Applications\/Google Chrome\.app\//);
    assert.deepEqual(browsersOf("linux"), mac.slice(0, -1));
    for (const { run } of [draw, hub]) {
      assert.deepEqual(mac.filter((browser) => !run.includes(browser)), []);
    }
    assert.match(browserRemedy("linux"), /apt-get/);
    assert.doesNotMatch(browserRemedy("darwin"), /apt-get/);
  });
});

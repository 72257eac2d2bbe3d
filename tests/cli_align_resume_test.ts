import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { readJsonl } from "../lib/base/files.ts";
import { said } from "./commands.ts";
import {
  lines,
  refusedStart,
  spawnStart,
  type StartOptions,
  startWell,
  timeless,
  tinyRunFolder,
} from "./tiny_run.ts";

/** More steps than the tiny run has, so that it can be met in their midst. */
const set = [
  "jsft.epochs=5",
  "jsft.checkpointEvery=4",
  "selfJudge.steps=10",
  "selfJudge.checkpointEvery=2",
];

describe("the command, cut short", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
    await startWell({ folder, run: "unbroken", set });
  });

  /** Starts a run and sends it a signal once a stage has logged some steps. */
  const cut = async (
    options: StartOptions,
    at: { stage: string; step: number; signal: Deno.Signal },
  ) => {
    const child = spawnStart(options);
    const ended = said(child);
    const stage = `${options.folder}/${options.run}/${at.stage}`;
    await lines(`${stage}/metrics.jsonl`, at.step);
    child.kill(at.signal);
    const result = await ended;
    assert.ok(!existsSync(`${stage}/done.json`), "it was to be met in the midst of the stage");
    return result;
  };

  const sameTraining = async (run: string, stages = ["jsft", "self-judge"]) => {
    for (const stage of stages) {
      const [one, two] = ["unbroken", run].map((name) => `${folder}/${name}/${stage}`);
      assert.deepEqual(await timeless(`${two}/metrics.csv`), await timeless(`${one}/metrics.csv`));
      const file = "adapter/adapter_model.safetensors";
      assert.deepEqual(
        await Deno.readFile(`${two}/${file}`),
        await Deno.readFile(`${one}/${file}`),
      );
    }
  };
  const same = async (run: string) => {
    await sameTraining(run);
    for (
      const file of [
        "self-judge/pairs.jsonl",
        "self-judge/pairs/train.jsonl",
        "judge-after/report.csv",
        "tournament/win_rates.csv",
      ]
    ) {
      const [one, two] = await Promise.all(
        ["unbroken", run].map((name) => Deno.readTextFile(`${folder}/${name}/${file}`)),
      );
      assert.equal(two, one, file);
    }
  };

  for (const [stage, step] of [["jsft", 6], ["self-judge", 3]] as const) {
    it(`by a kill in the midst of ${stage}, ends as an unbroken run when called again`, async () => {
      const options = { folder, run: `killed-${stage}`, set };
      await cut(options, { stage, step, signal: "SIGKILL" });
      const { out } = await startWell(options);
      assert.match(out, /^\d stages? done before \(.+\): data\b/m);
      assert.match(out, /^ {2}resumes after step \d+$/m);
      await same(options.run);
    });

    it(`by Ctrl-C in the midst of ${stage}, says so, leaves 130, and ends as an unbroken run`, async () => {
      const options = { folder, run: `stopped-${stage}`, set };
      const { code, out, err } = await cut(options, { stage, step, signal: "SIGINT" });
      assert.equal(code, 130, `${out}\n${err}`);
      assert.match(err, /stopping after this step; Ctrl-C again to leave at once/);
      assert.match(err, /^stopped; run the same command again to resume$/m);
      assert.doesNotMatch(err, /^\s+at /m);
      const logged = (await readJsonl(`${folder}/${options.run}/${stage}/metrics.jsonl`)).length;
      const again = await startWell(options);
      if (/stopped after step/.test(out)) { // else it was met between two steps
        assert.match(out, new RegExp(`stopped after step ${logged} of `));
        assert.match(again.out, new RegExp(`resumes after step ${logged}$`, "m"));
      }
      await same(options.run);
    });
  }

  it("keeps its folder to itself while it runs, and no longer", async () => {
    const options = { folder, run: "twice", set };
    const child = spawnStart(options);
    const ended = said(child);
    await lines(`${folder}/twice/jsft/metrics.jsonl`, 3);
    await refusedStart(options, /another process is writing to .*twice\n {2}-> wait until it ends/);
    child.kill("SIGKILL");
    await ended;
    await startWell(options);
    await same("twice");
  });

  it("in the loop, resumes where a setting changed that only a later stage uses", async () => {
    const options = { folder, run: "later-setting", set };
    await cut(options, { stage: "self-judge", step: 3, signal: "SIGKILL" });
    const other = { ...options, set: [...set, "tournament.prompts=1"] };
    const { out } = await startWell(other);
    assert.match(out, /^\d stages done before \(.+\): data, .*\bjsft\b/m);
    assert.match(out, /^ {2}resumes after step \d+$/m);
    await sameTraining(options.run);
    const rows = (await Deno.readTextFile(`${folder}/${options.run}/tournament/win_rates.csv`))
      .trim().split("\n");
    const n = rows[0].split(",").indexOf("n");
    assert.ok(rows.slice(1).every((row) => row.split(",")[n] === "1"));
  });

  it("resumes from a log whose last line was torn, even the first", async () => {
    const options = { folder, run: "torn", set };
    await startWell({ ...options, args: ["--stage", "data"] });
    await Deno.mkdir(`${folder}/torn/jsft`);
    await Deno.writeTextFile(`${folder}/torn/jsft/metrics.jsonl`, '{"step":1,"learn');
    await startWell({ ...options, args: ["--stage", "jsft"] });
    await sameTraining("torn", ["jsft"]);
  });

  it("with other settings afterwards is refused, and what was done stays", async () => {
    const run = "killed-jsft";
    const path = `${folder}/${run}/jsft/checkpoint.safetensors`;
    await Deno.remove(`${folder}/${run}/jsft/done.json`);
    const kept = await Deno.readFile(path);
    await refusedStart(
      { folder, run, set: [...set, "jsft.learningRate=0.1"] },
      /jsft: jsft\.learningRate was 0\.0005, is now 0\.1/,
    );
    assert.deepEqual(await Deno.readFile(path), kept);
  });

  it("starts the chosen stages anew with --fresh", async () => {
    const run = "stopped-jsft";
    const { out } = await startWell({
      folder,
      run,
      set: [...set, "selfJudge.learningRate=0.001", "selfJudge.steps=2"],
      args: ["--fresh", "--stage", "self-judge,tournament"],
    });
    assert.doesNotMatch(out, /done before/);
    assert.equal((await readJsonl(`${folder}/${run}/self-judge/metrics.jsonl`)).length, 2);
    assert.equal((await readJsonl(`${folder}/${run}/self-judge/pairs.jsonl`)).length <= 8, true);
  });
});

/** What the tests of the command line share: a tiny model and pairs on disk, and the command itself. */
import assert from "node:assert/strict";
import { saveModel } from "../lib/model/mod.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { tinyLanguage, tinyModel, tinyPairs } from "./tiny.ts";

export { ROOT };

/** A temporary folder with a model folder `model` and a file of pairs `pairs.jsonl`. */
export async function tinyRunFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "run-" });
  const model = tinyModel();
  await saveModel(model, `${folder}/model`);
  model.dispose();
  await tinyLanguage().save(`${folder}/model`);
  const lines = tinyPairs(40, 3).map((pair) => JSON.stringify(pair) + "\n");
  await Deno.writeTextFile(`${folder}/pairs.jsonl`, lines.join(""));
  return folder;
}

/** Settings that make the smoke scale tiny, as `--set` takes them. */
export const TINY_SETTINGS = [
  "data.train=12",
  "data.heldOut=8",
  "jsft.batchSize=6",
  "jsft.epochs=2",
  "jsft.checkpointEvery=2",
  "jsft.evaluatePairs=4",
  "selfJudge.steps=3",
  "selfJudge.batchSize=4",
  "selfJudge.maxNewTokens=6",
  "tournament.prompts=2",
  "tournament.candidates=[1,2]",
  "tournament.samples=1",
];

/** How to call the command. */
export interface StartOptions {
  /** The folder of {@linkcode tinyRunFolder}. */
  folder: string;
  /** Name of the run folder in it. */
  run: string;
  /** Settings beside the tiny ones. */
  set?: readonly string[];
  /** Arguments beside model, data, run and settings; a later one wins. */
  args?: readonly string[];
}

/** Starts the command as a process of its own; its output is piped. */
export function spawnStart({ folder, run, set = [], args = [] }: StartOptions): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    // deno-fmt-ignore
    args: [
      "run", "--quiet", "-A", "lib/cli/align.ts", "--scale", "smoke",
      "--model", `${folder}/model`, "--data", `${folder}/pairs.jsonl`, "--run", `${folder}/${run}`,
      ...[...TINY_SETTINGS, ...set].flatMap((setting) => ["--set", setting]), ...args,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a finished command said. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Runs the command to its end. */
export async function start(options: StartOptions): Promise<Said> {
  return await said(spawnStart(options));
}

/** Waits for a command and reads what it said. */
export async function said(child: Deno.ChildProcess): Promise<Said> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Runs the command and fails the test, with what it said, unless it succeeds. */
export async function startWell(options: StartOptions): Promise<Said> {
  const result = await start(options);
  assert.equal(result.code, 0, `${result.out}\n${result.err}`);
  return result;
}

/** Rows of a CSV file without the columns that tell the time. */
export async function timeless(path: string): Promise<string[]> {
  const rows = (await Deno.readTextFile(path)).trim().split("\n").map((line) => line.split(","));
  const kept = rows[0].map((name) => !name.startsWith("seconds"));
  return rows.map((row) => row.filter((_, i) => kept[i]).join());
}

/** Waits until a file has so many lines. */
export async function lines(path: string, count: number): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 10) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text.split("\n").length > count) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`${path} did not reach ${count} lines`);
}

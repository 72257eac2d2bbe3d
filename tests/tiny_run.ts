/** What the tests of the command line share: a tiny model and pairs on disk, and the command itself. */
import { saveModel } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { command, type Said } from "./commands.ts";
import { newFolder } from "./temporary_files.ts";
import { tinyLanguage, tinyModel, tinyPairs } from "./tiny.ts";

export { ROOT };

/** A temporary folder with a model folder `model` and a file of pairs `pairs.jsonl`. */
export async function tinyRunFolder(): Promise<string> {
  const folder = await newFolder();
  const model = tinyModel();
  await saveModel(model, `${folder}/model`);
  model.dispose();
  await writeTokenizer(tinyLanguage(), `${folder}/model`);
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

/** `deno task align` without its set-up. */
export const align = command("run --quiet -A lib/cli/align.ts");

const lineOf = ({ folder, run, set = [], args = [] }: StartOptions) => [
  ...["--scale", "smoke", "--model", `${folder}/model`],
  ...(args.includes("--data") ? [] : ["--data", `${folder}/pairs.jsonl`]),
  ...["--run", `${folder}/${run}`],
  ...[...TINY_SETTINGS, ...set].flatMap((setting) => ["--set", setting]),
  ...args,
];

/** Starts the command; its output is piped. */
export const spawnStart = (options: StartOptions): Deno.ChildProcess =>
  align.spawn(lineOf(options));

/** Runs the command and fails the test, with what it said, unless it succeeds. */
export const startWell = (options: StartOptions): Promise<Said> => align.well(lineOf(options));

/** Runs the command, which has to refuse: one problem with its remedy, which these parts are of. */
export const refusedStart = (options: StartOptions, ...parts: (RegExp | string)[]): Promise<Said> =>
  align.refused(lineOf(options), ...parts);

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

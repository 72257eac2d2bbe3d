import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped } from "../lib/base/error.ts";
import { exists, readJsonl } from "../lib/base/files.ts";
import { STUDY_SCALES, type StudyConfig } from "../lib/lab/study/config.ts";
import { FRESH_LABELS } from "../lib/lab/study/fresh_labels.ts";
import { methodStages } from "../lib/lab/study/preference.ts";
import { DeskSession } from "../lib/lab/study/session.ts";
import type { StudyStage } from "../lib/lab/study/stage.ts";
import { SUPERVISED } from "../lib/lab/study/supervised.ts";
import { CONTROLS, ruleOf, studyMethod } from "../lib/lab/study/methods.ts";
import { NOT_PLAYED, ROWS } from "../lib/lab/study/rows.ts";
import type { StudySession } from "../lib/lab/study/study_session.ts";
import type { StepLog } from "../lib/method/mod.ts";
import { costsOf } from "../lib/run/costs.ts";
import { RunFolder } from "../lib/run/run_folder.ts";
import { withNeeds } from "../lib/run/stage.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { refuses } from "./refusals.ts";
import { silentReporter } from "./silent_reporter.ts";
import { newFolder } from "./temporary_files.ts";

await startEngine();
let root = "";
before(async () => {
  root = await newFolder();
});

const { smoke } = STUDY_SCALES;
const config: StudyConfig = {
  ...smoke,
  seed: 5,
  supervised: { ...smoke.supervised, steps: 6 },
  preference: { ...smoke.preference, steps: 3, batchSize: 4 },
  prompts: { validation: 2, heldOut: 2, whole: 2 },
};
/** Every method and control, those that the league does not play among them, but for one that has no labels here. */
const names = [
  ...new Set(
    [...ROWS, ...Object.keys(NOT_PLAYED), ...Object.keys(CONTROLS)] as (typeof ROWS)[number][],
  ),
].filter((name) => name !== "offline-dpo-soft");
/** Rows that keep state, beside a head; self-judge stands for those without. */
const STATE: readonly string[] = [
  "lol",
  "rest",
  "d2po",
  "d2po-dpo",
  "d2po-self",
  "self-judge-refreshed",
];
const STOPPED = names.filter((name) =>
  "head" in studyMethod(name) || name === "self-judge" || STATE.includes(name)
);
/** It learns from probabilities of labels, which the order desk's data has none of. */
const [REFUSED] = methodStages(["offline-dpo-soft"]);
const all = [...SUPERVISED, ...FRESH_LABELS, ...methodStages(names), REFUSED];
const stages = withNeeds([...methodStages(names), REFUSED], all);

/** Runs stages in a folder, and stops in the midst of one where asked. */
async function run(path: string, some: readonly StudyStage[], stopAt = Infinity): Promise<void> {
  const folder = new RunFolder<StudyConfig, StudySession>(path, stages);
  const session = new DeskSession(config, folder.folderOf);
  try {
    await folder.run(some, { config, session, reporter: silentReporter(stopAt) });
  } finally {
    session.dispose();
  }
}

const stageOf = (name: string) => stages.find((stage) => stage.name === name)!;
const timeless = (rows: StepLog[]) =>
  rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith("seconds")))
  );
/** What a finished stage says it took. */
const costsIn = async (path: string, name: string) =>
  (await new RunFolder<StudyConfig, StudySession>(path, stages).result(name))!.costs;
const logOf = async (path: string, name: string) =>
  timeless(await readJsonl<StepLog>(`${path}/${name}/metrics.jsonl`));

describe("every method of the table and every control, in the order desk", () => {
  const needed = [...new Set(names.flatMap((name) => stageOf(name).needs))].map(stageOf);

  it("has what the methods start from", async () => {
    await run(root, withNeeds(needed, stages));
  });

  for (const name of names) {
    it(`takes steps, counts what they cost, and moves the policy: ${name}`, async () => {
      await run(root, [stageOf(name)]);
      const rows = await logOf(root, name);
      assert.equal(rows.length, config.preference.steps);
      const { samples, ranker, gold = false } = studyMethod(name);
      const learned = rows.filter(({ loss }) => loss !== undefined);
      assert.ok(learned.every(({ loss }) => Number.isFinite(loss)), JSON.stringify(rows));
      const total = (number: string) => rows.reduce((sum, row) => sum + (row[number] ?? 0), 0);
      assert.equal(total("samples") > 0, (samples as string) !== "dataset", "samples counted");
      const asked = !["labels", "none"].includes(ranker) && name !== "lol" && name !== "sr-dpo" &&
        name !== "sr-ipo";
      if (asked) assert.ok(total("comparisons") > 0, "comparisons counted");
      // A judge is asked in both positions, a reward model grades both answers; truth and a coin are no models.
      const asksModel = !["truth", "chance"].includes(ranker) && ruleOf(name) === null;
      // Self-Rewarding's grader compares nothing: it is asked for points.
      if (name === "self-rewarding") assert.ok(total("judgePrompts") > 0);
      else assert.equal(total("judgePrompts"), asksModel ? 2 * total("comparisons") : 0);
      assert.equal(total("sampledTokens") > 0, total("samples") > 0);
      assert.equal(total("scoredTokens") > 0, total("scoredPolicy") + total("scoredStart") > 0);
      assert.deepEqual(await costsIn(root, name), costsOf(rows));
      assert.equal(
        (await readJsonl(`${root}/${name}/pairs.jsonl`)).length,
        total("pairs"),
        "pairs are kept",
      );
      assert.equal(total("gold") > 0, gold, "gold labels counted");
      // The order desk's model gives no points, so nothing is learned by them.
      if (name === "self-rewarding") assert.ok(total("withoutPoints") > 0);
      else assert.ok(learned.some(({ gradientNorm }) => gradientNorm > 0), JSON.stringify(rows));
    });
  }

  it("takes no step on probabilities of labels that the data lacks", async () => {
    await refuses(run(root, [REFUSED]), "no pair has one", "offline-dpo");
  });

  it("has those that keep state among the ones that are stopped below", async () => {
    for (const name of names) {
      const state = await keepsState(`${root}/${name}`);
      if (state !== null) assert.ok(STOPPED.includes(name), `${name} keeps ${state}`);
    }
  });

  for (const name of STOPPED) {
    it(`stopped in the midst and resumed ends as unbroken: ${name}`, async () => {
      const broken = await newFolder();
      try {
        for (const need of stageOf(name).needs) {
          await copyFolder(`${root}/${need}`, `${broken}/${need}`);
        }
        await assert.rejects(run(broken, [stageOf(name)], 2), Stopped);
        await run(broken, [stageOf(name)]);
        assert.deepEqual(await logOf(broken, name), await logOf(root, name));
        assert.deepEqual(await costsIn(broken, name), await costsIn(root, name));
      } finally {
        await Deno.remove(broken, { recursive: true });
      }
    });
  }
});

/** What a method left beside what every method leaves: pairs that it remembers, or a judge that it renewed; null for neither. */
async function keepsState(folder: string): Promise<string | null> {
  const found = [...Deno.readDirSync(folder)].find(({ name }) =>
    /^(judge|discriminator)-/.test(name)
  );
  return found?.name ?? (await exists(`${folder}/memory.jsonl`) ? "memory.jsonl" : null);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isFile } of Deno.readDir(from)) {
    const [file, copy] = [`${from}/${name}`, `${to}/${name}`];
    await (isFile ? Deno.copyFile(file, copy) : copyFolder(file, copy));
  }
}

/**
 * Methods of the table on SmolLM2-135M and HH-RLHF, a step each. One by default; SELF_JUDGE_METHODS names others with
 * commas between, or "all", and SELF_JUDGE_METHODS_TABLE a CSV file that takes what came out.
 */
import assert from "node:assert/strict";
import { after, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { readJsonl, writeCsv } from "../lib/base/files.ts";
import { discriminator } from "../lib/judges/mod.ts";
import { longerWins } from "../lib/measure/mod.ts";
import { METHODS, type StepLog } from "../lib/method/mod.ts";
import { ALIGN_STAGES } from "../lib/run/align.ts";
import { resolveConfig, type RunConfig } from "../lib/run/config.ts";
import { costsOf } from "../lib/run/costs.ts";
import { Session } from "../lib/run/session.ts";
import { RUN_RANKERS } from "../lib/run/settings.ts";
import { RunFolder } from "../lib/run/run_folder.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { HH } from "./real_data.ts";
import { ggufFile } from "./reference/fixture.ts";
import { silentReporter } from "./silent_reporter.ts";
import { newFolder } from "./temporary_files.ts";

const model = ggufFile();
const there = model !== undefined && existsSync(HH);
const asked = Deno.env.get("SELF_JUDGE_METHODS") ?? "osp";
/** Those that a run has a ranker for. */
const RUNNABLE = Object.entries(METHODS)
  .filter(([, { ranker }]) => RUN_RANKERS.includes(ranker) && ranker !== "given")
  .map(([name]) => name);
const names = asked === "all" ? RUNNABLE : asked.split(",");

const settings = (method: string) =>
  resolveConfig("smoke", {
    settings: [
      `model=${JSON.stringify(model)}`,
      `data.sources=${JSON.stringify([{ source: HH, use: "both" }])}`,
      ...["data.train=16", "data.heldOut=4", "data.maxTokens=96", "judge.maxTokens=256"],
      ...["jsft.batchSize=8", "jsft.epochs=0.1", "jsft.evaluatePairs=2"],
      ...["selfJudge.steps=2", "selfJudge.batchSize=2", "selfJudge.maxNewTokens=16"],
      `selfJudge.method=${method}`,
      'selfJudge.gold="longer"',
    ],
  });

describe("methods on a real model and real pairs", () => {
  const table: Record<string, string | number>[] = [];
  after(async () => {
    const path = Deno.env.get("SELF_JUDGE_METHODS_TABLE");
    if (path && table.length > 0) await writeCsv(path, table);
  });
  let root = "";

  for (const name of names) {
    const test = there ? it : it.skip;
    test(`takes a step, at a cost that is counted: ${name}`, async () => {
      await startEngine();
      root ||= await newFolder();
      // The data and JSFT are made once and shared by all.
      const folderOf = (stage: string) => `${root}/${stage === "self-judge" ? name : stage}`;
      const config = settings(name);
      const session = new Session(config, folderOf);
      session.openRanker = (spec) => {
        assert.equal(spec, "longer");
        return Promise.resolve({ name: spec, fingerprint: spec, compare: longerWins });
      };
      session.discriminatorOf = discriminator;
      const folder = new RunFolder<Readonly<RunConfig>>(root, ALIGN_STAGES, { folderOf });
      const reporter = silentReporter();
      try {
        await folder.run(folder.withNeeds("self-judge"), { config, session, reporter });
      } finally {
        session.dispose();
      }
      const rows = await readJsonl<StepLog>(`${folderOf("self-judge")}/metrics.jsonl`);
      assert.equal(rows.length, 2);
      const losses = rows.flatMap(({ loss }) => loss ?? []);
      assert.ok(losses.every(Number.isFinite), `${losses}`);
      const costs = costsOf(rows);
      const { samples } = METHODS[name as keyof typeof METHODS];
      assert.equal(costs.samples > 0, samples !== "dataset");
      table.push({
        method: name,
        seconds: Math.round((await folder.seconds("self-judge"))! * 10) / 10,
        pairs: rows.reduce((sum, { pairs }) => sum + pairs, 0),
        lossFirst: losses[0]?.toFixed(4) ?? "",
        lossLast: losses.at(-1)?.toFixed(4) ?? "",
        gradientNorm: rows[0].gradientNorm.toFixed(4),
        ...costs,
      });
    });
  }
});

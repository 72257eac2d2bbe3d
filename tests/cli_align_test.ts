import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { loadAdapter, openSafetensors, readConfig } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { settingLines } from "../lib/run/settings.ts";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { said } from "./commands.ts";
import { align, ROOT, startWell, timeless, TINY_SETTINGS, tinyRunFolder } from "./tiny_run.ts";

const STAGES = ["data", "judge-before", "jsft", "judge-after", "self-judge", "tournament"];

describe("the command, on a tiny model", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
  });

  const metrics = (run: string, stage: string) =>
    readJsonl<Record<string, number>>(`${folder}/${run}/${stage}/metrics.jsonl`);
  const finite = (rows: Record<string, number>[]) =>
    rows.every((row) => Object.values(row).every((value) => Number.isFinite(value)));

  it("runs every stage and leaves what each is to leave", async () => {
    const { out, err } = await startWell({ folder, run: "whole" });
    for (const name of STAGES) {
      assert.match(out, new RegExp(`^\\[\\d/${STAGES.length}\\] ${name}: `, "m"));
      assert.match(out, new RegExp(`^  ${name} took `, "m"));
    }
    for (
      const file of [
        "run.json",
        "summary.md",
        "summary.csv",
        "data/train.jsonl",
        "data/held_out.jsonl",
        "data/bad_lines.jsonl",
        "judge-before/report.csv",
        "judge-before/judgments.jsonl",
        "judge-before/verdicts.csv",
        "jsft/metrics.csv",
        "jsft/adapter/adapter_config.json",
        "judge-after/report.csv",
        "judge-after/verdicts.csv",
        "self-judge/metrics.csv",
        "self-judge/pairs.jsonl",
        "self-judge/adapter/adapter_model.safetensors",
        "tournament/win_rates.csv",
        "tournament/brackets.jsonl",
        ...STAGES.flatMap((name) => [`${name}/config.json`, `${name}/done.json`]),
      ]
    ) assert.ok(existsSync(`${folder}/whole/${file}`), file);
    const [jsft, loop] = [await metrics("whole", "jsft"), await metrics("whole", "self-judge")];
    assert.deepEqual([jsft.length, loop.length], [12, 3]);
    assert.ok(finite(jsft) && finite(loop));
    const learned = loop.find(({ pairs }) => pairs > 0)!;
    assert.ok(Math.abs(learned.loss - Math.LN2) < 1e-3, "DPO starts at ln 2");
    assert.match(err, /jsft: step 12\/12 \| loss /);
    assert.match(
      out,
      /^next: deno task align .*-soft'? .*--set selfJudge\.method=self-judge-soft$/m,
    );
    assert.match(
      out,
      /^ {2}or: deno task align .*-offline'? .*--set selfJudge\.method=offline-dpo$/m,
    );
    // Paths may be quoted for their blanks; settings, which would be too, are left out.
    const bare = out.replaceAll(/'(\/[^']+)'/g, "PATH");
    assert.match(bare, /^ {2}or: deno task align --scale small [^']*$/m);
    const left = await readJsonl(`${folder}/whole/data/bad_lines.jsonl`);
    assert.deepEqual(left, []);
  });

  it("records scale, command, versions and settings, from which the run can be made again", async () => {
    const record = (await readJsonFile<Record<string, unknown>>(`${folder}/whole/run.json`))!;
    assert.equal(record.scale, "smoke");
    assert.ok(Math.abs(Date.now() - Date.parse(String(record.begun))) < 3_600_000, "when it began");
    assert.match(String((record.versions as Record<string, string>).engine), /tensorflow|wasm|cpu/);
    const settings = [
      ...TINY_SETTINGS,
      `model=${folder}/model`,
      `data.sources=[{"source":"${folder}/pairs.jsonl"}]`,
    ];
    assert.deepEqual(
      record.config,
      JSON.parse(JSON.stringify(resolveConfig("smoke", { settings }))),
    );
  });

  it("says what its trainings took: the sums of what the steps counted", async () => {
    const summary = await Deno.readTextFile(`${folder}/whole/summary.md`);
    const sums = async (stage: string) => {
      const rows = await metrics("whole", stage);
      return (name: string) => rows.reduce((sum, row) => sum + (row[name] ?? 0), 0);
    };
    const [jsft, loop] = [await sums("jsft"), await sums("self-judge")];
    assert.ok(
      summary.includes(
        `JSFT took ${jsft("learned")} sequences learned from (forward and backward), ${
          jsft("tokens")
        } tokens of those.`,
      ),
      summary,
    );
    // 3 steps of 4 prompts, 2 answers each; one comparison a prompt in both positions, but for equal answers.
    assert.equal(loop("samples"), 24);
    assert.equal(loop("judgePrompts"), 2 * (12 - loop("identical")));
    assert.ok(summary.includes("self-judge took 24 answers drawn, "), summary);
    assert.ok(
      summary.includes(` ${loop("judgePrompts")} sequences put to the ranker's model, `),
      summary,
    );
  });

  it("leaves adapters that fit the model and the settings", async () => {
    const config = await readConfig(`${folder}/model`);
    // The policy's is one adapter of the base: JSFT's and its own, one over the other.
    for (const [stage, r] of [["jsft", 8], ["self-judge", 16]] as const) {
      const adapter = await loadAdapter(`${folder}/whole/${stage}/adapter`, config);
      assert.deepEqual([adapter.config.r, adapter.config.alpha], [r, 2 * r]);
      adapter.dispose();
    }
  });

  it("says on a second call that every stage was done before, and changes nothing", async () => {
    const seen = async () =>
      await Promise.all(
        ["jsft/metrics.csv", "self-judge/pairs.jsonl", "tournament/done.json", "data/train.jsonl"]
          .map(async (file) => (await Deno.stat(`${folder}/whole/${file}`)).mtime?.getTime()),
      );
    const before = await seen();
    const { out } = await startWell({ folder, run: "whole" });
    assert.match(
      out,
      new RegExp(`^${STAGES.length} stages done before \\(.+\\): ${STAGES.join(", ")}$`, "m"),
    );
    assert.deepEqual(await seen(), before);
  });

  it("warns where self-training learned from no pair at all", async () => {
    const { out } = await startWell({
      folder,
      run: "nothing",
      set: ["selfJudge.temperature=0.0001"], // both answers are the likeliest one
      args: ["--stage", "data,jsft,self-judge"],
    });
    assert.match(
      out,
      /^ {2}warning: no pair was learned from, .*: 12 prompts whose answers were equal, 0 on which/m,
    );
  });

  it("ends with a command that resumes there, whatever the settings were", async () => {
    const first = await startWell({
      folder,
      run: "in parts",
      set: ['judge.principles=["overall","honesty"]'],
      args: ["--stage", "data", "--seed", "5"],
    });
    const [, words] = first.out.match(/^next: deno task align (.+ --stage judge-before .+)$/m)!;
    const child = new Deno.Command("sh", {
      args: ["-c", `"${Deno.execPath()}" run --quiet -A lib/cli/align.ts ${words}`],
      cwd: ROOT,
      ...{ stdout: "piped", stderr: "piped" } as const,
    }).spawn();
    const { code, out, err } = await said(child);
    assert.equal(code, 0, err);
    assert.match(out, /judge-before took/);
  });

  it("trains all weights where every stage is told so, and leaves whole models", async () => {
    await startWell({
      folder,
      run: "full",
      set: ["jsft.tuning.mode=full", "selfJudge.tuning.mode=full"],
    });
    assert.ok(!existsSync(`${folder}/full/jsft/adapter`));
    const weights = async (path: string) => {
      const file = await openSafetensors(path);
      try {
        return [...await file.read("model.layers.0.mlp.up_proj.weight")];
      } finally {
        file.close();
      }
    };
    const [base, jsft, policy] = await Promise.all([
      weights(`${folder}/model`),
      weights(`${folder}/full/jsft/model`),
      weights(`${folder}/full/self-judge/model`),
    ]);
    assert.notDeepEqual(jsft, base);
    assert.notDeepEqual(policy, jsft);
    assert.ok(Math.max(...jsft.map((v, i) => Math.abs(v - policy[i]))) < 0.01, "a small step");
    const loop = await metrics("full", "self-judge");
    assert.ok(finite(loop));
    assert.ok(Math.abs(loop[0].loss - Math.LN2) < 1e-4, "the reference is the model after JSFT");
  });

  it("trains offline without a judge, off-policy and with a moving one, from the same JSFT", async () => {
    for (const method of ["offline-dpo", "off-policy-dpo", "self-judge-moving"]) {
      const { out } = await startWell({
        folder,
        run: method,
        set: [`selfJudge.method=${method}`],
      });
      assert.ok(out.includes(`method ${method}: answers from the`));
      const rows = await metrics(method, "self-judge");
      assert.ok(rows.length === 3 && finite(rows));
      assert.equal("judgeConsistent" in rows[0], method !== "offline-dpo");
      // What a model says that is being trained is not kept for another time.
      const kept = existsSync(`${folder}/${method}/self-judge/cache.jsonl`);
      assert.equal(kept, method === "off-policy-dpo");
      const [one, two] = ["whole", method].map((run) => `${folder}/${run}/jsft/metrics.csv`);
      assert.deepEqual(await timeless(two), await timeless(one));
    }
    const pairs = await readJsonl<{ pair: string; chosen: string; rejected: string }>(
      `${folder}/offline-dpo/self-judge/pairs.jsonl`,
    );
    const labels = await readJsonl<{ id: string; chosen: string; rejected: string }>(
      `${folder}/offline-dpo/data/train.jsonl`,
    );
    assert.equal(pairs.length, 12);
    for (const { pair, chosen, rejected } of pairs) {
      const label = labels.find(({ id }) => id === pair)!;
      assert.deepEqual([chosen, rejected], [label.chosen, label.rejected]);
    }
  });

  it("trains an adapter in one stage and every weight in the other, each from what the first left", async () => {
    for (
      const [run, whole, lora] of [
        ["full-then-lora", "jsft", "self-judge"],
        ["lora-then-full", "self-judge", "jsft"],
      ]
    ) {
      const tuning = whole === "jsft" ? "jsft.tuning.mode" : "selfJudge.tuning.mode";
      await startWell({ folder, run, set: [`${tuning}=full`] });
      assert.ok(existsSync(`${folder}/${run}/${whole}/model/model.safetensors`), run);
      assert.ok(existsSync(`${folder}/${run}/${lora}/adapter/adapter_config.json`), run);
      // The reference is the model that the policy begins as: DPO's first loss is ln 2.
      const first = (await metrics(run, "self-judge")).find(({ pairs }) => pairs > 0)!;
      assert.ok(Math.abs(first.loss - Math.LN2) < 1e-3, run);
      assert.ok(existsSync(`${folder}/${run}/tournament/win_rates.csv`), run);
    }
  });

  it("stores weights that are not trained at two bytes a number, where it is told so", async () => {
    await startWell({ folder, run: "narrow", set: ["frozenDtype=bfloat16"] });
    const losses = async (run: string) => (await metrics(run, "jsft")).map(({ loss }) => loss);
    const [wide, narrow] = [await losses("whole"), await losses("narrow")];
    const worst = Math.max(...wide.map((loss, i) => Math.abs(loss - narrow[i])));
    assert.ok(worst > 0 && worst < 0.1, `${worst}`);
    const other = await startWell({
      folder,
      run: "narrow-whole",
      set: [
        "frozenDtype=bfloat16",
        "jsft.tuning.mode=full",
      ],
    });
    assert.match(other.out, /self-judge took/);
  });

  it("lists every setting with its value and meaning, and writes them to a file to edit", async () => {
    const help = await align.well("--help");
    for (const { name, meaning } of settingLines()) {
      assert.ok(help.out.includes(`${name}=`) && help.out.includes(meaning), name);
    }
    const file = `${folder}/settings.json`;
    await align.well(`--recipe hh-llama2-7b --seed 11 --print-config ${file}`);
    const written = (await readJsonFile<{ seed: number; jsft: { batchSize: number } }>(file))!;
    assert.deepEqual([written.seed, written.jsft.batchSize], [11, 128]);
    await align.refused(`--print-config ${file}`, /is there already/);
    await align.refused(
      `--config ${file} --scale full`,
      /holds every setting/,
      "leave --scale out",
    );
  });

  it("calls a run by what its settings are of: a file, or what the file's own run was", async () => {
    const file = `${folder}/mine.json`;
    await Deno.copyFile(`${folder}/whole/run.json`, `${folder}/again.json`);
    const { config } = (await readJsonFile<{ config: unknown }>(`${folder}/whole/run.json`))!;
    await Deno.writeTextFile(file, JSON.stringify(config));
    const stage = ["--stage", "data"];
    for (
      const [run, from, recipe, scale] of [
        ["by-file", file, "mine.json", "of that file"],
        ["by-record", `${folder}/again.json`, "ours", "smoke"],
      ]
    ) {
      const { out } = await align.well(["--config", from, "--run", `${folder}/${run}`, ...stage]);
      const record = await readJsonFile<Record<string, string>>(`${folder}/${run}/run.json`);
      assert.deepEqual([record?.recipe, record?.scale], [recipe, scale]);
      assert.match(out, /^next: deno task align --config .+ --run /m);
    }
  });
});

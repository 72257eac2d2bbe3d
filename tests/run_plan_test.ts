import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parseConfig } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { expectedText, plannedStages } from "../lib/run/plan.ts";
import { RECIPES } from "../lib/run/recipe.ts";
import { align, tinyRunFolder } from "./tiny_run.ts";

const LLAMA2 = parseConfig({
  ...{ model_type: "llama", vocab_size: 32000, hidden_size: 4096, intermediate_size: 11008 },
  ...{ num_hidden_layers: 32, num_attention_heads: 32, max_position_embeddings: 4096 },
}, "config.json");
const machine = { flops: 1e14, bandwidth: 1e12 };

describe("what a run will need", () => {
  it("follows from its settings, every sequence as long as it may be", () => {
    const config = resolveConfig("small");
    const stages = Object.fromEntries(plannedStages(config).map((s) => [s.stage, s]));
    assert.deepEqual(stages["judge-before"].workloads, [
      // 600 prompts of 320 tokens, three at once.
      { work: "score", rows: 3, length: 320, scored: 3, batches: 200 },
    ]);
    // 400 answers and 800 judgments, 16 a step.
    const [jsft] = stages.jsft.workloads;
    assert.ok(jsft.work === "train" && jsft.steps === 75 && jsft.length === 321);
    assert.ok(jsft.parts === 6 && jsft.rows === 3);
    const loop = stages["self-judge"].workloads;
    assert.deepEqual(loop.map(({ work }) => work), ["sample", "score", "score", "train"]);
    const offline = resolveConfig("small", { settings: ["selfJudge.method=offline-dpo"] });
    assert.deepEqual(
      plannedStages(offline).find(({ stage }) => stage === "self-judge")!.workloads
        .map(({ work }) => work),
      ["score", "train"],
    );
  });

  it("counts the reference of a policy that is trained whole as another model", () => {
    const whole = resolveConfig("small", { settings: ["selfJudge.tuning.mode=full"] });
    const others = (config: typeof whole) =>
      plannedStages(config).map(({ otherModels = 0 }) => otherModels);
    assert.deepEqual(others(whole), [0, 0, 0, 1, 1]);
    assert.deepEqual(others(resolveConfig("small")), [0, 0, 0, 0, 0]);
  });

  it("is told for the paper's recipe: 7B with adapters fits 80 GB, trained whole it does not", () => {
    const hh = resolveConfig(null, { recipe: RECIPES["hh-llama2-7b"] });
    const text = expectedText(LLAMA2, { config: hh, machine });
    assert.match(text, /^stage +work +memory/);
    assert.match(text, /data\.train is null: reckoned with 10000 pairs/);
    const peak = (settings: string[]) => {
      const config = resolveConfig(null, { recipe: RECIPES["hh-llama2-7b"], settings });
      const found = /peak ([\d.]+) GB/.exec(expectedText(LLAMA2, { config, machine }))!;
      return Number(found[1]);
    };
    assert.ok(peak([]) < 80, "one GPU");
    assert.ok(peak([]) < peak(["memory.recompute=none", "jsft.microBatchTokens=8192"]) / 2);
    assert.ok(peak(["jsft.tuning.mode=full"]) > 100, "weights, gradients and moments of 7B");
  });

  it("is said by the command, which then runs nothing", async () => {
    const folder = await tinyRunFolder();
    const { out } = await align.well(
      `--scale smoke --model ${folder}/model --data ${folder}/pairs.jsonl --run ${folder}/run --dry-run`,
    );
    assert.match(out, /^peak [\d.]+ GB in /m);
    assert.match(out, /^jsft +train /m);
    const line = `--scale smoke --model ${folder}/model --run ${folder}/run`;
    const data = `--data ${folder}/pairs.jsonl`;
    const some = await align.well(`${line} ${data} --dry-run --stage jsft`);
    assert.match(some.out, /^jsft +train /m);
    assert.doesNotMatch(some.out, /^(judge-before|self-judge|tournament) /m);
    const none = await align.well(`${line} ${data} --dry-run --stage data`);
    assert.match(none.out, /^data: no model is asked or trained$/m);
    await align.refused(`${line} --data absent.jsonl --dry-run`, /no data file "absent\.jsonl"/);
    for (const flag of ["--dry-run", `--print-config ${folder}/settings.json`]) {
      await align.refused(`${line} ${data} ${flag} --stage dpo`, /there is no stage "dpo"/);
    }
    assert.equal(await Deno.stat(`${folder}/run`).catch(() => null), null);
  });
});

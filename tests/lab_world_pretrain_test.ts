import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { exists, readJsonl } from "../lib/base/files.ts";
import { Stopped } from "../lib/base/error.ts";
import { silentReporter } from "./silent_reporter.ts";
import { newFolder } from "./temporary_files.ts";
import { loadModel, modelFingerprint } from "../lib/model/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { BASE_CONFIG, freshModel } from "../lib/lab/world/base_model.ts";
import { makeBase } from "../lib/lab/world/make_base.ts";
import { exerciseAccuracy, pretrain, PRETRAINING, TAUGHT } from "../lib/lab/world/pretrain.ts";

await startEngine();

describe("pretraining the base", () => {
  it("begins as the committed log says: the base can be made again", async () => {
    const folder = await newFolder();
    const model = freshModel(1, BASE_CONFIG);
    try {
      await assert.rejects(
        pretrain(model, {
          ...{ steps: PRETRAINING.steps, seed: 1, views: TAUGHT[5] },
          folder,
          reporter: silentReporter(25),
        }),
        Stopped,
      );
      const rows = await readJsonl<{ step: number; loss: number }>(`${folder}/metrics.jsonl`);
      assert.equal(rows.length, 25);
      const mean = rows.reduce((sum, { loss }) => sum + loss, 0) / rows.length;
      const [header, first] = (await Deno.readTextFile("data/world/base/log.csv")).split(/\r?\n/);
      const recorded = Number(first.split(",")[header.split(",").indexOf("loss")]);
      assert.ok(Math.abs(mean / recorded - 1) < 2e-3, `mean loss ${mean}, recorded ${recorded}`);
    } finally {
      model.dispose();
    }
  });

  it("of a base that is taught no view is on answers alone, and asks nothing of it", async () => {
    const folder = await newFolder();
    const model = freshModel(1, { ...BASE_CONFIG, layers: 1 });
    try {
      await pretrain(model, {
        ...{ steps: 1, seed: 1, views: TAUGHT[0], folder },
        reporter: silentReporter(),
      });
      const [row] = await readJsonl<Record<string, number>>(`${folder}/metrics.jsonl`);
      assert.ok(row.answerLoss > 0);
      assert.equal(row.comparisonLoss, undefined);
      assert.deepEqual(await exerciseAccuracy(model, { views: TAUGHT[0] }), {});
    } finally {
      model.dispose();
    }
  });

  it("leaves a folder with weights, tokenizer and log, and a stopped one without weights", async () => {
    const folder = await newFolder();
    const options = { seed: 1, views: 0, steps: 2, training: `${folder}/training` };
    await assert.rejects(makeBase(folder, { ...options, reporter: silentReporter(1) }), Stopped);
    assert.equal(await exists(`${folder}/model.safetensors`), false);
    const { model, rows } = await makeBase(folder, { ...options, reporter: silentReporter() });
    try {
      assert.deepEqual(rows.map(({ step }) => step), [1, 2]);
      const loaded = await loadModel(folder);
      assert.equal(await modelFingerprint(loaded), await modelFingerprint(model));
      loaded.dispose();
      assert.ok(await exists(`${folder}/tokenizer.json`));
    } finally {
      model.dispose();
    }
  });
});

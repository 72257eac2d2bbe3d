import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonl } from "../lib/base/files.ts";
import { Stopped } from "../lib/base/error.ts";
import { terminalReporter } from "../lib/run/stage.ts";
import { newFolder } from "./temporary_files.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { BASE_CONFIG, freshModel } from "../lib/lab/world/base_model.ts";
import { PHASES, pretrain } from "../lib/lab/world/pretrain.ts";

await startEngine();

describe("pretraining the base", () => {
  it("begins as the committed log says: the base can be made again", async () => {
    const folder = await newFolder();
    const model = freshModel(1, BASE_CONFIG);
    let asked = 0;
    try {
      await assert.rejects(
        pretrain(model, {
          ...PHASES[0],
          seed: 1,
          folder,
          reporter: terminalReporter(() => ++asked >= 25),
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
});

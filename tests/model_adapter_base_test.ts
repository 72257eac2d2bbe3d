import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import {
  adapterBase,
  type AdapterRecord,
  adapterRecord,
  loadAdapter,
  loadModel,
  LORA_DEFAULTS,
  LoraAdapter,
  saveAdapter,
  saveModel,
  weightsFingerprint,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { bytes, readFixture } from "./reference/fixture.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";
import { tinyConfig, tinyModel } from "./tiny.ts";

const at = (name: string) => `${folder.path}/${name}`;

/** Saves a tiny model and gives its path. */
async function saved(name: string, options: Parameters<typeof tinyModel>[0] = {}, dtype?: "BF16") {
  const model = tinyModel(options);
  await saveModel(model, at(name), { dtype });
  model.dispose();
  return at(name);
}

describe("the fingerprint of weights", () => {
  it("is that of the values, however they are stored, and another one for any other value", async () => {
    const path = await saved("one");
    const fingerprint = await weightsFingerprint(path);
    assert.match(fingerprint, /^[0-9a-f]{64}$/);
    assert.equal(await weightsFingerprint(`${path}/model.safetensors`), fingerprint);
    assert.notEqual(await weightsFingerprint(await saved("other", { seed: 8 })), fingerprint);
    assert.notEqual(await weightsFingerprint(await saved("rounded", {}, "BF16")), fingerprint);
    assert.notEqual(
      await weightsFingerprint(await saved("theta", { ropeTheta: 5e5 })),
      fingerprint,
    );
  });

  it("is the same of a GGUF file and of its weights as safetensors", async () => {
    const { tiny } = await readFixture("weights.json");
    const gguf = await file("tiny.gguf", bytes(tiny.file));
    const model = await loadModel(gguf);
    await saveModel(model, at("dequantised"));
    model.dispose();
    assert.equal(await weightsFingerprint(gguf), await weightsFingerprint(at("dequantised")));
  });
});

describe("an adapter's base", () => {
  const config = { ...LORA_DEFAULTS, r: 2 };
  let [base, other] = ["", ""];
  before(async () => {
    [base, other] = [await saved("base"), await saved("another", { seed: 8 })];
  });

  const save = async (record?: AdapterRecord) => {
    const adapter = LoraAdapter.create(tinyConfig(), config, Rng.named(1, "adapter"));
    await saveAdapter(adapter, at("adapter"), { baseModel: "me/base", revision: "v1", record });
    adapter.dispose();
  };

  it("is named by the config, and recorded in the weights file", async () => {
    const record = { base: await weightsFingerprint(base), parts: [{ ...config, name: "jsft" }] };
    await save(record);
    assert.deepEqual(await adapterBase(at("adapter")), { name: "me/base", revision: "v1" });
    assert.deepEqual(await adapterRecord(at("adapter")), {
      ...record,
      frozenDtype: "float32",
      parts: [{ ...record.parts[0], targetModules: [...config.targetModules] }],
    });
  });

  it("is the only one that it is put on", async () => {
    const own = await weightsFingerprint(base);
    await save({ base: own, parts: [{ ...config, name: "jsft" }] });
    (await loadAdapter(at("adapter"), tinyConfig(), { base: { path: base } })).dispose();
    await refuses(
      loadAdapter(at("adapter"), tinyConfig(), { base: { path: other } }),
      /trained on other weights than those of .*another/,
      own.slice(0, 16),
      "base_model_name_or_path",
      /its files were changed since: bring the old ones back$/,
    );
  });

  it("is not checked where another program wrote the adapter", async () => {
    await save();
    assert.equal(await adapterRecord(at("adapter")), null);
    (await loadAdapter(at("adapter"), tinyConfig(), { base: { path: other } })).dispose();
  });
});

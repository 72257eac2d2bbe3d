import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonFile, writeJsonFile } from "../lib/base/files.ts";
import { saveAdapter } from "../lib/model/mod.ts";
import { languagePath, locateModelFiles, locateWholeModel } from "../lib/run/model_files.ts";
import { refuses } from "./refusals.ts";
import { tinyWithAdapter } from "./tiny_method.ts";
import { tinyRunFolder } from "./tiny_run.ts";

describe("a model and the adapter on it", () => {
  let folder = "";
  let adapter = "";
  before(async () => {
    folder = await tinyRunFolder();
    adapter = `${folder}/an adapter`;
    const model = tinyWithAdapter();
    await saveAdapter(model.adapter!, adapter, { baseModel: `${folder}/model` });
    model.dispose();
  });

  /** The adapter with another base in its config. */
  const named = async (change: Record<string, unknown>) => {
    const file = `${adapter}/adapter_config.json`;
    await writeJsonFile(file, { ...await readJsonFile<object>(file), ...change });
  };
  const found = async (spec: string) => {
    const lines: string[] = [];
    const files = await locateModelFiles(spec, { log: (line) => lines.push(line) });
    return { ...files, lines };
  };

  it("are found by both their paths, or by the adapter's, which names its base", async () => {
    await named({ base_model_name_or_path: `${folder}/model` });
    const expected = { path: `${folder}/model`, origin: "local", adapter, lines: [] };
    assert.deepEqual(await found(`${folder}/model+${adapter}`), expected);
    assert.deepEqual(await found(adapter), expected);
    assert.deepEqual(await found(`${folder}/model`), { ...expected, adapter: null });
    // Without a tokenizer of its own, the adapter speaks as its base does.
    assert.equal(await languagePath(expected), `${folder}/model`);
  });

  it("are taken together with a warning where an adapter of another program names another base", async () => {
    await named({ base_model_name_or_path: "someone/else" });
    const { lines } = await found(`${folder}/model+${adapter}`);
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^warning: .*an adapter was made for "someone\/else"/);
  });

  it("are refused where the adapter's base is not named, or not there", async () => {
    const remedy = `write BASE+${adapter}`;
    await named({ base_model_name_or_path: null });
    await refuses(found(adapter), /names no base_model_name_or_path/, remedy);
    await named({ base_model_name_or_path: `${folder}/gone` });
    await refuses(
      found(adapter),
      /belongs on ".*gone", as its adapter_config\.json says: /,
      remedy,
    );
    await named({ base_model_name_or_path: `${folder}/model` });
    await refuses(found(`${folder}/model+${folder}/none`), /there is no adapter ".*none"/);
    await refuses(found(`${adapter}+${adapter}`), /is an adapter itself/, "alone");
    await refuses(locateWholeModel(adapter), /a whole one is needed here/, "deno task export");
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { modelName, openModel, parseModelSpec } from "../lib/run/open_model.ts";
import { modelFingerprint } from "../lib/model/mod.ts";
import { saveAdapter } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";
import { tinyWithAdapter } from "./tiny_method.ts";
import { startWell, tinyRunFolder } from "./tiny_run.ts";

const log = () => {};

describe("a model's spec", () => {
  it("is a path with or without an adapter, or a state of a run, and has a name fit for a file", () => {
    const cases: [string, ReturnType<typeof parseModelSpec>, string][] = [
      ["a/SmolLM2", { path: "a/SmolLM2", adapter: null }, "SmolLM2"],
      ["models/x.gguf", { path: "models/x.gguf", adapter: null }, "x"],
      ["m+r/s7/jsft/adapter", { path: "m", adapter: "r/s7/jsft/adapter" }, "m+s7-jsft"],
      ["run:runs/small-s7#jsft", { folder: "runs/small-s7", state: "jsft" }, "small-s7-jsft"],
    ];
    for (const [spec, parsed, name] of cases) {
      assert.deepEqual(parseModelSpec(spec), parsed);
      assert.equal(modelName(spec), name);
    }
  });

  it("must say which model of a run, since none of the three is the run's", async () => {
    const parse = (spec: string) => () => Promise.resolve(spec).then(parseModelSpec);
    await refuses(
      parse("run:runs/a"),
      /"run:runs\/a" does not say which model/,
      /run:runs\/a#base.*#jsft.*#policy/,
    );
    await refuses(parse("run:runs/a#best"), /a run has no model "best"/);
    await refuses(parse(""), /a spec names no model/);
  });
});

describe("openModel", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
    const model = tinyWithAdapter({ moved: true });
    await saveAdapter(model.adapter!, `${folder}/tuned`, { baseModel: "tiny" });
    model.dispose();
  });

  const fingerprint = async (spec: string, adapter?: "beside") => {
    const { model, name, dispose } = await openModel(spec, { adapter, log });
    try {
      return [name, await modelFingerprint(model), model.adapter === null] as const;
    } finally {
      dispose();
    }
  };

  it("folds an adapter into the weights, or leaves it beside them", async () => {
    const [, base] = await fingerprint(`${folder}/model`);
    const [name, folded, none] = await fingerprint(`${folder}/model+${folder}/tuned`);
    assert.deepEqual([name, none], ["model+tuned", true]);
    assert.notEqual(folded, base);
    const [, beside, off] = await fingerprint(`${folder}/model+${folder}/tuned`, "beside");
    assert.deepEqual([beside, off], [base, false]);
  });

  it("gives each state of a run its own weights: judgments of one are not taken for another's", async () => {
    const run = `${folder}/run`;
    await startWell({ folder, run: "run", args: ["--stage", "data,jsft,self-judge"] });
    const states = ["base", "jsft", "policy"];
    const found = [];
    for (const state of states) found.push(await fingerprint(`run:${run}#${state}`));
    assert.deepEqual(found.map(([name]) => name), states.map((state) => `run-${state}`));
    assert.equal(new Set(found.map(([, weights]) => weights)).size, 3);
    const { config, origin, dispose } = await openModel(`run:${run}#jsft`, {
      settings: ["judge.maxTokens=150"],
      log,
    });
    assert.deepEqual([config.judge.maxTokens, config.data.train], [150, 12]);
    assert.equal(origin, `run ${run}, jsft`);
    dispose();
  });

  it("refuses what is not there, before anything is loaded", async () => {
    await refuses(() => openModel("nowhere", { log }), /no model file or folder "nowhere"/);
    await refuses(
      () => openModel(`${folder}/model+${folder}/nowhere`, { log }),
      /there is no adapter ".*nowhere"/,
    );
    await refuses(() => openModel(`run:${folder}#base`, { log }), /there is no .*run\.json/);
  });

  it("writes the day on which the run began, where a chat template writes one", async () => {
    const template = await file("dated.jinja", "{{ strftime_now('%d %b %Y') }}");
    const values = { model: `${folder}/model`, chat: { template } };
    const begun = new Date(2026, 10, 30, 23, 59).toISOString();
    const record = { config: resolveConfig("smoke", { values }), begun };
    const run = `${folder}/dated`;
    await Deno.mkdir(run);
    await Deno.writeTextFile(`${run}/run.json`, JSON.stringify(record));
    const { chat, dispose } = await openModel(`run:${run}#base`, { log });
    dispose();
    assert.equal(chat.render([{ role: "user", content: "Hi" }]), "30 Nov 2026");
  });
});

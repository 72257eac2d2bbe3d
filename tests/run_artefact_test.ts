/** What a run's stages leave, loaded again by our own commands: the models that the run itself has. */
import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { readJsonFile } from "../lib/base/files.ts";
import { adapterRecord, loadModel, saveModel, sequenceLogProbs } from "../lib/model/mod.ts";
import { openModel } from "../lib/run/open_model.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { command } from "./commands.ts";
import { refuses } from "./refusals.ts";
import { tree } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import { BYTE_SETTINGS, byteLanguage, writeByteModel } from "./tiny_gguf.ts";
import { distance, tinyExamples } from "./tiny_method.ts";
import { refusedStart, startWell, tinyRunFolder } from "./tiny_run.ts";

const log = () => {};
const STAGES = ["--stage", "data,jsft,self-judge"];
const examples = tinyExamples(4);

/** Log-probabilities of a few sequences under the model that a spec names. */
async function logProbs(
  spec: string,
  sequences: readonly { ids: readonly number[]; from: number }[] = examples,
): Promise<number[]> {
  const { model, dispose } = await openModel(spec, { log });
  try {
    return await sequenceLogProbs(model, sequences);
  } finally {
    dispose();
  }
}

/** Files of a stage's model for other programs. */
const LANGUAGE = ["generation_config.json", "tokenizer.json", "tokenizer_config.json"];

describe("what a stage leaves", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
    const other = tinyModel({ seed: 99 });
    await saveModel(other, `${folder}/other`);
    other.dispose();
    for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`${folder}/model/${file}`, `${folder}/other/${file}`);
    }
  });

  /** A run of the stages that train. */
  const run = (name: string, set: string[] = []) =>
    startWell({
      folder,
      run: name,
      set: ["jsft.learningRate=0.01", "selfJudge.learningRate=0.01", ...set],
      args: STAGES,
    });

  /** Checks that a run's own models are those of the folders that it wrote. */
  async function areTheRuns(name: string, kinds: { jsft: string; policy: string }) {
    const at = `${folder}/${name}`;
    const found: number[][] = [await logProbs(`run:${at}#base`)];
    for (const [state, stage] of [["jsft", "jsft"], ["policy", "self-judge"]] as const) {
      const artefact = `${at}/${stage}/${kinds[state]}`;
      const [own, loaded] = [await logProbs(`run:${at}#${state}`), await logProbs(artefact)];
      assert.ok(distance(own, loaded) < 1e-4, `${stage}: ${distance(own, loaded)}`);
      found.push(own);
      for (const file of LANGUAGE) assert.ok(existsSync(`${artefact}/${file}`), file);
    }
    for (const i of [1, 2]) {
      assert.ok(distance(found[i], found[i - 1]) > 0.01, "a stage did nothing");
    }
    return at;
  }

  it("is one adapter of the base where both stages train adapters, other ranks and layers included", async () => {
    await run("lora", [
      "selfJudge.tuning.r=4",
      "selfJudge.tuning.alpha=4",
      'selfJudge.tuning.targetModules=["q_proj","down_proj"]',
    ]);
    const at = await areTheRuns("lora", { jsft: "adapter", policy: "adapter" });
    const config = await readJsonFile<Record<string, unknown>>(
      `${at}/self-judge/adapter/adapter_config.json`,
    );
    assert.equal(config!.base_model_name_or_path, resolve(`${folder}/model`));
    assert.deepEqual([config!.r, config!.lora_alpha, (config!.target_modules as string[]).length], [
      12,
      12,
      7,
    ]);
    const record = await adapterRecord(`${at}/self-judge/adapter`);
    assert.deepEqual(record!.parts.map(({ name, r, alpha }) => [name, r, alpha]), [
      ["jsft", 8, 16],
      ["self-judge", 4, 4],
    ]);
    assert.ok(!existsSync(`${at}/base`), "the base was loadable as it is");
    // With the last stage's update off, the policy is the model that it started from.
    const said: string[] = [];
    const beside = await openModel(`${at}/self-judge/adapter`, {
      adapter: "beside",
      log: (line) => said.push(line),
    });
    assert.match(said.join("\n"), /here; run:.*lora#policy has its run's own/);
    beside.model.adapter!.dispose();
    beside.model.adapter = null;
    const off = await sequenceLogProbs(beside.model, examples);
    beside.dispose();
    assert.deepEqual(off, await logProbs(`run:${at}#jsft`));
  });

  it("is whole models where both train every weight", async () => {
    await run("full", [
      "jsft.tuning.mode=full",
      "selfJudge.tuning.mode=full",
      "selfJudge.learningRate=0.001",
    ]);
    const at = await areTheRuns("full", { jsft: "model", policy: "model" });
    assert.deepEqual(
      tree(`${at}/jsft/model`),
      ["README.md", "config.json", ...LANGUAGE, "model.safetensors"].sort(),
    );
  });

  it("is an adapter of the whole model of the stage before, by its path", async () => {
    await run("mixed", ["jsft.tuning.mode=full", "selfJudge.tuning.mode=lora"]);
    const at = await areTheRuns("mixed", { jsft: "model", policy: "adapter" });
    const config = await readJsonFile<Record<string, unknown>>(
      `${at}/self-judge/adapter/adapter_config.json`,
    );
    assert.equal(config!.base_model_name_or_path, resolve(`${at}/jsft/model`));
    // Moved with the run, the base is found beside it.
    await Deno.rename(at, `${folder}/moved`);
    await areTheRuns("moved", { jsft: "model", policy: "adapter" });
  });

  it("is a whole model after an adapter", async () => {
    await run("back", [
      "jsft.tuning.mode=lora",
      "selfJudge.tuning.mode=full",
      "selfJudge.learningRate=0.001",
    ]);
    await areTheRuns("back", { jsft: "adapter", policy: "model" });
  });

  it("is what align starts from again, with a base of its own that others load", async () => {
    const first = await logProbs(`run:${folder}/lora#policy`);
    const model = `${folder}/lora/self-judge/adapter`;
    await startWell({ folder, run: "again", args: [...STAGES, "--model", model] });
    const at = await areTheRuns("again", { jsft: "adapter", policy: "adapter" });
    assert.ok(distance(await logProbs(`run:${at}#base`), first) < 1e-5);
    assert.ok(distance(await logProbs(`${at}/base`), first) < 1e-5);
  });

  it("is opened on its base as the run held it, in two bytes a number too", async () => {
    const two = ["frozenDtype=bfloat16"];
    await run("narrow", two);
    const at = await areTheRuns("narrow", { jsft: "adapter", policy: "adapter" });
    const wide = await logProbs(`run:${folder}/lora#base`);
    assert.ok(distance(await logProbs(`run:${at}#base`), wide) > 1e-3, "it was rounded");
    // Under an adapter, what is folded is rounded once more, and is the same when the run is opened again.
    const model = `${at}/self-judge/adapter`;
    await startWell({ folder, run: "narrow again", set: two, args: [...STAGES, "--model", model] });
    await areTheRuns("narrow again", { jsft: "adapter", policy: "adapter" });
  });

  it("is refused on another base by align, judge and benchmark", async () => {
    const adapter = `${folder}/lora/jsft/adapter`;
    const said = /was trained on other weights than those of .*other/;
    await refuses(() => openModel(`${folder}/other+${adapter}`, { log }), said);
    await refusedStart({
      folder,
      run: "x",
      args: [...STAGES, "--model", `${folder}/other+${adapter}`],
    }, said);
    const judge = command("run --quiet -A lib/cli/judge.ts");
    await judge.refused(
      ["--judge", `model:${folder}/other+${adapter}`, "--pairs", `${folder}/pairs.jsonl`],
      said,
    );
    await judge.refused(
      ["--judge", `reward:${adapter}`, "--pairs", `${folder}/pairs.jsonl`],
      /is an adapter on a model, and a whole one is needed here/,
      "deno task export",
    );
    // The run itself does not resume on other weights either.
    await Deno.rename(`${folder}/model`, `${folder}/kept`);
    await Deno.rename(`${folder}/other`, `${folder}/model`);
    try {
      await refuses(
        () => openModel(`run:${folder}/lora#jsft`, { log }),
        /trained on other weights/,
      );
    } finally {
      await Deno.rename(`${folder}/model`, `${folder}/other`);
      await Deno.rename(`${folder}/kept`, `${folder}/model`);
    }
  });

  it("is named where the folder of a run or a stage is given instead", async () => {
    for (const at of ["lora", "lora/jsft"]) {
      await refuses(
        () => openModel(`${folder}/${at}`, { log }),
        /is a folder of a run, not of a model/,
        "lora/jsft/adapter",
      );
    }
  });
});

describe("a run on a GGUF file", () => {
  it("leaves the file's weights as a folder that the adapters name as their base", async () => {
    const folder = await tinyRunFolder();
    const gguf = `${folder}/tiny.gguf`;
    await writeByteModel(gguf, "F16");
    const tokenizer = byteLanguage();
    await startWell({
      folder,
      run: "run",
      set: [...BYTE_SETTINGS, "jsft.epochs=1", "selfJudge.steps=1"],
      args: [...STAGES, "--model", gguf],
    });
    const at = `${folder}/run`;
    const adapter = `${at}/jsft/adapter`;
    const config = await readJsonFile<Record<string, unknown>>(`${adapter}/adapter_config.json`);
    assert.equal(config!.base_model_name_or_path, resolve(`${at}/base`));
    const [own, base] = [await loadModel(gguf), await loadModel(`${at}/base`)];
    for (const [name, tensor] of own.weights) {
      assert.deepEqual(base.weights.get(name)!.dataSync(), tensor.dataSync(), name);
    }
    own.dispose();
    base.dispose();
    const sequences = [{ ids: [5, 6, 7, 8, 9], from: 1 }];
    // On the file and on the folder alike: they have one fingerprint.
    const found = [];
    for (const spec of [adapter, `${gguf}+${adapter}`, `run:${at}#jsft`]) {
      found.push(await logProbs(spec, sequences));
    }
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[2], found[0]);
    const written = await openTokenizer(adapter);
    assert.equal(written.chatTemplate, tokenizer.chatTemplate);
    assert.deepEqual(written.encode("In 1984 </s>"), tokenizer.encode("In 1984 </s>"));
  });
});

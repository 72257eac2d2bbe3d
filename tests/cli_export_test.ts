import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { openGguf, openSafetensors, sequenceLogProbs } from "../lib/model/mod.ts";
import { openModel } from "../lib/run/open_model.ts";
import type { PairRow } from "../lib/run/pairs_artefact.ts";
import { command } from "./commands.ts";
import { tree } from "./temporary_files.ts";
import { BYTE_SETTINGS, writeByteModel } from "./tiny_gguf.ts";
import { distance } from "./tiny_method.ts";
import { startWell, tinyRunFolder } from "./tiny_run.ts";

const sequences = [[5, 9, 12, 40, 7], [3, 88, 91]].map((ids) => ({ ids, from: 1 }));

async function logProbs(spec: string): Promise<number[]> {
  const { model, dispose } = await openModel(spec, { log: () => {} });
  try {
    return await sequenceLogProbs(model, sequences);
  } finally {
    dispose();
  }
}

describe("deno task export", () => {
  const task = command("run --quiet -A lib/cli/export.ts");
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
    await writeByteModel(`${folder}/bytes.gguf`);
    const args = ["--stage", "data,jsft,self-judge", "--model", `${folder}/bytes.gguf`];
    const set = [...BYTE_SETTINGS, "jsft.epochs=1", "jsft.learningRate=0.01"];
    await startWell({ folder, run: "run", set, args });
    await startWell({
      folder,
      run: "words",
      set: ["jsft.tuning.mode=full", "jsft.epochs=1"],
      args: ["--stage", "data,jsft"],
    });
  });

  it("writes the last stage's model with its adapters folded in, in any precision, as a whole folder", async () => {
    for (
      const [dtype, stored, within] of [["float32", "F32", 1e-5], [
        "bfloat16",
        "BF16",
        0.5,
      ]] as const
    ) {
      const to = `${folder}/out/${dtype}`;
      const { out } = await task.well([`${folder}/run`, "--to", to, "--dtype", dtype]);
      assert.match(out, /wrote .*model\.safetensors/);
      const names = ["README.md", "config.json", "generation_config.json", "model.safetensors"];
      assert.deepEqual(tree(to), [...names, "tokenizer.json", "tokenizer_config.json"]);
      const source = await openSafetensors(to);
      assert.equal(source.dtype("model.norm.weight"), stored);
      source.close();
      assert.equal(
        (await readJsonFile<Record<string, unknown>>(`${to}/config.json`))!.torch_dtype,
        dtype,
      );
      const far = distance(await logProbs(to), await logProbs(`run:${folder}/run#policy`));
      assert.ok(far < within, `${dtype}: ${far}`);
    }
  });

  it("writes a GGUF file, of the stage that is asked for", async () => {
    const to = `${folder}/out/gguf`;
    await task.well([
      `${folder}/run`,
      "--to",
      to,
      "--format",
      "gguf",
      "--stage",
      "jsft",
      "--dtype",
      "float16",
    ]);
    assert.deepEqual(tree(to), ["README.md", "run-jsft-F16.gguf"]);
    const file = await openGguf(`${to}/run-jsft-F16.gguf`);
    file.close();
    assert.equal(file.metadata.get("general.name"), "run-jsft");
    const found = await logProbs(`${to}/run-jsft-F16.gguf`);
    assert.ok(distance(found, await logProbs(`run:${folder}/run#jsft`)) < 0.05);
    assert.match(
      await Deno.readTextFile(`${to}/README.md`),
      /llama-cli --model run-jsft-F16\.gguf/,
    );
  });

  it("writes an adapter alone, which still knows its base", async () => {
    const to = `${folder}/out/adapter`;
    await task.well([`${folder}/run`, "--to", to, "--format", "adapter"]);
    assert.deepEqual(await logProbs(to), await logProbs(`run:${folder}/run#policy`));
    const { out } = await task.well([to, "--to", `${folder}/out/merged`]); // what is no run, too
    assert.match(out, /wrote .*merged/);
    assert.ok(!existsSync(`${folder}/out/merged/README.md`), "there is nothing to say of it");
  });

  it("refuses what it cannot write, with the way out", async () => {
    const to = ["--to", `${folder}/out/none`];
    const run = `${folder}/run`;
    await task.refused(
      [run, "--to", folder],
      /is not empty: it has /,
      "name a new folder with --to",
    );
    await task.refused([run, "--to", `${folder}/pairs.jsonl`], /is not a folder/);
    await task.refused(
      [run, ...to, "--stage", "data"],
      /--stage data makes no model/,
      "jsft or self-judge",
    );
    await task.refused(
      [`${folder}/words`, ...to, "--stage", "self-judge"],
      /self-judge of .* is not done/,
    );
    await task.refused(
      [`${folder}/words`, ...to, "--format", "adapter"],
      /whole model, not an adapter/,
    );
    await task.refused(
      [`${folder}/words`, ...to, "--format", "gguf"],
      /llama\.cpp has no tokenizer like this one/,
    );
    await task.refused([`${folder}/bytes.gguf`, ...to, "--stage", "jsft"], /is no run/);
    await task.refused([`${folder}/nowhere`, ...to], /there is no model file or folder/);
    await task.refused([run], /--to/);
    assert.ok(!existsSync(`${folder}/out/none/model.safetensors`));
  });
});

describe("what a run says of its models and pairs", () => {
  let run = "";
  before(async () => {
    const folder = await tinyRunFolder();
    await startWell({ folder, run: "whole", set: ["chat.system=Be kind."] });
    await startWell({
      folder,
      run: "offline",
      set: ["selfJudge.method=offline-dpo"],
      args: ["--stage", "data,jsft,self-judge"],
    });
    run = `${folder}/whole`;
  });

  it("is a card of each model: base and fingerprint, data, settings, the judge's report, the licence's place", async () => {
    for (const stage of ["jsft", "self-judge"]) {
      const card = await Deno.readTextFile(`${run}/${stage}/adapter/README.md`);
      const [, head] = /^---\n([^]*?)\n---\n/.exec(card)!;
      assert.match(head, /^library_name: "peft"$/m);
      assert.match(
        card,
        new RegExp(`An adapter of rank ${stage === "jsft" ? 8 : 16} on \`.*model\``),
      );
      assert.match(card, /fingerprint `[0-9a-f]{16}`/);
      assert.match(card, /- `.*pairs\.jsonl`/);
      assert.match(card, /12 pairs to train on, 8 held out/);
      assert.match(card, /"learningRate": 0\.0005/);
      assert.match(card, /\| accuracy \| \d\.\d{3} .*\| \d\.\d{3}/);
      assert.match(card, /is to be the first message:\n\n```text\nBe kind\.\n```/);
      assert.doesNotMatch(card, /bos_token_id/, "the chat template writes it, or nothing does");
      assert.match(card, /## Licence/);
      assert.equal(card.includes('"beta"'), stage === "self-judge");
      assert.doesNotMatch(card, /undefined|NaN|null on/);
    }
  });

  it("is the pairs it learned from, in TRL's columns, with how they were annotated", async () => {
    const rows = await readJsonl<PairRow>(`${run}/self-judge/pairs/train.jsonl`);
    const logged = await readJsonl<
      { chosen: string; rejected: string; preference: number; pair: string }
    >(
      `${run}/self-judge/pairs.jsonl`,
    );
    assert.ok(rows.length > 0);
    assert.deepEqual(
      rows.map(({ chosen: [c], rejected: [r], J, id }) => [c.content, r.content, J, id]),
      logged.filter(({ chosen, rejected }) => chosen !== rejected)
        .map(({ chosen, rejected, preference, pair }) => [chosen, rejected, preference, pair]),
    );
    for (const { prompt, chosen, rejected, consistent, step } of rows) {
      assert.deepEqual(prompt.map(({ role }) => role), ["system", "user"]); // as it was asked
      assert.equal(prompt[0].content, "Be kind.");
      assert.deepEqual([chosen[0].role, rejected[0].role], ["assistant", "assistant"]);
      assert.ok(typeof consistent === "boolean" && step >= 1 && step <= 3);
    }
    const card = await Deno.readTextFile(`${run}/self-judge/pairs/README.md`);
    assert.match(
      card,
      /\| annotator \| the model after JSFT: `.*jsft\/adapter`, sha256 `[0-9a-f]{16}`/,
    );
    assert.match(card, new RegExp(`\\| kept \\| ${rows.length} \\|`));
    assert.match(card, /Principle overall; labels ` A` and ` B`:/);
    assert.match(card, /\| positions \| both/);
  });

  it("says of pairs that the data set's labels ranked that nobody judged them", async () => {
    const pairs = `${run}/../offline/self-judge/pairs`;
    const rows = await readJsonl<PairRow>(`${pairs}/train.jsonl`);
    assert.ok(
      rows.length > 0 && rows.every(({ J, consistent }) => J === null && consistent === null),
    );
    const card = await Deno.readTextFile(`${pairs}/README.md`);
    assert.match(card, /\| annotator \| the labels of the data set \|/);
    assert.doesNotMatch(card, /## Question|\| positions/);
  });
});

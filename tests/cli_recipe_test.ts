/** The paper's strongest recipe on a two-layer model: from UltraFeedback's parquet to a GGUF file. */
import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { loadModel, sequenceLogProbs } from "../lib/model/mod.ts";
import { openModel } from "../lib/run/open_model.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { command } from "./commands.ts";
import { referencePath } from "./model_reference.ts";
import { newFolder } from "./temporary_files.ts";
import { align } from "./tiny_run.ts";

const exported = command("run --quiet -A lib/cli/export.ts");

describe("the recipe ultrafeedback-principles-llama2-7b, at smoke scale", () => {
  let run = "";
  let out = "";
  before(async () => {
    run = `${await newFolder()}/run`;
    const data = referencePath("parquet/ultrafeedback-forty.parquet");
    const said = await align.well([
      ...["--recipe", "ultrafeedback-principles-llama2-7b", "--scale", "smoke"],
      ...["--model", referencePath("authors"), "--data", data, "--run", run],
    ]);
    out = said.out;
  });

  it("reads rated answers: one to imitate, and a pair for each principle with its rationale", async () => {
    const records = await readJsonl<Record<string, unknown>>(`${run}/data/train.jsonl`);
    const imitated = records.filter((record) => "answer" in record);
    const judged = records.filter((record) => "rejected" in record);
    assert.equal(imitated.length, 12);
    assert.deepEqual(
      [...new Set(judged.map(({ principle }) => principle))].sort(),
      ["helpfulness", "honesty", "instruction-following", "truthfulness"],
    );
    assert.ok(judged.every(({ rationale }) => rationale !== undefined));
    // Each principle rates by itself, and 0 of 7 rows has no rating for one.
    assert.ok(judged.length < 4 * imitated.length && judged.length > 3 * imitated.length);
  });

  it("trains every weight in JSFT and an adapter in the loop, by four principles", async () => {
    const files = await Array.fromAsync(Deno.readDir(`${run}/jsft`));
    assert.ok(files.some(({ name }) => name === "model"));
    const { settings } = (await readJsonFile<{ settings: { judge: { principles: string[] } } }>(
      `${run}/jsft/config.json`,
    ))!;
    assert.equal(settings.judge.principles.length, 4);
    const card = await Deno.readTextFile(`${run}/jsft/model/README.md`);
    assert.match(card, /A prompt begins with what the tokenizer puts before a text:/);
    assert.match(out, /JSFT, \d+ steps/);
    const pairs = await readJsonl<{ preference: number }>(`${run}/self-judge/pairs.jsonl`);
    assert.equal(pairs.length, 6, "two steps of three prompts, none skipped");
  });

  it("says in the adapter's card how its base was held: what JSFT trained whole is not rounded", async () => {
    const card = await Deno.readTextFile(`${run}/self-judge/adapter/README.md`);
    assert.match(card, /from_pretrained\("THIS_FOLDER", dtype=torch\.float32\)/);
    assert.doesNotMatch(card, /rounded/);
  });

  it("shows each held-out prompt once, whatever the number of its pairs", async () => {
    const shown = await readJsonl<{ pair: string }>(`${run}/tournament/answers.jsonl`);
    assert.equal(new Set(shown.map(({ pair }) => pair.split("/")[0])).size, shown.length);
  });

  it("ends as a GGUF file with the policy's weights and the chat template in use", async () => {
    const to = `${run}-gguf`;
    await exported.well(["--to", to, "--format", "gguf", run]);
    const [file] = (await Array.fromAsync(Deno.readDir(to)))
      .filter(({ name }) => name.endsWith(".gguf"));
    const tokenizer = await openTokenizer(`${to}/${file.name}`);
    assert.match(tokenizer.chatTemplate!, /<\|system\|>/);
    const ids = tokenizer.encode("Say the sky. It is the sky.");
    const examples = [{ ids, from: 3 }, { ids: [1, ...ids], from: 1 }];
    const policy = await openModel(`run:${run}#policy`, { log: () => {} });
    const gguf = await loadModel(`${to}/${file.name}`);
    const [ours, theirs] = [
      await sequenceLogProbs(policy.model, examples),
      await sequenceLogProbs(gguf, examples),
    ];
    ours.forEach((sum, i) => assert.ok(Math.abs(sum - theirs[i]) < 1e-4, `${sum} ${theirs[i]}`));
    policy.dispose();
    gguf.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { AUTHORS_CONVENTIONS, loadPrinciples, principlesNamed } from "../lib/method/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { OURS, recipeNamed, RECIPES } from "../lib/run/recipe.ts";
import { settingAt, settingLines } from "../lib/run/settings.ts";
import { CHAT_PRESETS } from "../lib/text/mod.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

const paper = Object.values(RECIPES).filter((recipe) => recipe !== OURS);

describe("recipes", () => {
  it("are files of every setting, at each of their scales", () => {
    assert.deepEqual(Object.keys(RECIPES), [
      "ours",
      "hh-llama2-7b",
      "ultrafeedback-llama2-7b",
      "ultrafeedback-principles-llama2-7b",
    ]);
    for (const recipe of Object.values(RECIPES)) {
      for (const scale of Object.keys(recipe.scales)) resolveConfig(scale, { recipe });
      for (const { name } of settingLines()) {
        assert.notEqual(settingAt(recipe.settings, name), undefined, `${recipe.name}: ${name}`);
      }
    }
  });

  it("of the paper say of every setting where it is from, and mark what differs", () => {
    for (const { name: recipe, notes } of paper) {
      for (const { name } of settingLines()) assert.ok(notes[name], `${recipe}: ${name}`);
      assert.deepEqual(
        Object.keys(notes).filter((note) => !settingLines().some(({ name }) => name === note)),
        [],
      );
      assert.match(notes["data.heldOut"], /^deviation/);
    }
  });

  it("of the paper have the authors' settings", async () => {
    for (const recipe of paper) {
      const { chat, data, judge, jsft, selfJudge } = resolveConfig(null, { recipe });
      const { text, bos, turns, endCutAnswers, endRationale } = chat;
      const { markers, system: _, ...conventions } = AUTHORS_CONVENTIONS;
      assert.deepEqual({ text, bos, turns, endCutAnswers, endRationale }, conventions);
      assert.deepEqual(CHAT_PRESETS[chat.template!].markers, markers);
      assert.equal(chat.overflow, "truncate-start");
      assert.deepEqual([data.maxTokens, judge.maxTokens, data.train], [2048, 2048, null]);
      assert.deepEqual(
        [jsft.learningRate, jsft.schedule, jsft.warmup, jsft.epochs, jsft.weighting],
        [2e-5, "cosine", 0.03, 1, "token"],
      );
      assert.deepEqual(
        [selfJudge.learningRate, selfJudge.schedule, selfJudge.warmup, selfJudge.epochs],
        [5e-6, "constant", 0.1, 3],
      );
      assert.deepEqual(selfJudge.tuning, {
        ...{ mode: "lora", r: 8, alpha: 16, dropout: 0, targetModules: ["q_proj", "v_proj"] },
      });
      assert.equal(jsft.tuning.mode, recipe.name.startsWith("hh") ? "lora" : "full");
      const { principles, layout } = await loadPrinciples(judge.principlesFile!);
      assert.equal(principlesNamed(judge.principles, principles).length, principles.length);
      assert.ok(layout);
    }
    const { data, jsft } = resolveConfig(null, { recipe: RECIPES["hh-llama2-7b"] });
    assert.deepEqual(data.sources.map(({ source, use }) => [source, use]), [
      ["hh-rlhf/helpful-base/train", "both"],
      ["hh-rlhf/helpful-online/train", "answers"],
    ]);
    assert.equal(jsft.tuning.dropout, 0.1);
  });

  it("are read from a file, with errors that name file and field", async () => {
    const folder = await newFolder();
    const file = `${folder}/mine.json`;
    await Deno.writeTextFile(file, JSON.stringify({ ...OURS, name: "mine", scale: "smoke" }));
    const mine = await recipeNamed(file);
    assert.deepEqual(resolveConfig(null, { recipe: mine }), resolveConfig("smoke"));
    refusesAtOnce(() => resolveConfig("huge", { recipe: mine }), /smoke, small, full/);
    await refuses(recipeNamed("absent"), /no recipe "absent"/, /hh-llama2-7b/);
    await Deno.writeTextFile(file, JSON.stringify(OURS.settings));
    await refuses(recipeNamed(file), /mine\.json, field name/, /--config/);
    await Deno.writeTextFile(file, "{");
    await refuses(recipeNamed(file), /mine\.json/);
  });
});

describe("settings", () => {
  it("each have a meaning", () => {
    const lines = settingLines();
    assert.ok(lines.length > 60);
    for (const { name, meaning } of lines) assert.ok(meaning.length > 5, name);
  });

  it("name the principle of the data unless one is asked for", () => {
    const of = (source: string) =>
      resolveConfig("small", { values: { data: { sources: [{ source }] } } }).judge.principles;
    assert.deepEqual(of("hh-rlhf/harmless-base/test"), ["harmlessness"]);
    assert.deepEqual(of("pairs.jsonl"), ["overall"]);
    const asked = resolveConfig("small", { settings: ['judge.principles=["honesty"]'] });
    assert.deepEqual(asked.judge.principles, ["honesty"]);
  });

  it("that were renamed say so", () => {
    refusesAtOnce(
      () => resolveConfig("small", { settings: ["lora.mode=full"] }),
      /jsft\.tuning and selfJudge\.tuning/,
    );
    refusesAtOnce(
      () => resolveConfig("small", { settings: ["data.source=x.jsonl"] }),
      /data\.sources/,
    );
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { start, type StartOptions, startWell, tinyRunFolder } from "./tiny_run.ts";

let folder = "";

/** Calls the command, which has to refuse: exit code 1, and on stderr one problem and what to do. */
async function refused(
  options: Omit<StartOptions, "folder">,
  message: string | RegExp,
): Promise<void> {
  const { code, err } = await start({ folder, ...options });
  assert.equal(code, 1, err);
  const said = err.slice(err.indexOf("error: "));
  assert.match(said, /^error: [^]+\n {2}-> .+\n$/);
  assert.doesNotMatch(err, /^\s+at .*:\d+/m, "no stack trace");
  const expected = typeof message === "string" ? `error: ${message}\n` : message;
  if (typeof expected === "string") assert.equal(said, expected);
  else assert.match(said, expected);
}

/** Names of files that a write cut short would leave below a folder. */
async function leftovers(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) found.push(...await leftovers(`${path}/${name}`));
    else if (/\.(part|tmp)$/.test(name)) found.push(`${path}/${name}`);
  }
  return found;
}

describe("a command that cannot be followed", () => {
  before(async () => {
    folder = await tinyRunFolder();
  });
  after(() => Deno.remove(folder, { recursive: true }));

  it("names a stage, a scale or an option that does not exist", async () => {
    await refused(
      { run: "x", args: ["--stage", "dpo"] },
      'there is no stage "dpo"\n' +
        "  -> choose from data, judge-before, jsft, judge-after, self-judge, tournament",
    );
    await refused(
      { run: "x", args: ["--scale", "huge"] },
      'there is no scale "huge"\n  -> choose one of smoke, small, full',
    );
    await refused(
      { run: "x", args: ["--speed", "9"] },
      "unknown option '--speed'\n(Did you mean --seed?)\n  -> see deno task align --help",
    );
    assert.ok(!existsSync(`${folder}/x`), "nothing was begun");
  });

  it("names a setting that is misspelt, out of range or without a value", async () => {
    await refused(
      { run: "x", set: ["jsft.epoch=1"] },
      /there is no setting "jsft\.epoch"\n.*epochs/,
    );
    await refused({ run: "x", set: ["lora.dropout=1"] }, /setting lora\.dropout is 1\n/);
    await refused({ run: "x", args: ["--seed", "soon"] }, /--seed is "soon"\n/);
    await refused(
      { run: "x", set: ["jsft.epochs"] },
      '--set "jsft.epochs"\n  -> write it as section.field=value, "jsft.epochs=2"',
    );
    assert.ok(!existsSync(`${folder}/x`), "nothing was begun");
  });

  it("names a file of settings that is missing, a folder or not JSON", async () => {
    await Deno.writeTextFile(`${folder}/notes.txt`, "hello");
    for (const name of ["none.json", "model", "notes.txt"]) {
      await refused(
        { run: "x", args: ["--config", `${folder}/${name}`] },
        new RegExp(`the settings file .*${name} cannot be read: .*\n {2}-> give a JSON file`),
      );
    }
    assert.ok(!existsSync(`${folder}/x`), "nothing was begun");
  });

  it("names a run folder that cannot be written", async () => {
    await refused({ run: "pairs.jsonl" }, /cannot write .*pairs\.jsonl: .*\n {2}-> check that/);
    await refused({ run: "pairs.jsonl/run" }, /cannot write .*pairs\.jsonl\/run: /);
    await refused({ run: "x", args: ["--run", ""] }, '--run ""\n  -> name a folder');
  });

  it("asks for the stages before this one", async () => {
    for (const [stage, need] of [["tournament", "data"], ["judge-after,self-judge", "data"]]) {
      await refused(
        { run: "x", args: ["--stage", stage] },
        new RegExp(
          `needs the result of stage ${need}, .*\n {2}-> run the same command with --stage`,
        ),
      );
    }
    assert.ok(!existsSync(`${folder}/x`), "nothing was begun");
  });
});

describe("input that cannot be used", () => {
  before(async () => {
    folder = await tinyRunFolder();
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("empty.jsonl", "");
    await write("words.jsonl", "not json\nnor this\n");
    await write(
      "half.jsonl",
      '{"prompt":"Name apple","chosen":"Sure","rejected":"No"}\n{"prompt":"N\n',
    );
    await write("notes.txt", "hello\n");
    for (const name of ["gpt", "cut", "mute"]) {
      await Deno.mkdir(`${folder}/${name}`);
      for await (const file of Deno.readDir(`${folder}/model`)) {
        await Deno.copyFile(`${folder}/model/${file.name}`, `${folder}/${name}/${file.name}`);
      }
    }
    const edit = async (name: string, change: (text: string) => string) =>
      await write(name, change(await Deno.readTextFile(`${folder}/${name}`)));
    await edit("gpt/config.json", (text) => text.replace('"llama"', '"gpt2"'));
    await edit("mute/tokenizer_config.json", (text) => {
      const { chat_template: _, ...rest } = JSON.parse(text);
      return JSON.stringify(rest);
    });
    await Deno.truncate(`${folder}/cut/model.safetensors`, 5000);
    await Deno.mkdir(`${folder}/nothing`);
  });
  after(() => Deno.remove(folder, { recursive: true }));

  it("is named where it is the model, and a corrected command resumes in the same run folder", async () => {
    const cases: [string, RegExp][] = [
      ["missing", /there is no model file or folder ".*missing"\n {2}-> give a path that exists/],
      ["nothing", /nothing\/tokenizer_config\.json.*\n {2}-> check the path/],
      ["mute", /the tokenizer has no chat template\n/],
    ];
    for (const [model, message] of cases) {
      await refused({ run: "model-run", args: ["--model", `${folder}/${model}`] }, message);
    }
    await startWell({ folder, run: "model-run", args: ["--stage", "data,judge-before"] });
    assert.deepEqual(await leftovers(`${folder}/model-run`), []);
  });

  it("is named where weights or architecture are wrong", async () => {
    const args = (
      model: string,
    ) => ["--stage", "data,judge-before", "--model", `${folder}/${model}`];
    await refused(
      { run: "cut-run", args: args("cut") },
      /cut\/model\.safetensors is truncated: tensor /,
    );
    await refused(
      { run: "gpt-run", args: args("gpt") },
      /gpt\/config\.json: model_type is "gpt2"\n/,
    );
    assert.ok(!existsSync(`${folder}/cut-run/judge-before/done.json`));
  });

  it("is named where it is the data, and a corrected command resumes in the same run folder", async () => {
    const cases: [string, RegExp][] = [
      ["none.jsonl", /there is no data file ".*none\.jsonl"\n {2}-> give a path that exists/],
      ["empty.jsonl", /empty\.jsonl is empty\n/],
      ["words.jsonl", /words\.jsonl has no usable pair in 2 lines; .*the line is not JSON\n/],
      ["notes.txt", /notes\.txt: the format cannot be told .*\n {2}-> .*hh, alpaca, csv, jsonl/],
      ["model", /model" is a folder\n/],
      ["half.jsonl", /1 pairs fit in 96 tokens; 12 to train on and 8 held out were asked for\n/],
    ];
    for (const [data, message] of cases) {
      await refused({ run: "data-run", args: ["--data", `${folder}/${data}`] }, message);
      assert.ok(!existsSync(`${folder}/data-run/data/train.jsonl`), data);
    }
    await refused(
      { run: "data-run", set: ["data.onBadLine=fail"], args: ["--data", `${folder}/half.jsonl`] },
      /half\.jsonl line 2: the line is not JSON \(.*\n {2}-> correct the line/,
    );
    await startWell({ folder, run: "data-run", args: ["--stage", "data"] });
    assert.deepEqual(await leftovers(`${folder}/data-run`), []);
  });

  it("is named where there are fewer pairs than asked for", async () => {
    await refused(
      { run: "few", set: ["data.train=500"], args: ["--stage", "data"] },
      "40 pairs fit in 96 tokens; 500 to train on and 8 held out were asked for\n" +
        "  -> lower data.train or data.heldOut, or raise data.maxTokens",
    );
    await startWell({ folder, run: "few", args: ["--stage", "data"] });
  });

  it("is named where the judge has no room or no such principle", async () => {
    const args = ["--stage", "data,judge-before"];
    await refused(
      { run: "room", set: ["judge.maxTokens=20"], args },
      /a limit of 20 tokens is too short for a judge's prompt\n {2}-> set maxTokens to \d+ or more/,
    );
    await refused(
      { run: "room", set: ['judge.principles=["wit"]'], args },
      /there is no principle named "wit"\n {2}-> choose among "overall"/,
    );
    await startWell({ folder, run: "room", args });
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { tree } from "./temporary_files.ts";
import { refusedStart, type StartOptions, startWell, tinyRunFolder } from "./tiny_run.ts";

// What each part refuses is tested with the part; here, that the command says it and leaves nothing half done.

let folder = "";
before(async () => {
  folder = await tinyRunFolder();
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("words.jsonl", "not json\nnor this\n");
  await write(
    "half.jsonl",
    '{"prompt":"Name apple","chosen":"Sure","rejected":"No"}\n{"prompt":"N\n',
  );
  await write("notes.txt", "hello");
  await write("misspelt.json", '{"jsft":{"epoch":1}}');
  for (const name of ["cut", "mute"]) {
    await Deno.mkdir(`${folder}/${name}`);
    for await (const file of Deno.readDir(`${folder}/model`)) {
      await Deno.copyFile(`${folder}/model/${file.name}`, `${folder}/${name}/${file.name}`);
    }
  }
  const settings = `${folder}/mute/tokenizer_config.json`;
  const { chat_template: _, ...rest } = JSON.parse(await Deno.readTextFile(settings));
  await Deno.writeTextFile(settings, JSON.stringify(rest));
  await Deno.truncate(`${folder}/cut/model.safetensors`, 5000);
});

const refused = (options: Omit<StartOptions, "folder">, ...parts: (RegExp | string)[]) =>
  refusedStart({ folder, ...options }, ...parts);

/** Files that a write cut short would leave below a folder. */
const leftovers = (path: string) => tree(path).filter((name) => /\.(part|tmp)$/.test(name));

describe("a command that cannot be followed", () => {
  const cases: [string, Partial<StartOptions>, RegExp | string][] = [
    [
      "a stage that does not exist",
      { args: ["--stage", "dpo"] },
      'error: there is no stage "dpo"\n' +
      "  -> choose from data, judge-before, jsft, judge-after, self-judge, tournament\n",
    ],
    [
      "an option that does not exist",
      { args: ["--speed", "9"] },
      "error: unknown option '--speed'\n(Did you mean --seed?)\n  -> see deno task align --help\n",
    ],
    [
      "a setting that is misspelt",
      { set: ["jsft.epoch=1"] },
      /error: there is no setting "jsft\.epoch"\n.*epochs/,
    ],
    [
      "a setting that is misspelt in a file, with the file",
      { args: ["--config", "FOLDER/misspelt.json"] },
      /misspelt\.json: there is no setting "jsft\.epoch"\n.*epochs/,
    ],
    [
      "a use of data that is none",
      { args: ["--data", "pairs.jsonl=answer"] },
      'error: --data pairs.jsonl=answer: a source is not of use "answer", and there is no file of that name\n' +
      "  -> write pairs.jsonl, pairs.jsonl=answers or pairs.jsonl=judgments\n",
    ],
    ...["none.json", "model", "notes.txt"].map((name): [string, Partial<StartOptions>, RegExp] => [
      `a file of settings that is none: ${name}`,
      { args: ["--config", `FOLDER/${name}`] },
      new RegExp(`the settings file .*${name} cannot be read: .*\n {2}-> give a JSON file`),
    ]),
    [
      "a stage whose forerunners were not run",
      { args: ["--stage", "judge-after,self-judge"] },
      /needs the result of stage data, .*\n {2}-> run the same command with --stage/,
    ],
  ];
  for (const [what, options, message] of cases) {
    it(`names ${what}, and nothing is begun`, async () => {
      const args = options.args?.map((word) => word.replace("FOLDER", folder));
      await refused({ run: "x", ...options, args }, message);
      assert.ok(!existsSync(`${folder}/x`));
    });
  }

  it("names a run folder that cannot be written", async () => {
    await refused({ run: "pairs.jsonl/run" }, /cannot write .*pairs\.jsonl\/run: .*\n {2}-> check/);
  });
});

describe("input that cannot be used is named, and a corrected command resumes in the same run folder,", () => {
  it("where it is the model", async () => {
    const cases: [string, RegExp][] = [
      ["missing", /there is no model file or folder ".*missing"\n {2}-> give a path that exists/],
      ["mute", /the tokenizer has no chat template: the model is a base model\n/],
    ];
    const args = ["--stage", "data,judge-before"];
    for (const [model, message] of cases) {
      await refused(
        { run: "model-run", args: [...args, "--model", `${folder}/${model}`] },
        message,
      );
    }
    await refused(
      { run: "model-run", args: [...args, "--model", `run:${folder}/x#policy`] },
      /-> give the folder that a stage of that run left: RUN\/jsft\/adapter/,
    );
    await startWell({ folder, run: "model-run", args });
    const anew = [...args, "--fresh", "--model", `${folder}/missing`];
    await refused({ run: "model-run", args: anew }, /there is no model file or folder/);
    const mute = [...args, "--fresh", "--model", `${folder}/mute`];
    await refused({ run: "model-run", args: mute }, /the tokenizer has no chat template/);
    const misspelt = [...args, "--fresh", "--data", `${folder}/pears.jsonl`];
    await refused({ run: "model-run", args: misspelt }, /there is no data file ".*pears\.jsonl"/);
    const unjudged = [...args, "--fresh", "--ranker", `model:${folder}/missing`];
    await refused(
      { run: "model-run", args: unjudged, set: ["selfJudge.method=oaif"] },
      /missing/,
    );
    assert.ok(existsSync(`${folder}/model-run/judge-before/done.json`), "nothing was deleted");
    assert.deepEqual(leftovers(`${folder}/model-run`), []);
    // Weights are not read before the second stage, whose first has the broken model in its settings.
    const cut = { run: "cut-run", args: [...args, "--model", `${folder}/cut`] };
    await refused(cut, /cut\/model\.safetensors is truncated: tensor /);
    assert.ok(!existsSync(`${folder}/cut-run/judge-before/done.json`));
  });

  it("where it is the data", async () => {
    const data = (name: string) => ["--stage", "data", "--data", `${folder}/${name}`];
    const cases: [Partial<StartOptions>, RegExp | string][] = [
      [{ args: data("words.jsonl") }, /words\.jsonl has no usable pair in 2 lines; .*not JSON\n/],
      [
        { args: data("half.jsonl") },
        /1 pairs fit in 96 tokens; 12 to train on and 8 held out were/,
      ],
      [
        { args: data("half.jsonl"), set: ["data.onBadLine=fail"] },
        /half\.jsonl line 2: the line is not JSON \(.*\n {2}-> correct the line/,
      ],
      [
        { args: data("pairs.jsonl"), set: ["data.train=500"] },
        "error: 40 pairs fit in 96 tokens; 500 to train on and 8 held out were asked for\n" +
        "  -> lower data.train or data.heldOut, or give more data\n",
      ],
    ];
    for (const [options, message] of cases) {
      await refused({ run: "data-run", ...options }, message);
      assert.ok(!existsSync(`${folder}/data-run/data/train.jsonl`));
    }
    await startWell({ folder, run: "data-run", args: data("pairs.jsonl") });
    assert.deepEqual(leftovers(`${folder}/data-run`), []);
  });

  it("where the judge has no room", async () => {
    const args = ["--stage", "data,judge-before"];
    await refused(
      { run: "room", set: ["judge.maxTokens=20"], args },
      /a limit of 20 tokens is too short for a judge's prompt\n {2}-> set maxTokens to \d+ or more/,
    );
    await startWell({ folder, run: "room", args });
  });
});

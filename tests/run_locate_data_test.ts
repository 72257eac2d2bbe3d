import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { checkData, locateData } from "../lib/run/source.ts";
import { refuses } from "./refusals.ts";
import { file, newFolder, tree } from "./temporary_files.ts";
import { bytes, closedPort, hub, setting } from "./test_hub.ts";

const HH = "/datasets/Anthropic/hh-rlhf/resolve/main/harmless-base/test.jsonl.gz";
const SET = "hh-rlhf/harmless-base/test";
const CACHED = "data/hh-rlhf/harmless-base-test.jsonl.gz";

describe("locateData", () => {
  before(() => {
    hub.files[HH] = bytes(300_000);
  });

  it("takes a file that is there", async () => {
    const path = await file("own.csv", "");
    assert.deepEqual(await locateData(path), { path, origin: "local" });
    await refuses(
      locateData("no/such.csv"),
      /no data file "no\/such\.csv"/,
      /hh-rlhf\/harmless-base\/test/,
    );
  });

  it("refuses no name, and says without fetching whether there is data of one", async () => {
    for (const spec of ["", " "]) await refuses(locateData(spec), /there is no data file " ?"/);
    await checkData(await file("own.csv", ""));
    await checkData(SET);
    await checkData("ultrafeedback");
    for (const spec of ["", "no/such.csv", "hh-rlhf/none", "ultrafeedback/none"]) {
      await refuses(checkData(spec), /there is no data file/);
    }
  });

  it("takes the training split of a folder, such as a run's own pairs", async () => {
    const path = await newFolder();
    const files = [`${path}/train-0.jsonl`, `${path}/train-1.jsonl`];
    for (const name of ["train-1.jsonl", "train-0.jsonl", "test.jsonl", "README.md"]) {
      await Deno.writeTextFile(`${path}/${name}`, "");
    }
    assert.deepEqual(await locateData(path), { path, origin: "local", files });
    const without = await newFolder();
    await Deno.writeTextFile(`${without}/test.jsonl`, "");
    // The reader says that it is a folder.
    assert.deepEqual(await locateData(without), { path: without, origin: "local" });
  });

  it("takes what is there before a named set of that name", async () => {
    const before = Deno.cwd();
    Deno.chdir(await newFolder());
    try {
      await Deno.mkdir("ultrafeedback");
      await Deno.writeTextFile("ultrafeedback/train.jsonl", "");
      assert.deepEqual(await locateData("ultrafeedback"), {
        ...{ path: "ultrafeedback", origin: "local", files: ["ultrafeedback/train.jsonl"] },
      });
    } finally {
      Deno.chdir(before);
    }
  });

  it("takes SELF_JUDGE_DATA first, and says when the set is not in it", async () => {
    const { options, folder } = await setting();
    await Deno.mkdir(`${folder}/own/hh-rlhf`, { recursive: true });
    const path = `${folder}/own/hh-rlhf/harmless-base-test.jsonl.gz`;
    await Deno.writeTextFile(path, "x");
    const own = { ...options, dataFolder: `${folder}/own` };
    assert.deepEqual(await locateData(SET, own), { path, origin: "SELF_JUDGE_DATA" });
    await refuses(
      locateData("hh-rlhf/helpful-base/train", own),
      /SELF_JUDGE_DATA is ".*own", but there is no ".*helpful-base-train\.jsonl\.gz"/,
      /unset SELF_JUDGE_DATA/,
    );
    assert.deepEqual(hub.requests, []);
  });

  it("downloads once, then uses what is there", async () => {
    const { options, folder, lines } = await setting();
    const { path, origin } = await locateData(SET, options);
    assert.deepEqual(await Deno.readFile(path), hub.files[HH]);
    assert.match(origin, /Anthropic\/hh-rlhf/);
    assert.deepEqual(tree(folder), [CACHED]);
    assert.deepEqual(lines, [`fetching ${SET} from the Hub`]);
    hub.requests = [];
    assert.deepEqual(await locateData(SET, options), { path, origin });
    assert.deepEqual(hub.requests, []);
  });

  it("leaves no file when the connection is cut and there is no sha256 to continue by", async () => {
    const { options, folder } = await setting({ [HH]: "cut" });
    hub.lfs = false;
    await refuses(
      locateData(SET, options),
      /could not be fetched from the Hub/,
      /SELF_JUDGE_DATA=DIR/,
      /huggingface\.co\/datasets\/Anthropic\/hh-rlhf\/resolve\/main\/harmless-base\/test\.jsonl\.gz/,
    );
    assert.deepEqual(tree(folder), []);
  });

  it("continues a cut download by asking for the rest only", async () => {
    const { options, folder, lines } = await setting({ [HH]: "cut" });
    await refuses(locateData(SET, options), /could not be fetched/);
    assert.deepEqual(tree(folder), [`${CACHED}.part`]);
    const { size } = await Deno.stat(`${folder}/${CACHED}.part`);
    assert.ok(size > 0 && size <= 150_000, `${size}`);
    hub.fault = {};
    hub.requests = [];
    const { path } = await locateData(SET, options);
    assert.deepEqual(await Deno.readFile(path), hub.files[HH]);
    assert.deepEqual(tree(folder), [CACHED]);
    assert.deepEqual(hub.requests, [`${HH} bytes=0-0`, `${HH} bytes=${size}-299999`]);
    assert.ok(lines.some((line) => line.startsWith("continuing harmless-base/test.jsonl.gz at")));
  });

  it("refuses bytes that do not have the sha256", async () => {
    const { options, folder } = await setting({ [HH]: "wrong" });
    await refuses(locateData(SET, options), /sha256 is not the one that the Hub gives/);
    assert.deepEqual(tree(folder), []);
  });

  it("says what a 404, a silent server and a refused connection are", async () => {
    const gone = await setting({ [HH]: "404" });
    await refuses(locateData(SET, gone.options), /HTTP 404/, /SELF_JUDGE_DATA=DIR/);
    const silent = await setting({ [HH]: "silent" });
    await refuses(
      locateData(SET, { ...silent.options, timeoutMs: 200 }),
      /no answer for 0\.2 seconds/,
    );
    const closed = await setting();
    await refuses(
      locateData(SET, { ...closed.options, hubUrl: closedPort() }),
      /could not be fetched/,
    );
    for (const { folder } of [gone, silent, closed]) assert.deepEqual(tree(folder), []);
  });

  it("takes sets of several files: those of the split, whole or not at all", async () => {
    const at = (name: string) =>
      `/datasets/HuggingFaceH4/ultrafeedback_binarized/resolve/main/${name}`;
    const wanted = [
      "data/train_prefs-00000-of-00002.parquet",
      "data/train_prefs-00001-of-00002.parquet",
    ];
    for (
      const name of [
        ...wanted,
        "data/test_prefs-00000-of-00001.parquet",
        "data/train_sft-00000-of-00001.parquet",
        "README.md",
      ]
    ) {
      hub.files[at(name)] = bytes(2000 + name.length);
    }
    const { options, folder, lines } = await setting({ [at(wanted[1])]: "cut" });
    await refuses(
      locateData("ultrafeedback-binarized", options),
      /train_prefs-00001-of-00002\.parquet" of HuggingFaceH4\/ultrafeedback_binarized could not be fetched/,
      /continues where it stopped, or fetch https.* save its files in DIR\/ultrafeedback-binarized-train/,
    );
    hub.fault = {};
    const found = await locateData("ultrafeedback-binarized/train", options);
    const home = `${folder}/data/ultrafeedback-binarized-train`;
    assert.deepEqual(found, {
      path: home,
      origin: "Hugging Face Hub, HuggingFaceH4/ultrafeedback_binarized",
      files: wanted.map((name) => `${home}/${name}`),
    });
    assert.deepEqual(tree(home), wanted);
    assert.match(lines[0], /^fetching ultrafeedback-binarized from the Hub: 2 files/);
    hub.requests = [];
    assert.deepEqual(await locateData("ultrafeedback-binarized", options), found);
    assert.deepEqual(hub.requests, []);
    const test = await locateData("ultrafeedback-binarized/test", options);
    assert.equal(test.files?.length, 1);
  });

  it("takes UltraFeedback's JSONL files, on the Hub or in SELF_JUDGE_DATA", async () => {
    for (const name of ["flan.jsonl", "evol_instruct.jsonl", "README.md"]) {
      hub.files[`/datasets/openbmb/UltraFeedback/resolve/main/${name}`] = bytes(100);
    }
    const { options, folder } = await setting();
    const { files } = await locateData("ultrafeedback", options);
    assert.deepEqual(
      files,
      ["evol_instruct", "flan"].map((name) => `${folder}/data/ultrafeedback-train/${name}.jsonl`),
    );
    const own = { ...options, dataFolder: `${folder}/own` };
    await refuses(
      locateData("ultrafeedback", own),
      /there is no ".*own\/ultrafeedback-train"/,
      /put the file there/,
    );
    const path = `${folder}/own/ultrafeedback-train`;
    await Deno.mkdir(path, { recursive: true });
    for (const name of ["b.jsonl", "a.parquet", "notes.txt"]) {
      await Deno.writeTextFile(`${path}/${name}`, "x");
    }
    assert.deepEqual(await locateData("ultrafeedback", own), {
      path,
      origin: "SELF_JUDGE_DATA",
      files: [`${path}/a.parquet`, `${path}/b.jsonl`],
    });
    await refuses(locateData("ultrafeedback/test", options), /no data file "ultrafeedback\/test"/);
  });
});

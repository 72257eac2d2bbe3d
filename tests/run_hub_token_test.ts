import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { hubToken } from "../lib/run/hub_token.ts";
import { locateData, locateModel } from "../lib/run/source.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { tree } from "./temporary_files.ts";
import { bytes, hub, setting, store } from "./test_hub.ts";

const TOKEN = "hf_aSecretOfTheUser";
const BEARER = `Bearer ${TOKEN}`;
const MODEL = ["config.json", "model.safetensors", "tokenizer.json"];
const DATA = "/datasets/Anthropic/hh-rlhf/resolve/main/harmless-base/test.jsonl.gz";

describe("the Hub's token", () => {
  let before: string | undefined;
  beforeEach(() => {
    before = Deno.env.get("HF_TOKEN");
    for (const name of MODEL) hub.files[`/owner/gated/resolve/main/${name}`] = bytes(5000);
    hub.files[DATA] = bytes(5000);
  });
  afterEach(() => {
    if (before === undefined) Deno.env.delete("HF_TOKEN");
    else Deno.env.set("HF_TOKEN", before);
  });

  it("is that of the environment, for huggingface.co alone", () => {
    Deno.env.set("HF_TOKEN", ` ${TOKEN}\n`);
    assert.equal(hubToken({}), TOKEN);
    assert.equal(hubToken({ hubUrl: "https://huggingface.co/" }), TOKEN);
    for (
      const hubUrl of [
        "https://hf-mirror.example",
        "http://huggingface.co",
        "https://huggingface.co.example",
        "https://cdn-lfs.huggingface.co",
      ]
    ) assert.equal(hubToken({ hubUrl }), null, hubUrl);
    assert.equal(hubToken({ token: null }), null);
    Deno.env.set("HF_TOKEN", " ");
    assert.equal(hubToken({}), null);
  });

  it("that is none is refused without being shown", () => {
    Deno.env.set("HF_TOKEN", "hf_secret with blank");
    const { message } = refusesAtOnce(() => hubToken({}), "HF_TOKEN holds blanks");
    assert.doesNotMatch(message, /secret/);
  });

  it("opens what is not open to everyone, models and data, and is nowhere on this machine", async () => {
    const { options, folder, lines } = await setting();
    hub.demanded = BEARER;
    const own = { ...options, token: TOKEN };
    await locateModel("owner/gated", own);
    await locateData("hh-rlhf/harmless-base/test", own);
    assert.ok(hub.authorizations.length >= 8);
    assert.ok(hub.authorizations.every((sent) => sent === BEARER));
    for (const name of tree(folder)) {
      assert.ok(!(await Deno.readTextFile(`${folder}/${name}`)).includes(TOKEN), name);
    }
    assert.ok(!lines.join("\n").includes(TOKEN));
  });

  it("is not sent on to the servers that the Hub sends files from", async () => {
    const { options, folder } = await setting();
    hub.demanded = BEARER;
    hub.sentTo = store.url;
    store.files = hub.files;
    store.authorizations = [];
    const { path } = await locateModel("owner/gated", { ...options, token: TOKEN });
    assert.deepEqual(await Deno.readFile(`${path}/config.json`), bytes(5000));
    assert.ok(store.authorizations.length >= MODEL.length);
    assert.deepEqual([...new Set(store.authorizations)], [null]);
    assert.deepEqual([...new Set(hub.authorizations)], [BEARER]);
    assert.ok(tree(folder).length > 0);
  });

  it("is asked for where it is missing, and its account where it does not suffice; it is never shown", async () => {
    const { options } = await setting();
    hub.demanded = "Bearer of another";
    for (
      const find of [
        () => locateModel("owner/gated", options),
        () => locateData("ultrafeedback", options),
      ]
    ) {
      await refuses(find, "HTTP 403", "set HF_TOKEN to a token that may read it");
    }
    const own = { ...options, token: TOKEN };
    for (
      const find of [() => locateModel("owner/gated", own), () => locateData("ultrafeedback", own)]
    ) {
      const error = await refuses(find, "HTTP 403", "the account of HF_TOKEN may read it");
      assert.ok(!Deno.inspect(error, { depth: 10 }).includes(TOKEN));
    }
  });
});

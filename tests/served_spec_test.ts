import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  keyOf,
  openServedJudge,
  parseServedSpec,
  ServedClient,
  servedSpec,
} from "../lib/judges/served/mod.ts";
import { principlesNamed } from "../lib/method/principle.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { comparisons, FaultServer, judgeAt } from "./served_faults.ts";
import { file, newFolder } from "./temporary_files.ts";

const URL_ = "http://127.0.0.1:8000/v1";
const fails = (input: unknown, message: RegExp) => refusesAtOnce(() => servedSpec(input), message);

describe("The settings of a served judge", () => {
  it("need an address and a model, and have defaults for the rest", () => {
    const spec = servedSpec({ url: URL_, model: "m" });
    assert.deepEqual([spec.api, spec.concurrency, spec.keyVariable, spec.onFailure], [
      "chat",
      4,
      null,
      "stop",
    ]);
  });

  it("are refused with the field's name", () => {
    fails({ url: URL_ }, /setting model/);
    fails({ url: "ftp://x", model: "m" }, /setting url/);
    fails({ url: "127.0.0.1:8000", model: "m" }, /setting url/);
    fails({ url: URL_, model: "m", api: "telepathy" }, /setting api/);
    fails({ url: URL_, model: "m", concurrency: 0 }, /setting concurrency/);
    for (const key of ["sk-123", "hf_abcdefABCDEF", "ABCDEFGHIJ0123456789"]) {
      const error = fails(
        { url: URL_, model: "m", keyVariable: key },
        /must be the name of an env/,
      );
      assert.ok(!Deno.inspect(error).includes(key), "the key is shown");
    }
    fails({ url: URL_, model: "m", colour: 1 }, /no setting "colour"[^]*there are url, model/);
    fails({ url: URL_, model: "m", apiKey: "sk-123" }, /keys are read from the environment alone/);
    fails({ url: "https://me:sk-123@host/v1", model: "m" }, /has a user/);
    fails({ url: `${URL_}?key=sk-123`, model: "m" }, /query/);
    fails({ url: URL_, model: "m", tokenizer: "x" }, /for the API "completions"/);
  });

  it("are read from a line or from a file", async () => {
    const line = await parseServedSpec(`${URL_},model=m,api=text,concurrency=2,keyVariable=MY_KEY`);
    const fields = { url: URL_, model: "m", api: "text", concurrency: 2, keyVariable: "MY_KEY" };
    assert.deepEqual(line, servedSpec(fields));
    assert.deepEqual(await parseServedSpec(await file("spec.json", fields)), line);
    const path = await file("odd.json", { ...fields, top: 1 });
    await refuses(parseServedSpec(path), path);
    await refuses(parseServedSpec(await file("half.json", "{")), /not JSON/);
    await assert.rejects(parseServedSpec("absent.json"), /there is no such file/);
    // What was given in the wrong place may be a key, and is not quoted.
    await assert.rejects(
      parseServedSpec(`${URL_},sk-123`),
      (error: Error) =>
        /number 1 of what follows/.test(error.message) && !error.message.includes("sk-123"),
    );
  });
});

describe("The chat template of a served judge", () => {
  const principles = principlesNamed(["overall"]);
  const open = async (more: object) => {
    const spec = servedSpec({ url: URL_, model: "m", api: "completions", ...more });
    const { pairwise } = await openServedJudge(spec, { principles });
    return pairwise.templates[0].prompt([{ role: "user", content: "Hi" }], "one", "two");
  };

  it("is a preset or a file, instead of the tokenizer's own where there is one", async () => {
    // Without a tokenizer ids are characters, the template's own ones out of the reach of others.
    const ids = await open({ chatTemplate: "chatml" });
    const text = String.fromCodePoint(...ids.map((id) => id % 0x200000));
    assert.match(text, /^<\|im_start\|>user\n[^]*<\|im_start\|>assistant\n/);
    await refuses(
      open({ chatTemplate: "zephyr" }),
      /'eos_token' is undefined\n.*for a judge on a server, give its tokenizer/,
    );
    const tokenizer = "data/world/base";
    assert.notDeepEqual(
      await open({ tokenizer }),
      await open({ tokenizer, chatTemplate: "zephyr" }),
    );
    await refuses(
      open({ chatTemplate: "zephir" }),
      /"zephir": no preset has that name.*\n.*zephyr/,
    );
    await refuses(open({ tokenizer, chatTemplate: "zephir" }), /"zephir": no preset/);
  });
});

describe("The key of a served judge", () => {
  const secret = "sk-very-secret-0123456789";
  const env = (name: string) => name === "MY_KEY" ? ` ${secret}\n` : undefined;

  it("comes from the variable that the settings name", () => {
    assert.equal(keyOf({ keyVariable: "MY_KEY" }, env), secret);
    assert.equal(keyOf({ keyVariable: null }, env), undefined);
    assert.throws(() => keyOf({ keyVariable: "OTHER" }, env), /variable OTHER is not set/);
  });

  it("goes to the server in the header named", async () => {
    await using server = new FaultServer();
    for (const keyHeader of ["authorization", "api-key"]) {
      const { compare } = await judgeAt(server, { keyVariable: "MY_KEY", keyHeader }, { env });
      await compare(comparisons(1));
    }
    const [bearer, , plain] = server.seen.map(({ headers }) => headers);
    assert.equal(bearer.get("authorization"), `Bearer ${secret}`);
    assert.equal(plain.get("api-key"), secret);
    assert.equal(plain.get("authorization"), null);
  });

  it("is in no error, no cache and no print of the judge, even when the server repeats it", async () => {
    const folder = await newFolder();
    const shown: string[] = [];
    const faults = [
      () => new Response(`{"error": {"message": "bad key ${secret}"}}`, { status: 401 }),
      () => new Response(`<b>${secret}</b>`),
      () => new Response(`${"z".repeat(190)}${secret}`, { status: 400 }),
    ];
    for (const fault of faults) {
      await using server = new FaultServer(() => undefined, fault, fault);
      const judge = await judgeAt(
        server,
        { keyVariable: "MY_KEY", concurrency: 1, retries: 0 },
        { env, cacheFile: `${folder}/judged.jsonl` },
      );
      const error = await refuses(judge.compare(comparisons(3)));
      shown.push(error.message, Deno.inspect(error, { depth: 9 }), String(error.stack));
      shown.push(Deno.inspect(judge, { depth: 9, showHidden: true }), JSON.stringify(judge));
    }
    for await (const { name } of Deno.readDir(folder)) {
      shown.push(await Deno.readTextFile(`${folder}/${name}`));
    }
    assert.match(shown[0], /bad key \[key\]/);
    assert.equal(shown.length, 16);
    // Not even its beginning, where a long message was cut.
    for (const text of shown) assert.ok(!text.includes(secret.slice(0, 8)), text);
  });

  it("is refused unquoted when it cannot be sent", () => {
    const fetching = () => new ServedClient({ url: URL_, key: `${secret}\nx` });
    assert.throws(fetching, (error: Error) => !error.message.includes("sk-"));
  });
});

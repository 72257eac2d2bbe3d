import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import type { Cluster } from "../lib/engine/mod.ts";
import type { PreflightOptions } from "../lib/engine/preflight.ts";
import { reachOf } from "../lib/engine/address.ts";
import { clusterAt, FakeVllm, refusal } from "./fake_vllm.ts";
import { tableFor } from "./preflight_table.ts";
import { writeServedModel } from "./real_vllm.ts";
import { folder } from "./temporary_files.ts";
import { byteLanguage } from "./tiny_gguf.ts";

/** A server that the run's tokenizer and adapters agree with. */
function goodServer(): FakeVllm {
  const server = new FakeVllm();
  server.tokenize = (text) => byteLanguage().encode(text);
  server.shift = (model) => model.includes("noise") ? -0.3 : 0;
  return server;
}

describe("the preflight", () => {
  before(() => writeServedModel(`${folder.path}/model`));
  after(async () => {
    const left = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.startsWith("preflight")), [], "it clears up");
  });

  const table = (
    cluster: Cluster,
    { settings, ...options }: PreflightOptions & { settings?: string[] } = {},
  ) => tableFor(cluster, { model: `${folder.path}/model`, settings, ...options });
  const at = (servers: readonly FakeVllm[], serve = {}, more = {}) =>
    clusterAt(servers.map(({ url }) => url), serve, {
      storage: { here: folder.path, there: "/mnt/runs" },
      ...more,
    });

  it("is a table without a failure where all is well", async () => {
    await using one = goodServer();
    await using two = goodServer();
    const { text, failed } = await table(at([one, two]));
    assert.equal(failed, false);
    assert.doesNotMatch(text, /\[(FAIL|warn)\]/);
    for (
      const part of [
        /\[OK\] {3}labels of the judge +each is one token: " A" is 420, " B" is 421/,
        /\[OK\] {3}server http:\S+ +vLLM 0.32.0, "base" \(\/models\/base\), up to 2048 tokens/,
        /\[OK\] {3}tokenizer of http:\S+ +20 texts have the same tokens/,
        /\[OK\] {3}judge at http:\S+ +P\(A\) 0.100, P\(B\) 0.200; asked twice they differ by 0.0e\+0/,
        /\[OK\] {3}adapters at http:/,
        /\[OK\] {3}between servers +the same judge's question differs by 0.0e\+0/,
        /\[OK\] {3}batch +/,
      ]
    ) assert.match(text, part);
    const paths = one.seen.filter(({ path }) => path === "/v1/load_lora_adapter");
    assert.match(paths[0].body.lora_path, /^\/mnt\/runs\/preflight-/);
    assert.equal(one.adapters.size, 0, "unloaded again");
  });

  const BROKEN: [
    what: string,
    change: (server: FakeVllm) => { serve?: object; more?: object; settings?: string[] } | void,
    ...parts: (RegExp | string)[],
  ][] = [
    [
      "the base model has another name",
      () => ({ serve: { baseModel: "llama" } }),
      'no model "llama": it has base',
      "set serve.baseModel",
    ],
    [
      "the tokenizer is another one",
      (server) => {
        server.tokenize = (text) => [...byteLanguage().encode(text), 3];
      },
      /\[FAIL\] tokenizer of .* tokens there and/,
      "serve the model that the run names",
      /\[OK\] {3}adapters/,
    ],
    [
      "sequences are longer than the server takes",
      (server) => {
        server.maxLength = 512;
      },
      "may have 512 tokens together, and the run has up to 1501",
      "--max-model-len 1501",
    ],
    [
      "the server loads no adapters while it runs",
      (server) => {
        server.refuseAdapter = () => Response.json({ detail: "Not Found" }, { status: 404 });
      },
      "loads no adapters while it runs",
      "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True",
    ],
    [
      "adapters have too high a rank",
      (server) => {
        server.refuseAdapter = () =>
          refusal(500, "Worker failed with error 'LoRA rank 16 is greater than max_lora_rank 8.'");
      },
      "takes adapters up to rank 8",
      "--max-lora-rank 16",
    ],
    [
      "the server does not see the shared folder",
      (server) => {
        server.refuseAdapter = () =>
          refusal(404, "Loading lora x failed: No adapter found for <path>");
      },
      "sees no adapter in /mnt/runs/preflight-",
      "storage.there",
    ],
    [
      "an adapter that changes nothing changes something",
      (server) => {
        server.shift = () => -0.01 * server.adapters.size;
      },
      "an adapter that changes nothing changes a log-probability by 1.0e-2",
    ],
    [
      "adapters are not used",
      (server) => {
        server.shift = () => 0;
      },
      "an adapter of noise changes no log-probability",
    ],
    [
      "the batch cannot be divided, and one dtype is another",
      () => ({
        serve: { dtype: "bfloat16" },
        more: {
          train: {
            ...{ launcher: { kind: "torchrun" }, python: "/usr/bin/python3", dtype: "float32" },
            ...{ workers: 3, microBatch: 2 },
          },
        },
      }),
      /\[FAIL\] batch +\d+ prompts a step over 3 workers of 2/,
      "set selfJudge.batchSize to a multiple of 6, such as 6",
      /\[warn\] dtype +servers compute in bfloat16, the trainer in float32/,
      /\[OK\] {3}server/,
    ],
    [
      "whole weights are to be trained",
      () => ({ settings: ["selfJudge.tuning.mode=full"] }),
      'selfJudge.tuning.mode is "full"',
    ],
    [
      "the shared folder is not there",
      () => ({ more: { storage: { here: `${folder.path}/nowhere`, there: "/mnt/runs" } } }),
      /\[FAIL\] folder .*nowhere +it cannot be written to/,
      "storage.here",
      /\[OK\] {3}tokenizer/,
    ],
    [
      "the key is not set",
      () => ({ serve: { keyVariable: "SERVE_KEY" } }),
      "the environment variable SERVE_KEY is not set",
    ],
  ];
  for (const [what, change, ...parts] of BROKEN) {
    it(`says so where ${what}, with the remedy, and goes on`, async () => {
      await using server = goodServer();
      const { serve, more, settings } = change(server) ?? {};
      const { text, failed } = await table(at([server], serve, more), {
        settings,
        env: () => undefined,
      });
      assert.equal(failed, true, text);
      for (const part of parts) {
        if (typeof part === "string") assert.ok(text.includes(part), text);
        else assert.match(text, part);
      }
    });
  }

  it("tells a folder that Deno may not write to as that, with what allows it", async () => {
    const { mkdir } = Deno;
    const refused = new Deno.errors.NotCapable("Requires write access, run again with a flag");
    Deno.mkdir = () => Promise.reject(refused);
    try {
      await using server = goodServer();
      const { text, failed } = await table(at([server]));
      assert.equal(failed, true);
      assert.match(text, /\[FAIL\] folder .+ +Deno was not allowed to write there/);
      assert.ok(text.includes(`--allow-write=${folder.path}`), text);
      assert.doesNotMatch(text, /mount the shared folder/);
    } finally {
      Deno.mkdir = mkdir;
    }
  });

  it("shows all servers, also where one is away", async () => {
    const gone = new FakeVllm();
    await gone[Symbol.asyncDispose]();
    await using there = goodServer();
    const { text, failed } = await table(at([gone, there]));
    assert.equal(failed, true);
    assert.match(text, new RegExp(`\\[FAIL\\] server ${gone.url} +no server answered`));
    assert.match(text, /start it, or correct its address in the cluster file/);
    assert.match(text, new RegExp(`\\[OK\\] {3}adapters at ${there.url}`));
  });

  it("asks the launcher, and never shows a key", async () => {
    await using server = goodServer();
    const key = "s3cret-of-the-preflight";
    server.faults.push(() => refusal(401, `no such key ${key}`));
    const launcher: PreflightOptions["launcher"] = {
      check: () => Promise.resolve([{ what: "launcher", ok: null, said: "slow", remedy: "wait" }]),
    };
    const { text } = await table(at([server], { keyVariable: "SERVE_KEY" }), {
      env: () => key,
      launcher,
    });
    assert.match(text, /\[warn\] launcher +slow\n +-> wait/);
    assert.match(text, /\[OK\] {3}key of the servers +SERVE_KEY is set/);
    assert.match(text, /\[FAIL\] judge at .*401/);
    assert.ok(!text.includes(key));
  });
});

describe("an address", () => {
  it("is of this machine, of a private network, or public", () => {
    const reach = {
      loopback: [
        "http://127.0.0.1:8000",
        "http://localhost:1",
        "http://[::1]:80",
        "http://127.8.8.8",
      ],
      private: [
        ...[
          "http://10.0.0.5:8000",
          "http://172.16.4.4",
          "http://172.31.255.1",
          "http://192.168.1.1",
        ],
        ...["http://100.64.0.1", "http://169.254.1.1", "http://[fd00::1]:8000", "http://[fe80::1]"],
        ...["http://gpu-1:8000", "http://vllm.runs.svc", "http://node3.local"],
      ],
      public: [
        ...["http://8.8.8.8", "http://172.32.0.1", "http://100.128.0.1", "http://[2001:db8::1]"],
        ...["https://api.example.com/v1", "http://192.169.0.1"],
      ],
    };
    for (const [kind, urls] of Object.entries(reach)) {
      for (const url of urls) assert.equal(reachOf(url), kind, url);
    }
  });

  it("is warned of where it is public, or private without a key", async () => {
    await using server = goodServer();
    const { checkServer } = await import("../lib/engine/preflight_server.ts");
    const rows = async (url: string, serve = {}) => {
      const cluster = clusterAt([url], serve);
      const expected = { tokenizer: byteLanguage(), longest: 1, prompts: [], labelIds: [] };
      const options = {
        ...{ key: "k", log: () => {}, fetch: () => Promise.reject(new Error("nobody is asked")) },
      };
      const report = await checkServer(cluster, url, { ...expected, adapters: null }, options);
      return report.rows.filter(({ ok }) => ok === null).map(({ said }) => said);
    };
    assert.deepEqual(await rows(server.url), []);
    assert.deepEqual(await rows("http://10.0.0.5:8000"), ["it asks for no key"]);
    assert.deepEqual(await rows("http://10.0.0.5:8000", { keyVariable: "K" }), []);
    assert.match(
      (await rows("https://vllm.example.com", { keyVariable: "K" })).join(),
      /not of a private network/,
    );
  });
});

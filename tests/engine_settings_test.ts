import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { clusterOf, pathThere, readCluster, secretOf } from "../lib/engine/mod.ts";
import { EXAMPLE_CLUSTER } from "../lib/cli/engine.ts";
import { file, newFolder } from "./temporary_files.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";

const GOOD = {
  serve: { servers: ["http://127.0.0.1:8100"], baseModel: "base", dtype: "float32" },
  train: { launcher: { kind: "torchrun" }, python: "/usr/bin/python3", dtype: "float32" },
  storage: { here: "/data/runs", there: "/mnt/runs" },
};

describe("a cluster's settings", () => {
  it("are filled in: the paper's rounds, no key, GPUs", () => {
    const cluster = clusterOf(GOOD);
    assert.deepEqual(cluster.rounds, { ahead: 0, drift: 0.05, keepAdapters: 4 });
    assert.equal(cluster.serve.keyVariable, null);
    assert.equal(cluster.train.gpus, true);
    assert.equal(cluster.train.attempts, 3);
  });

  it("are shown whole by the help: every field, its value one that holds", () => {
    assert.deepEqual(clusterOf(EXAMPLE_CLUSTER), EXAMPLE_CLUSTER);
  });

  it("are refused with the field's name and what to do", () => {
    const bad = (part: object, ...parts: (RegExp | string)[]) =>
      refusesAtOnce(() => clusterOf({ ...GOOD, ...part }, "c.json"), "c.json", ...parts);
    bad({ serve: { ...GOOD.serve, server: [] } }, 'no setting "serve.server"');
    bad(
      { serve: { ...GOOD.serve, apiKey: "s" } },
      'no setting "serve.apiKey"',
      /environment alone/,
    );
    bad({ serve: { ...GOOD.serve, dtype: "int8" } }, "setting serve.dtype");
    bad({ serve: { ...GOOD.serve, servers: [] } }, "setting serve.servers");
    bad({ rounds: { keepAdapters: 1 } }, "setting rounds.keepAdapters");
    bad({ rounds: { ahead: 2 } }, "setting rounds.ahead");
    bad({ storage: { here: "runs", there: "/mnt" } }, "setting storage.here", /absolute/);
    bad(
      { serve: { ...GOOD.serve, servers: ["http://me:secret@host:1"] } },
      "an address has a user",
    );
    bad(
      { serve: { ...GOOD.serve, servers: ["http://host:1", "http://host:1/"] } },
      "names a server twice",
    );
    bad({ train: { ...GOOD.train, launcher: { kind: "k8s" } } }, "train.launcher");
  });

  it("refuse the path of the OpenAI interface, and say the address without it", () => {
    for (const end of ["/v1", "/v1/", "//v1"]) {
      refusesAtOnce(
        () => clusterOf({ ...GOOD, serve: { ...GOOD.serve, servers: [`http://host:1${end}`] } }),
        `serve.servers has http://host:1${end}`,
        /server's own address: http:\/\/host:1$/m,
      );
    }
    const servers = ["http://host:1/v1-of-llama", "http://host:1/v1/one"];
    assert.deepEqual(
      clusterOf({ ...GOOD, serve: { ...GOOD.serve, servers } }).serve.servers,
      servers,
    );
  });

  it("refuse a key where a variable's name belongs, and never show it", () => {
    const keys = [
      "a3f9c2d17be04856a3f9c2d17be04856",
      "A3F9C2D17BE04856A3F9C2D17BE04856",
      "hf_AbCdEfGhIjKlMnOpQrStUvWxYz",
      "AKIAIOSFODNN7EXAMPLE",
      "sk-proj-1234",
      "X".repeat(65),
    ];
    const launcher = { kind: "ray", url: "http://head:8265" };
    for (const key of keys) {
      for (
        const [field, part] of [
          ["serve.keyVariable", { serve: { ...GOOD.serve, keyVariable: key } }],
          [
            "train.launcher.tokenVariable",
            { train: { ...GOOD.train, launcher: { ...launcher, tokenVariable: key } } },
          ],
        ] as const
      ) {
        const error = refusesAtOnce(
          () => clusterOf({ ...GOOD, ...part }),
          `setting ${field}`,
          "name of an environment variable",
        );
        assert.ok(!Deno.inspect(error).includes(key), "the key is shown");
      }
    }
    for (const keyVariable of ["KEY", "SLURM_JWT", "MY_COMPANYS_VLLM_KEY_2", "VLLMKEY1"]) {
      const { serve } = clusterOf({ ...GOOD, serve: { ...GOOD.serve, keyVariable } });
      assert.equal(serve.keyVariable, keyVariable);
    }
  });

  it("are read from a file, which an error names", async () => {
    assert.equal((await readCluster(await file("c.json", JSON.stringify(GOOD)))).model, null);
    await refuses(readCluster("nowhere.json"), "nowhere.json", "no such file");
    await refuses(readCluster(await file("half.json", "{")), "half.json", "not JSON");
    await refuses(readCluster(await newFolder()), /cannot be read: it is a folder\n/);
  });
});

describe("a secret", () => {
  it("is what its variable holds, and its absence names the variable", () => {
    assert.equal(secretOf("KEY", () => " s3 \n"), "s3");
    assert.equal(secretOf(null), undefined);
    refusesAtOnce(() => secretOf("KEY", () => ""), "variable KEY is not set");
  });
});

describe("a path in the shared folder", () => {
  it("is told as the other machines see it, and one outside is refused", () => {
    const cluster = clusterOf(GOOD);
    assert.equal(pathThere("/data/runs/a/jsft", cluster), "/mnt/runs/a/jsft");
    assert.equal(pathThere("/data/runs", cluster), "/mnt/runs");
    refusesAtOnce(() => pathThere("/data/runs2/a", cluster), "/data/runs2/a", /--run \/data\/runs/);
  });
});

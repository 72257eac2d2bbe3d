import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { noProxy } from "../lib/base/loopback.ts";
import { command } from "./commands.ts";
import { FaultServer } from "./served_faults.ts";
import { file, folder } from "./temporary_files.ts";

describe("A server on this machine", () => {
  it("is in NO_PROXY, beside what the user named", () => {
    assert.equal(noProxy({}), "localhost,127.0.0.1,::1");
    assert.equal(
      noProxy({ NO_PROXY: "a.example, 127.0.0.1", no_proxy: "b.example" }),
      "a.example,127.0.0.1,b.example,localhost,::1",
    );
  });

  it("is asked without the proxy that the environment names for others", async () => {
    await using server = new FaultServer();
    const nowhere = "http://127.0.0.1:9";
    const judge = command(
      "run --quiet -A lib/cli/judge.ts",
      () => ({ HTTP_PROXY: nowhere, http_proxy: nowhere, NO_PROXY: "", no_proxy: "" }),
    );
    const pairs = await file(
      "p.jsonl",
      '{"prompt":"Hi","chosen":"Hello you!","rejected":"What?"}\n',
    );
    const { out } = await judge.well(
      `--judge served:${server.url},model=m,retries=0 --pairs ${pairs} --baseline none ` +
        `--cache ${folder.path}/c.jsonl --samples 5`,
    );
    assert.match(out, /2 answers to 2 requests/);
  });
});

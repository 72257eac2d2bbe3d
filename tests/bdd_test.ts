import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { run } from "../lib/tools/setup/step.ts";
import { file } from "./temporary_files.ts";

describe("the stand-in for the test library", () => {
  const bdd = new URL("../lib/tools/setup/bdd.ts", import.meta.url).href;

  async function runTests(source: string): Promise<{ ok: boolean; output: string }> {
    const path = await file(
      "sample_test.ts",
      `import { after, afterEach, before, beforeEach, describe, it } from "${bdd}";\n${source}`,
    );
    const flags = ["--no-config", "--no-check", "--allow-read", "--sanitize-resources"];
    return await run([Deno.execPath(), "test", ...flags, path], { env: { NO_COLOR: "1" } });
  }

  it("runs hooks and tests in the order of @std/testing", async () => {
    const { ok, output } = await runTests(`
      const log: string[] = [];
      describe("outer", () => {
        before(() => { log.push("before"); });
        beforeEach(() => { log.push("each-outer"); });
        afterEach(() => { log.push("done-outer"); });
        it("one", () => { log.push("one"); });
        describe("inner", () => {
          beforeEach(() => { log.push("each-inner"); });
          afterEach(() => { log.push("done-inner"); });
          it("two", () => { log.push("two"); });
          it.skip("never", () => { log.push("never"); });
        });
        after(() => { console.log("ORDER " + log.join(" ")); });
      });
    `);
    assert.ok(ok, output);
    assert.match(
      output,
      /ORDER before each-outer one done-outer each-outer each-inner two done-inner done-outer\n/,
    );
  });

  it("takes a hook outside every suite for a suite around the file", async () => {
    const { ok, output } = await runTests(`
      const log: string[] = [];
      before(() => { log.push("before"); });
      after(() => { console.log("ORDER " + log.join(" ")); });
      describe("a", () => { it("one", () => { log.push("one"); }); });
      it("two", () => { log.push("two"); });
    `);
    assert.ok(ok, output);
    assert.match(output, /ORDER before one two\n/);
  });

  it("fails a suite whose test leaves a file open", async () => {
    const { ok, output } = await runTests(
      `describe("s", () => { it("leaks", async () => { await Deno.open(import.meta.filename!); }); });`,
    );
    assert.equal(ok, false);
    assert.match(output, /A file was opened during the test/);
  });

  it("reports a failing test as a failure", async () => {
    const { ok, output } = await runTests(
      `describe("s", () => { it("throws", () => { throw new Error("boo"); }); });`,
    );
    assert.equal(ok, false);
    assert.match(output, /s \.\.\. throws/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  endTree,
  isRunning,
  type ProcessIdentity,
  startDetached,
} from "../lib/engine/launch/processes.ts";
import { runs } from "./engine_cluster.ts";
import { newFolder } from "./temporary_files.ts";
import { until } from "./until.ts";

/** Starts a shell script detached; gives its identity, its folder and a way to end it. */
async function started(script: string, record?: () => Promise<void>) {
  const folder = await newFolder();
  const identity = await startDetached(["sh", "-c", script], {
    log: `${folder}/log`,
    exit: `${folder}/exit`,
    cwd: folder,
    env: { WORD: "seen" },
    record: record ?? (() => Promise.resolve()),
  });
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  return { identity, read, [Symbol.asyncDispose]: () => endTree(identity, { graceMs: 0 }) };
}

describe("a detached process", () => {
  it("leaves its output and exit code in files", async () => {
    await using process = await started("echo $WORD; echo loud >&2; exit 7");
    await until(() => process.read("exit"));
    assert.equal(await process.read("log"), "seen\nloud\n");
    assert.equal(await process.read("exit"), "7\n");
    await until(async () => !await isRunning(process.identity));
  });

  it("does not begin when its identity could not be kept", async () => {
    let folder = "";
    await assert.rejects(
      async () => {
        folder = await newFolder();
        await startDetached(["sh", "-c", `echo begun > ${folder}/begun`], {
          log: `${folder}/log`,
          record: () => Promise.reject(new Error("disk full")),
        });
      },
      /disk full/,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });

  it("is told from another one that has its number", async () => {
    await using process = await started("sleep 60");
    const other: ProcessIdentity = { pid: process.identity.pid, started: 1, mark: "of another" };
    assert.equal(await isRunning(process.identity), true);
    assert.equal(await isRunning(other), false);
    await endTree(other);
    assert.equal(await isRunning(process.identity), true);
  });

  it("is found by what it started, when it is itself gone", async () => {
    await using process = await started(
      "setsid sleep 60 & echo $! > away; kill -9 $PPID; kill -9 $$",
    );
    const away = await until(() => process.read("away"));
    await until(async () => !await isRunning(process.identity));
    assert.equal(await runs(away), true);
    await endTree(process.identity);
    assert.equal(await runs(away), false);
  });

  it("ends with what it started, in other sessions too and deaf to SIGTERM", async () => {
    const deaf = "trap '' TERM; echo $$ > deaf; while true; do sleep 1; done";
    await using process = await started(
      `setsid sh -c "${deaf.replaceAll("$", "\\$")}" & setsid sleep 60 & echo $! > away; wait`,
    );
    const [away, deafPid] = [
      await until(() => process.read("away")),
      await until(() => process.read("deaf")),
    ];
    assert.deepEqual([await runs(away), await runs(deafPid)], [true, true]);
    await endTree(process.identity, { graceMs: 500 });
    assert.deepEqual([await runs(away), await runs(deafPid)], [false, false]);
    assert.equal(await isRunning(process.identity), false);
  });
});

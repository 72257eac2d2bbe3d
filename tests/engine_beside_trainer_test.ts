import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped, UserError } from "../lib/base/error.ts";
import { readJsonFile } from "../lib/base/files.ts";
import { besideTrainer } from "../lib/engine/beside_trainer.ts";
import { newFolder } from "./temporary_files.ts";
import { until } from "./until.ts";

let folder: string, said: string[], ends: number;
beforeEach(async () => {
  folder = await newFolder();
  said = [];
  ends = 0;
});
const alive = () => readJsonFile<{ stage: string; beat: string }>(`${folder}/alive.json`);
const beside = (work: () => Promise<unknown>, end = () => Promise.resolve()) =>
  besideTrainer(work, {
    ...{ folder, stage: "s", everyMs: 10, log: (line: string) => said.push(line) },
    trainer: {
      ensure: () => Promise.resolve(),
      end: () => {
        ends++;
        return end();
      },
    },
  });

describe("work beside a trainer", () => {
  it("says again and again that it lives, and no more when it is done", async () => {
    const found = await beside(async () => {
      const first = (await alive())!;
      assert.equal(first.stage, "s");
      await until(async () => (await alive())!.beat !== first.beat);
      return "done";
    });
    assert.deepEqual([found, ends, said], ["done", 0, []]);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
    await pause(); // a beat may have been on its way
    const last = await alive();
    await pause();
    assert.deepEqual(await alive(), last);
  });

  it("has the trainer end where it fails and where the user asks to stop, with its own error", async () => {
    const drift = new UserError("round 2 drifts", "start the server anew");
    await assert.rejects(beside(() => Promise.reject(drift)), drift);
    await assert.rejects(beside(() => Promise.reject(new Stopped())), Stopped);
    assert.equal(ends, 2);
    assert.match(said[0], /told to end/);
    assert.match(said[1], /the same command goes on/);
    const away = () => Promise.reject(new Error("Ray does not answer"));
    await assert.rejects(beside(() => Promise.reject(drift), away), drift);
    assert.match(said.at(-1)!, /Ray does not answer/);
  });
});

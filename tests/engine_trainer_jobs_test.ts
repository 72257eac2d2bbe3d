import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import {
  type Check,
  type Launcher,
  type TrainerJob,
  type TrainerState,
  Unreachable,
} from "../lib/engine/launch/launcher.ts";
import { TrainerJobs } from "../lib/engine/trainer_jobs.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

/** A launcher in memory: the tests end its trainers. */
class Memory implements Launcher {
  readonly where = "memory";
  readonly jobs = new Map<string, TrainerState>();
  readonly starts: string[] = [];
  away = false;
  readonly logsHere = false;
  logsAsked = 0;
  /** Loses the next reply: the job is there, and the caller does not know. */
  losesReply = false;

  start({ id }: TrainerJob): Promise<void> {
    this.#refuseAway();
    if (!this.jobs.has(id)) {
      this.starts.push(id);
      this.jobs.set(id, { state: "running" });
    }
    if (!this.losesReply) return Promise.resolve();
    this.losesReply = false;
    throw new Unreachable("memory does not answer", "wait");
  }
  state(id: string): Promise<TrainerState> {
    this.#refuseAway();
    return Promise.resolve(this.jobs.get(id) ?? { state: "absent" });
  }
  log(id: string): Promise<string> {
    this.#refuseAway();
    this.logsAsked++;
    return Promise.resolve(`first line\nlast line of ${id}`);
  }
  stop(id: string): Promise<void> {
    this.jobs.set(id, { state: "stopped" });
    return Promise.resolve();
  }
  check(): Promise<readonly Check[]> {
    return Promise.resolve([]);
  }
  #refuseAway(): void {
    if (this.away) throw new Unreachable("memory does not answer", "wait");
  }
}

let folder: string, memory: Memory, said: string[], clock: number;
beforeEach(async () => {
  folder = await newFolder();
  memory = new Memory();
  said = [];
  clock = 0;
});

/** What a command has; a second one is what it has when it is started again. */
const command = () =>
  new TrainerJobs(memory, {
    folder,
    train: "/mnt/hh/train.json",
    ...{ name: "hh-sj", word: () => "w" },
    attempts: 3,
    outageMs: 10_000,
    log: (line) => said.push(line),
    now: () => clock,
    sleep: (ms) => {
      clock += ms;
      return Promise.resolve();
    },
  });
const notYet = () => Promise.resolve(false);
const end = (id: string, state: TrainerState["state"], message?: string) =>
  memory.jobs.set(id, { state, message });
const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
const there = (name: string) => Deno.stat(`${folder}/${name}`).then(() => true, () => false);

describe("the trainer of a stage", () => {
  it("is started once, and joined by a command that is started again", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    await jobs.ensure(notYet);
    await command().ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
    assert.deepEqual(said, [
      "trainer: hh-sj-1-w started on memory",
      "trainer: hh-sj-1-w is running on memory",
    ]);
  });

  it("is followed: its log is fetched now and then while it runs", async () => {
    const jobs = command();
    for (let turn = 0; turn < 20; turn++, clock += 5000) await jobs.ensure(notYet);
    assert.match(
      await Deno.readTextFile(`${folder}/launch/hh-sj-1-w.log`),
      /last line of hh-sj-1-w/,
    );
    assert.equal(memory.logsAsked, 4, "of 95 s, every 30");
  });

  it("that dies is started again under the next id, its log's end told and kept", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    end("hh-sj-1-w", "failed", "exit code 1\nmore");
    await jobs.ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w"]);
    assert.match(
      said[1],
      /hh-sj-1-w failed \(exit code 1\); the end of its log:\nfirst line\nlast line of hh-sj-1-w$/,
    );
    assert.match(
      await Deno.readTextFile(`${folder}/launch/hh-sj-1-w.log`),
      /last line of hh-sj-1-w/,
    );
  });

  it("is given up after the last attempt, and may be begun again by a new command", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    for (const n of [1, 2]) {
      end(`hh-sj-${n}-w`, "failed");
      await jobs.ensure(notYet);
    }
    end("hh-sj-3-w", "failed");
    await refuses(
      jobs.ensure(notYet),
      "ended 3 times",
      "last line of hh-sj-3-w",
      /same command again/,
    );
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w", "hh-sj-3-w"]);
    await command().ensure(notYet);
    assert.equal(memory.starts.at(-1), "hh-sj-4-w");
  });

  it("whose fault would come again is not started again, but by a new command", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    await write("failed.json", JSON.stringify({ step: 17, message: "the loss is NaN" }));
    end("hh-sj-1-w", "failed", "exit code 3");
    await refuses(command().ensure(notYet), "at step 17: the loss is NaN", `${folder}/failed.json`);
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
    await command().ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w"]);
    assert.equal(await there("failed.json"), false);
  });

  it("that was lost with its cluster is started again under the next id", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    memory.jobs.clear();
    await jobs.ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w"]);
    assert.match(said[1], /hh-sj-1-w was lost/);
  });

  it("whose start's reply was lost is joined, under the same id", async () => {
    memory.losesReply = true;
    const jobs = command();
    await jobs.ensure(notYet);
    await jobs.ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
    end("hh-sj-1-w", "failed");
    await command().ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w"]);
  });

  it("that was never there, since the command died, is started under its own id", async () => {
    memory.away = true;
    await command().ensure(notYet);
    memory.away = false;
    await command().ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
  });

  it("is waited for while its cluster is away, but not for ever", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    memory.away = true;
    await jobs.ensure(notYet);
    clock += 9_999;
    await jobs.ensure(notYet);
    memory.away = false;
    await jobs.ensure(notYet);
    assert.deepEqual(said.slice(1).map((line) => line.slice(0, 32)), [
      "trainer: memory does not answer;",
      "trainer: memory answers again",
    ]);
    memory.away = true;
    await jobs.ensure(notYet);
    clock += 10_000;
    await refuses(jobs.ensure(notYet), "does not answer");
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
  });

  it("that ends as its work is done is not started again; before that, it is", async () => {
    const jobs = command();
    await jobs.ensure(notYet);
    end("hh-sj-1-w", "succeeded");
    await jobs.ensure(() => Promise.resolve(true));
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
    await write("stop", "");
    await jobs.ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w", "hh-sj-2-w"]);
    assert.equal(await there("stop"), false, "the next one would stop at once");
  });

  it("runs while something is waited for, and ends by the file, or else by the launcher", async () => {
    let looks = 0;
    const jobs = command();
    await jobs.wait(() => Promise.resolve(++looks > 9));
    assert.equal(clock, 9 * 500);
    await jobs.end({ graceMs: 3000 });
    assert.equal(await there("stop"), true);
    assert.deepEqual(memory.jobs.get("hh-sj-1-w"), { state: "stopped" });
    const before = clock;
    await jobs.end();
    assert.equal(clock, before);
  });

  it("is told to end where its launcher is away, or lost the reply to its start", async () => {
    const jobs = command();
    memory.losesReply = true;
    await jobs.ensure(notYet);
    await jobs.end({ graceMs: 1000 });
    assert.deepEqual(memory.jobs.get("hh-sj-1-w"), { state: "stopped" });
    await command().ensure(notYet);
    memory.away = true;
    await jobs.end();
    assert.equal(await there("stop"), true);
    assert.match(said.at(-1)!, /ends by itself at its next wait/);
  });

  it("does not stop at once where the one before was told to end before it was there", async () => {
    memory.away = true;
    const jobs = command();
    await jobs.ensure(notYet);
    await jobs.end();
    assert.equal(await there("stop"), true);
    memory.away = false;
    await command().ensure(notYet);
    assert.deepEqual(memory.starts, ["hh-sj-1-w"]);
    assert.equal(await there("stop"), false);
  });

  it("has an id of its own, although another run has the same name", async () => {
    const ids = [1, 2].map(async () => {
      const other = new Memory();
      await new TrainerJobs(other, {
        ...{ folder: await newFolder(), train: "/mnt/hh/train.json", name: "hh-sj" },
        ...{ attempts: 3, outageMs: 10_000, log: () => {} },
      }).ensure(notYet);
      return other.starts[0];
    });
    const [one, two] = await Promise.all(ids);
    assert.match(one, /^hh-sj-1-[0-9a-f]{8}$/);
    assert.notEqual(one, two);
  });
});

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped } from "../lib/base/error.ts";
import { standInKernel } from "../lib/show/kernel.ts";
import { each, progress } from "../lib/show/progress.ts";
import { rows } from "../lib/show/resume.ts";
import { askToStop } from "../lib/show/stop.ts";
import { newFolder } from "./temporary_files.ts";

const items = [1, 2, 3, 4];
let folder = "";
const write = Deno.stderr.writeSync;

beforeEach(async () => {
  folder = await newFolder();
  Deno.stderr.writeSync = (bytes) => bytes.length; // progress lines
});
afterEach(() => {
  Deno.stderr.writeSync = write;
});

/** What Jupyter's stop button does; a signal arrives at the next turn of the event loop. */
const pressStop = () => setTimeout(askToStop, 0);
const files = () => [...Deno.readDirSync(folder)].map(({ name }) => name);

describe("progress", () => {
  it("ends the work between two steps when the user asks", async () => {
    const job = progress("work", { total: 100, every: 0 });
    const steps = async () => {
      for (let step = 1; step <= 100; step++) {
        if (step === 3) pressStop();
        await job.update(step);
        done = step;
      }
    };
    let done = 0;
    await assert.rejects(steps(), (error: Error) => {
      assert.ok(error instanceof Stopped);
      assert.match(error.message, /^work: stopped at step \d+ of 100$/);
      return true;
    });
    assert.ok(done >= 2 && done < 10, `${done} steps`);
  });

  it("tells a trainer to stop, and throws only at the end", async () => {
    const job = progress("training", { total: 50, every: 0 });
    let step = 0;
    while (step < 50 && !job.stopping()) {
      if (step === 2) pressStop();
      await job.note(++step, { loss: 0.5 });
    }
    assert.ok(step < 50);
    await assert.rejects(job.finish(), Stopped);
  });

  it("forgets a stop when the next job starts, and one of finished work", async () => {
    const first = progress("first", { total: 1, every: 0 });
    pressStop();
    await first.note(1);
    await first.finish(); // all done: nothing was stopped
    const second = progress("second", { total: 1, every: 0 });
    await second.update(1);
    await second.finish();
  });

  it("goes over a list in order and lets go of the signal after a break", async () => {
    const seen: number[] = [];
    for await (const item of each("list", items)) {
      seen.push(item);
      if (item === 3) break;
    }
    assert.deepEqual(seen, [1, 2, 3]);
  });
});

describe("progress in a notebook", () => {
  const sent: { type: string; content: Record<string, unknown> }[] = [];
  beforeEach(() => {
    sent.length = 0;
    standInKernel({ broadcast: (type, content) => void sent.push({ type, content }) });
  });
  afterEach(() => standInKernel());

  it("is one output, rewritten now and then, that ends with the last numbers", async () => {
    const job = progress("a < b", { total: 200, every: 40 });
    for (let step = 1; step <= 200; step++) {
      await job.update(step, { loss: 1 / step });
      if (step % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await job.finish();
    assert.equal(sent[0].type, "display_data");
    assert.ok(sent.slice(1).every(({ type }) => type === "update_display_data"));
    const ids = new Set(sent.map(({ content }) => JSON.stringify(content.transient)));
    assert.equal(ids.size, 1);
    assert.ok(sent.length >= 3 && sent.length < 20, `${sent.length} messages for 200 steps`);
    const last = sent.at(-1)!.content.data as Record<string, string>;
    assert.match(last["text/plain"], /^a < b: step 200\/200 \| loss 0\.00500 \| [\d.]+ s$/);
    assert.match(last["text/html"], /width:100\.0%.*a &lt; b/);
  });

  it("says how to go on after a stop, without the stack of lib", async () => {
    const job = progress("work", { total: 9, every: 0 });
    await job.note(4);
    askToStop();
    await assert.rejects(job.finish(), (error: Error) => {
      assert.equal(error.stack, "Stopped: work: stopped at step 4 of 9");
      return true;
    });
    const last = sent.at(-1)!.content.data as Record<string, string>;
    assert.match(last["text/plain"], /stopped; run the cell again to resume$/);
  });
});

describe("rows", () => {
  const square = (n: number) => ({ n, square: n * n });

  it("come in the order of the items and leave no file behind", async () => {
    assert.deepEqual(await rows("squares", items, square, { folder }), items.map(square));
    assert.deepEqual(files(), []);
  });

  it("go on after a stop, computing nothing twice, and end up the same", async () => {
    const computed: number[] = [];
    const step = async (n: number) => {
      computed.push(n);
      if (n === 2 && computed.length === 2) pressStop();
      await new Promise((resolve) => setTimeout(resolve, 60));
      return square(n);
    };
    await assert.rejects(rows("squares", items, step, { folder }), Stopped);
    assert.deepEqual(computed, [1, 2]);
    assert.deepEqual(await rows("squares", items, step, { folder }), items.map(square));
    assert.deepEqual(computed, [1, 2, 3, 4]);
  });

  it("go on after an error, and after a line that was cut short", async () => {
    let broken = true;
    const step = (n: number) => {
      if (n === 3 && broken) throw new Error("no memory");
      return square(n);
    };
    await assert.rejects(rows("squares", items, step, { folder }), /no memory/);
    const [name] = files();
    await Deno.writeTextFile(`${folder}/${name}`, '{"n":3,"squ', { append: true });
    broken = false;
    assert.deepEqual(await rows("squares", items, step, { folder }), items.map(square));
  });

  it("of another key or other items are not taken up", async () => {
    const fail = (n: number) => {
      if (n === 2) throw new Error("stop");
      return { n };
    };
    await assert.rejects(rows("r", items, fail, { folder, key: { seed: 7 } }));
    const computed: number[] = [];
    const step = (n: number) => (computed.push(n), { n });
    await rows("r", items, step, { folder, key: { seed: 8 } });
    assert.deepEqual(computed, items);
    assert.equal(files().length, 1); // the unfinished one of seed 7
  });

  it("are kept when asked for, and then computed once", async () => {
    let calls = 0;
    const step = (n: number) => (calls++, { n });
    await rows("kept", items, step, { folder, keep: true });
    await rows("kept", items, step, { folder, keep: true });
    assert.equal(calls, items.length);
  });

  it("refuse a NaN, naming the item", async () => {
    const step = (n: number) => ({ loss: n === 2 ? NaN : n });
    await assert.rejects(
      rows("r", items, step, { folder, unit: "size" }),
      /r, size 2: loss is NaN/,
    );
  });
});

describe("Ctrl-C in a script", () => {
  it("stops a job between two steps, and the rows so far are on disk", async () => {
    const script = `import { rows } from ${
      JSON.stringify(import.meta.resolve("../lib/show/resume.ts"))
    };
      const wait = (n) => new Promise((resolve) => setTimeout(() => resolve({ n }), 20));
      console.log("ready");
      await rows("slow", Array.from({ length: 500 }, (_, i) => i), wait, { folder: ${
      JSON.stringify(folder)
    } }).catch((error) => console.log(error.message));`;
    const path = `${folder}/script.ts`;
    await Deno.writeTextFile(path, script);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        `--config=${Deno.cwd()}/deno.json`,
        "--allow-env",
        "--allow-read",
        `--allow-write=${folder}`,
        path,
      ],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (text === "") {
        await new Promise((resolve) => setTimeout(resolve, 800));
        child.kill("SIGINT");
      }
      text += chunk;
    }
    assert.equal((await child.status).code, 0);
    const done = Number(/slow: stopped at item (\d+) of 500/.exec(text)?.[1]);
    assert.ok(done > 0 && done < 500, text);
    const [name] = files().filter((file) => file.endsWith(".jsonl"));
    const lines = (await Deno.readTextFile(`${folder}/${name}`)).trim().split("\n");
    assert.equal(lines.length, done);
  });
});

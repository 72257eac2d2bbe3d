import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { duration, Progress, progressLine } from "../lib/base/progress.ts";

describe("a line of progress", () => {
  const state = { name: "DPO", unit: "step", total: 40, done: 10, doneBefore: 0, elapsed: 20 };

  it("has the count, the numbers, the time taken and what is left at the pace so far", () => {
    assert.equal(
      progressLine({ ...state, numbers: { loss: 0.69314, pairs: 16, rate: "1e-4" } }),
      "DPO: step 10/40 | loss 0.693 | pairs 16 | rate 1e-4 | 20 s | 1 min 0 s left",
    );
  });

  it("reckons a resumed run's pace from what it did itself, and not before it did anything", () => {
    const resumed = { ...state, numbers: {}, elapsed: 4 };
    assert.match(progressLine({ ...resumed, doneBefore: 8 }), /4\.0 s \| 1 min 0 s left$/);
    assert.match(progressLine({ ...resumed, doneBefore: 10 }), /10\/40 \| 4\.0 s$/);
  });

  it("has no time left at the end, nor where the work was stopped", () => {
    assert.equal(
      progressLine({ ...state, done: 40, numbers: {} }),
      "DPO: step 40/40 | 20 s",
    );
    assert.equal(progressLine({ ...state, numbers: {} }, true), "DPO: step 10/40 | 20 s");
  });
});

describe("progress where there is no terminal", () => {
  it("is a line a minute, and one at the end", () => {
    const { isTerminal, writeSync } = Deno.stderr;
    const { now } = performance;
    let seconds = 0;
    let text = "";
    Deno.stderr.isTerminal = () => false;
    Deno.stderr.writeSync = (bytes) => (text += new TextDecoder().decode(bytes), bytes.length);
    performance.now = () => 1000 * seconds;
    try {
      const shown = new Progress("DPO", { unit: "step", total: 1200 });
      for (let step = 1; step <= 1200; step++) {
        seconds += 0.25;
        shown.update(step, { loss: 0.5 });
      }
      shown.finish();
    } finally {
      Object.assign(Deno.stderr, { isTerminal, writeSync });
      performance.now = now;
    }
    assert.deepEqual(text.split("\n"), [
      "DPO: step 240/1200 | loss 0.500 | 1 min 0 s | 4 min 0 s left",
      "DPO: step 480/1200 | loss 0.500 | 2 min 0 s | 3 min 0 s left",
      "DPO: step 720/1200 | loss 0.500 | 3 min 0 s | 2 min 0 s left",
      "DPO: step 960/1200 | loss 0.500 | 4 min 0 s | 1 min 0 s left",
      "DPO: step 1200/1200 | loss 0.500 | 5 min 0 s",
      "",
    ]);
  });
});

describe("a duration", () => {
  it("is told in the largest two units that fit", () => {
    assert.deepEqual(
      [0.04, 4.23, 42.4, 60, 200, 3600, 3900].map(duration),
      ["0.0 s", "4.2 s", "42 s", "1 min 0 s", "3 min 20 s", "1 h 0 min", "1 h 5 min"],
    );
  });

  it("is rounded before it is split into units", () => {
    assert.deepEqual(
      [9.94, 9.97, 59.7, 119.8, 3599.9].map(duration),
      ["9.9 s", "10 s", "1 min 0 s", "2 min 0 s", "1 h 0 min"],
    );
  });
});

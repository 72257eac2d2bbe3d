import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { judgingLengths, SPECIFICATIONS } from "../lib/tools/speed/cases.ts";
import { interleave, ratios, type Side, spread } from "../lib/tools/speed/measure.ts";
import { growthTable, rowsOf, saveRows, table } from "../lib/tools/speed/report.ts";
import { ReferenceWorker } from "../lib/tools/speed/worker.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

/** A worker that speaks the protocol with Python's own library only. */
const FAKE_WORKER = `
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if request["case"] == "die":
        sys.exit(3)
    if request["case"] == "fail":
        answer = {"error": "ValueError: no such size"}
    elif request["case"] == "versions":
        answer = {"python": "3", "device": sys.argv[1]}
    else:
        answer = {"seconds": 0.5, "items": request["args"]["size"]}
    print(json.dumps(answer), flush=True)
`;

async function withWorker(use: (worker: ReferenceWorker) => Promise<void>) {
  const path = await file("worker.py", FAKE_WORKER);
  const worker = new ReferenceWorker("python3", { script: pathToFileURL(path) });
  try {
    await use(worker);
  } finally {
    await worker.close();
  }
}

describe("interleave", () => {
  it("lets the sides take turns, a new one first each round, and drops the warm-up", async () => {
    const calls: string[] = [];
    const side = (name: string, items: number): Side => () => {
      calls.push(name);
      return Promise.resolve({ seconds: 2, items: items * calls.length });
    };
    const rates = await interleave([side("a", 1), side("b", 10)], { reps: 3, warmups: 1 });
    assert.equal(calls.join(""), "ab" + "ab" + "ba" + "ab");
    assert.deepEqual(rates, [[1.5, 3, 3.5], [20, 25, 40]]);
  });
});

describe("spread", () => {
  it("gives the middle of an odd and of an even number of values", () => {
    assert.deepEqual(spread([5, 1, 3]), { median: 3, low: 1, high: 5 });
    assert.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, low: 1, high: 4 });
  });

  it("refuses an empty list rather than answer NaN", () => {
    assert.throws(() => spread([]), RangeError);
  });
});

describe("rowsOf", () => {
  const judging = SPECIFICATIONS.judging;

  it("pairs rates of the same round, so that a slow minute falls out", () => {
    assert.deepEqual(ratios([10, 1], [5, 0.5]), [2, 2]);
    const [usual, tuned] = rowsOf(judging, {
      ours: [10, 1, 4],
      theirs: { usual: [5, 0.5, 2], tuned: [20, 1, 2] },
    });
    assert.deepEqual(usual.ratio, { median: 2, low: 2, high: 2 });
    assert.deepEqual(tuned.ratio, { median: 1, low: 0.5, high: 2 });
    assert.equal(usual.pytorch, 2);
    assert.equal(tuned.variant, "tuned");
  });

  it("sets the usual way and the fastest way against their levels", () => {
    const theirs = { usual: [2], tuned: [6] };
    const lines = table(rowsOf(judging, { ours: [3], eager: [2.5], theirs })).split("\n");
    assert.match(
      lines[1],
      /^judging +pairs\/s +2\.50 +3\.00 +1\.20 +2\.00 +1\.50 \[1\.50, 1\.50\] +2\.0 +below$/,
    );
    assert.match(
      lines[2],
      /^judging, PyTorch tuned .* 0\.50 \[0\.50, 0\.50\] +\(1\.5\) +\(below\)$/,
    );
    assert.match(
      table(rowsOf(judging, { ours: [1], theirs: { usual: [2] } })),
      / - .*below \(below\)$/,
    );
    const [, usual, tuned] = table(
      rowsOf(judging, { ours: [8], theirs: { usual: [4], tuned: [2] } }),
    ).split("\n");
    assert.match(usual, / 2\.0 \(1\.5\) +reached \(reached\)$/);
    assert.match(tuned, / -$/);
  });
});

describe("growthTable", () => {
  const row = (name: string, ours: number, theirs: number) =>
    rowsOf({ ...SPECIFICATIONS.train, name }, { ours: [ours], theirs: { usual: [theirs] } });
  const cases = [{ name: "train" }, { name: "train-2x-rows", growsFrom: "train" }];

  it("tells how much longer each side takes than for the smaller case", () => {
    const rows = [...row("train", 10, 6), ...row("train-2x-rows", 4, 3)];
    assert.match(growthTable(rows, cases), /\ntrain-2x-rows +train +2\.50 +2\.00$/);
  });

  it("tells nothing where the smaller case was not measured", () => {
    assert.equal(growthTable(row("train-2x-rows", 4, 3), cases), "");
  });
});

describe("saveRows", () => {
  it("replaces rows of the same case and keeps the others", async () => {
    const path = `${folder.path}/results/bench.csv`;
    const { train, matmul } = SPECIFICATIONS;
    await saveRows(path, {
      rows: rowsOf(matmul, { ours: [2], theirs: { usual: [1] } }),
      versions: { torch: "1" },
    });
    await saveRows(path, {
      rows: rowsOf(train, { ours: [2], eager: [1.6], theirs: { usual: [1] } }),
      versions: { torch: "2" },
    });
    await saveRows(path, {
      rows: rowsOf(matmul, { ours: [8], theirs: { usual: [2] } }),
      versions: { torch: "3" },
    });
    assert.equal(
      await Deno.readTextFile(path),
      "case,variant,unit,ours,pytorch,level,reps,ratio,ratio_min,ratio_max,torch,eager,best_level," +
        "gain,gain_min,gain_max\n" +
        "train,usual,steps/s,2.00,1.00,1.2,1,2.000,2.000,2.000,2,1.60,1,1.250,1.250,1.250\n" +
        "matmul,usual,GFLOP/s,8.00,2.00,1,1,4.000,4.000,4.000,3,,,,,\n",
    );
  });
});

describe("judgingLengths", () => {
  it("puts both positions of a pair side by side and spreads the lengths over the range", () => {
    const lengths = judgingLengths(SPECIFICATIONS.judging.args);
    assert.equal(lengths.length, 48);
    assert.deepEqual(lengths.slice(0, 8), [80, 80, 177, 177, 274, 274, 150, 150]);
    assert.ok(Math.min(...lengths) >= 80 && Math.max(...lengths) <= 300);
    assert.ok(Math.max(...lengths) - Math.min(...lengths) > 200);
  });
});

describe("ReferenceWorker", () => {
  it("answers one repetition after the other", async () => {
    await withWorker(async (worker) => {
      assert.deepEqual(await worker.versions(), { python: "3", device: "cpu" });
      assert.deepEqual(await worker.run("matmul", { size: 7 }), { seconds: 0.5, items: 7 });
      assert.deepEqual(await worker.run("matmul", { size: 8 }), { seconds: 0.5, items: 8 });
    });
  });

  it("tells what failed on the other side and continues", async () => {
    await withWorker(async (worker) => {
      await refuses(worker.run("fail", {}), /"fail" failed: ValueError: no such size/);
      assert.equal((await worker.run("matmul", { size: 1 })).items, 1);
    });
  });

  it("names an interpreter that cannot be started", () => {
    assert.throws(
      () => new ReferenceWorker("/nowhere/python"),
      /"\/nowhere\/python" could not be started/,
    );
  });

  it("says so when the process has ended, and on every later request", async () => {
    await withWorker(async (worker) => {
      await refuses(worker.run("die", {}), /exit code 3/);
      await refuses(worker.run("matmul", { size: 1 }), /exit code 3/);
    });
  });
});

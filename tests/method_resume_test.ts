import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { type StepLog, supervisedBatches } from "../lib/method/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { ADAMW_DEFAULTS, MUON_DEFAULTS, type OptimizerConfig } from "../lib/tensor/mod.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import {
  type TestTraining,
  timelessLog,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
  values,
} from "./tiny_method.ts";

const examples = tinyExamples(8);
const prepare: TestTraining["prepare"] = (step) =>
  Promise.resolve({
    parts: supervisedBatches(Rng.named(1, `step ${step}`).shuffle(examples).slice(0, 6), {
      weighting: { mode: "example", judgeWeight: 0.5 },
      batching: "bucketed",
      microBatchTokens: 200,
    }),
  });
const CONFIG = JSON.stringify({ seed: 1, settings: { jsft: { batchSize: 6, kinds: ["answer"] } } });

describe("a training run with a checkpoint", () => {
  let runs = 0;
  const fresh = (config = CONFIG) => ({
    path: `${folder.path}/${runs++}.safetensors`,
    config,
    every: 2,
  });
  const lora = () => tinyWithAdapter({ dropout: 0.2 });
  /** One session of a run of six steps. */
  const session = async (options: Partial<TestTraining> & { make?: typeof tinyModel } = {}) => {
    const model = (options.make ?? lora)();
    let started = -1;
    try {
      const logs = await trainLogged({
        steps: 6,
        prepare,
        schedule: { learningRate: 0.01, shape: "cosine", warmup: 0.3 },
        onStart: (done) => void (started = done),
        ...options,
        model,
      });
      return { logs: logs.map(timelessLog), end: await values(model), started };
    } finally {
      model.dispose();
    }
  };
  const stopAfter = (step: number): Partial<TestTraining> => {
    let taken = 0;
    return { shouldStop: () => ++taken === step };
  };

  const muon: OptimizerConfig = { kind: "muon", ...MUON_DEFAULTS, weightDecay: 0.1 };
  const adamw: OptimizerConfig = { kind: "adamw", ...ADAMW_DEFAULTS };
  for (
    const [what, make, optimizer] of [
      ["an adapter with dropout", lora, adamw],
      ["all weights", tinyModel, adamw],
      ["an adapter under Muon", lora, muon],
      ["all weights under Muon", tinyModel, muon],
    ] as const
  ) {
    it(`ends as an unbroken run does, having been stopped after 3 of 6 steps, with ${what}`, async () => {
      const unbroken = await session({ make, optimizer, checkpoint: fresh() });
      const checkpoint = fresh();
      const first = await session({ make, optimizer, checkpoint, ...stopAfter(3) });
      assert.equal(first.logs.length, 3);
      const second = await session({ make, optimizer, checkpoint });
      assert.equal(second.started, 3);
      assert.deepEqual([...first.logs, ...second.logs], unbroken.logs);
      assert.deepEqual(second.end, unbroken.end);
    });
  }

  it("refuses a checkpoint of another optimiser, and leaves the model as it was", async () => {
    for (const [one, other] of [[adamw, muon], [muon, adamw]]) {
      const checkpoint = fresh();
      await session({ optimizer: one, make: tinyModel, checkpoint, ...stopAfter(1) });
      const model = tinyModel();
      const [before, tensors] = [await values(model), tf.memory().numTensors];
      await refuses(
        trainLogged({ model, steps: 6, prepare, optimizer: other, checkpoint }),
        /safetensors: optimizer\.m has \d+ numbers, this run needs \d+\n {2}-> .*--fresh/,
      );
      assert.deepEqual(await values(model), before);
      assert.equal(tf.memory().numTensors, tensors);
      model.dispose();
    }
  });

  it("resumes from the last checkpoint when it was killed, and repeats the steps since", async () => {
    const unbroken = await session({ checkpoint: fresh() });
    const checkpoint = fresh();
    const seen: Record<string, number>[] = [];
    const killed = new Error("killed");
    await assert.rejects(
      session({
        checkpoint,
        onStep: (log: StepLog) => {
          seen.push(timelessLog(log));
          if (log.step === 5) throw killed;
        },
      }),
      killed,
    );
    const second = await session({ checkpoint });
    assert.equal(second.started, 4);
    assert.deepEqual(seen, unbroken.logs.slice(0, 5));
    assert.deepEqual(second.logs, unbroken.logs.slice(4));
    assert.deepEqual(second.end, unbroken.end);
  });

  it("has logged every step that a checkpoint holds", async () => {
    const checkpoint = fresh();
    // Killed while the log of step 2 is written, when a checkpoint is due.
    const onStep = ({ step }: StepLog) => {
      if (step === 2) throw new Error("killed");
    };
    await assert.rejects(session({ checkpoint, onStep }), /killed/);
    assert.equal((await session({ checkpoint })).started, 0);
  });

  it("counts steps in which there was nothing to learn", async () => {
    const sometimes: TestTraining["prepare"] = async (step) =>
      step % 2 === 0 ? { parts: [] } : await prepare(step);
    const unbroken = await session({ prepare: sometimes, checkpoint: fresh() });
    const checkpoint = fresh();
    await session({ prepare: sometimes, checkpoint, ...stopAfter(3) });
    const second = await session({ prepare: sometimes, checkpoint });
    assert.equal(second.started, 3);
    assert.deepEqual(second.logs, unbroken.logs.slice(3));
    assert.deepEqual(second.end, unbroken.end);
  });

  it("that is finished takes no step again, and still has its parameters", async () => {
    const checkpoint = fresh();
    const first = await session({ checkpoint });
    const second = await session({ checkpoint });
    assert.equal(second.started, 6);
    assert.deepEqual(second.logs, []);
    assert.deepEqual(second.end, first.end);
  });

  it("asked to stop at its last step is finished, not stopped", async () => {
    const checkpoint = fresh();
    const { logs } = await session({ checkpoint, ...stopAfter(6) });
    assert.equal(logs.length, 6);
    assert.equal((await session({ checkpoint })).started, 6);
  });

  it("leaves no tensor behind when it resumes", async () => {
    for (const optimizer of [adamw, muon]) {
      const before = tf.memory().numTensors;
      const checkpoint = fresh();
      await session({ optimizer, checkpoint, ...stopAfter(3) });
      await session({ optimizer, checkpoint });
      assert.equal(tf.memory().numTensors, before);
    }
  });

  it("refuses a checkpoint of other settings and names the field", async () => {
    const checkpoint = fresh();
    await session({ checkpoint, ...stopAfter(1) });
    const kept = await Deno.readFile(checkpoint.path);
    const other = CONFIG.replace('"batchSize":6', '"batchSize":4').replace(
      '"answer"',
      '"judgment"',
    );
    const { problem } = await refuses(
      session({ checkpoint: { ...checkpoint, config: other } }),
      /-> .*--fresh/,
    );
    assert.equal(
      problem,
      `${checkpoint.path}: this checkpoint was made with other settings\n` +
        "  settings.jsft.batchSize: 6 then, 4 now\n" +
        '  settings.jsft.kinds.0: "answer" then, "judgment" now',
    );
    assert.deepEqual(await Deno.readFile(checkpoint.path), kept);
  });

  it("refuses a checkpoint that was cut off, or is something else, and names it", async () => {
    const checkpoint = fresh();
    await session({ checkpoint, ...stopAfter(1) });
    const whole = await Deno.readFile(checkpoint.path);
    for (
      const damaged of [whole.slice(0, whole.length - 100), whole.slice(0, 4), new Uint8Array()]
    ) {
      await Deno.writeFile(checkpoint.path, damaged);
      await refuses(session({ checkpoint }), checkpoint.path, /-> .*delete/);
    }
  });

  it("names the checkpoint that it cannot write", async () => {
    const path = `${await file("missing", "a file where a folder should be")}/x.safetensors`;
    const checkpoint = { ...fresh(), path };
    await refuses(session({ checkpoint }), /cannot write .*missing\/x\.safetensors/);
  });
});

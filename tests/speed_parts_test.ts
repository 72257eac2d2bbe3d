import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { compile, startEngine } from "../lib/tensor/mod.ts";
import { partsOf, totalOf } from "../lib/tools/speed/parts.ts";

await startEngine();

describe("partsOf", () => {
  it("finds kernels, copies and reads, also of a compiled step, and puts the binding back", async () => {
    const backend = tf.backend() as unknown as { binding: object };
    const { binding } = backend;
    const step = compile((x: tf.Tensor) => tf.tidy(() => tf.sum(tf.square(x))), { name: "a step" });
    const runs = [];
    for (let i = 0; i < 4; i++) {
      runs.push(
        await partsOf(async () => {
          const x = tf.tensor1d([1, 2, i]);
          const y = step(x);
          assert.deepEqual([...await y.data()], [5 + i * i]);
          tf.dispose([x, y]);
        }),
      );
    }
    assert.equal(backend.binding, binding);
    assert.ok(step.counts.replayed > 0);
    for (const parts of runs) {
      assert.ok(parts.kernels > 0 && parts.toDevice > 0 && parts.toHost > 0, JSON.stringify(parts));
      assert.ok(parts.javascript > 0 && totalOf(parts) > parts.kernels);
    }
    step.dispose();
  });

  it("puts the binding back where the work fails", async () => {
    const backend = tf.backend() as unknown as { binding: object };
    const { binding } = backend;
    await assert.rejects(partsOf(() => Promise.reject(new Error("no"))), /no/);
    assert.equal(backend.binding, binding);
  });
});

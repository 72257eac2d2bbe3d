import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { add, linear, rmsNorm, swiglu, Tape } from "../lib/tensor/mod.ts";
import { numbers } from "./numbers.ts";
import { randoms } from "./tiny.ts";

const rng = Rng.named(6, "tape");
const matrix = (rows: number, columns: number) =>
  tf.tensor2d(randoms(rows * columns, { rng }), [rows, columns]);

/** Runs work and asserts that no tensor is left of it. */
function leakless(work: () => void): void {
  const before = tf.memory().numTensors;
  work();
  assert.equal(tf.memory().numTensors, before);
}
// Constants that the room makes once and keeps.
tf.tidy(() => rmsNorm(matrix(2, 2), tf.ones([2]), { eps: 1 }));

describe("Tape", () => {
  it("never asks an op for the gradient of a frozen weight", () => {
    const [frozen, watched, x] = [matrix(2, 2), matrix(2, 2), matrix(2, 2)];
    const tape = new Tape([watched]);
    const asked: boolean[][] = [];
    const op = (inputs: tf.Tensor[]) =>
      tape.record({
        inputs,
        output: tf.addN(inputs),
        saved: [],
        pullback: (dy, wanted) => {
          asked.push(inputs.map((_, i) => wanted(i)));
          return inputs.map((_, i) => wanted(i) ? tf.clone(dy) : null);
        },
      });
    const y = op([op([x, watched]), frozen]);
    const [dw] = tape.gradients(y, tf.onesLike(y), [watched]);
    assert.deepEqual(asked, [[true, false], [false, true]]);
    assert.deepEqual([...numbers(dw)], [1, 1, 1, 1]);
  });

  it("multiplies nothing for the weight of a frozen linear layer", () => {
    if (tf.getBackend() !== "tensorflow") {
      return console.log("skipped: ops can be counted on the native engine only");
    }
    const [x, w, a, b] = [matrix(3, 4), matrix(5, 4), matrix(2, 4), matrix(5, 2)];
    const products = (watched: tf.Tensor[], lora: boolean) => {
      const tape = new Tape(watched);
      const y = linear(x, w, { lora: lora ? { a, b, scale: 1 } : null, tape });
      const dy = tf.onesLike(y);
      const made = countKernels(() => tape.gradients(y, dy, watched));
      return made["MatMul"] ?? 0;
    };
    assert.equal(products([w], false), 1);
    assert.equal(products([x], false), 1);
    assert.equal(products([x, w], false), 2);
    assert.ok(products([a, b], true) <= 3); // for the update alone
  });

  it("does not run the pullback of an op that the output does not depend on", () => {
    const [x, w] = [matrix(3, 4), matrix(4, 4)];
    const tape = new Tape([w]);
    const y = linear(x, w, { tape });
    const aside = tape.record({
      inputs: [y],
      output: tf.neg(y),
      saved: [],
      pullback: () => assert.fail("called"),
    });
    const [dw] = tape.gradients(y, tf.onesLike(y), [w]);
    assert.ok(numbers(dw).some((value) => value !== 0));
    assert.ok(aside.isDisposed);
  });

  it("gives a target without influence zeros of its shape", () => {
    const [x, w, other] = [matrix(3, 4), matrix(5, 4), matrix(2, 7)];
    const tape = new Tape([w, other]);
    const y = linear(x, w, { tape });
    const [zeros, dw] = tape.gradients(y, tf.onesLike(y), [other, w]);
    assert.deepEqual(zeros.shape, [2, 7]);
    assert.ok(numbers(zeros).every((value) => value === 0));
    assert.ok(numbers(dw).some((value) => value !== 0));
  });

  it("scales with the gradient of the output", () => {
    const [x, w] = [matrix(3, 4), matrix(5, 4)];
    const gradient = (dy: number) => {
      const tape = new Tape([w]);
      const y = linear(x, w, { tape });
      return numbers(tape.gradients(y, tf.fill(y.shape, dy), [w])[0]);
    };
    assert.deepEqual(gradient(4), gradient(1).map((value) => 4 * value));
  });

  it("leaves nothing but the gradients, and the inputs alone", () => {
    const inputs = [matrix(3, 4), matrix(4, 4), tf.tensor1d(randoms(4, { rng }))] as const;
    const [x, w, g] = inputs;
    for (const watched of [[w], [x], [g], [x, w, g]]) {
      leakless(() => {
        const tape = new Tape(watched);
        const y = tf.tidy(() => network(inputs, tape));
        const dy = tf.onesLike(y);
        const gradients = tape.gradients(y, dy, watched);
        assert.ok(y.isDisposed);
        tf.dispose([dy, ...gradients]);
      });
    }
    assert.ok(inputs.every((tensor) => !tensor.isDisposed));
  });

  it("leaves nothing when it is given up before the backward pass", () => {
    const inputs = [matrix(3, 4), matrix(4, 4), tf.tensor1d(randoms(4, { rng }))] as const;
    for (const watched of [[inputs[1]], [inputs[2]], [...inputs]]) {
      leakless(() => {
        const tape = new Tape(watched);
        tf.tidy(() => network(inputs, tape));
        tape.dispose();
      });
    }
  });
});

/** Something of every kind of op, with an activation that is used twice. */
function network(
  [x, w, g]: readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D],
  tape: Tape,
): tf.Tensor2D {
  const lora = { a: w, b: w, scale: 0.5, dropout: { rate: 0.2, seed: [1, 2] as const } };
  const h = rmsNorm(linear(x, w, { bias: g, lora, tape }), g, { eps: 1e-5, tape });
  return add(h, swiglu(h, linear(h, w, { tape }), { tape }), { tape });
}

/** How often each TensorFlow op runs during work. */
function countKernels(work: () => void): Record<string, number> {
  const backend = tf.backend() as unknown as {
    executeSingleOutput: (name: string, ...rest: unknown[]) => tf.Tensor;
  };
  const counts: Record<string, number> = {};
  const run = backend.executeSingleOutput;
  backend.executeSingleOutput = function (name, ...rest) {
    counts[name] = (counts[name] ?? 0) + 1;
    return run.call(this, name, ...rest);
  };
  try {
    work();
  } finally {
    backend.executeSingleOutput = run;
  }
  return counts;
}

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  crossEntropy,
  matmul,
  meanLast,
  seededUniform,
  segmentSum,
  writeRows,
} from "../lib/tensor/mod.ts";
import { assertClose, numbers } from "./numbers.ts";
import { randoms } from "./tiny.ts";

const rng = Rng.named(3, "kernels");
const matrix = (rows: number, columns: number, high = 1) =>
  tf.tensor2d(randoms(rows * columns, { rng, low: -high, high }), [rows, columns]);

describe("matmul", () => {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      it(`is tf.matMul, transposed ${transposeA} and ${transposeB}`, () => {
        const a = transposeA ? matrix(7, 5) : matrix(5, 7);
        const b = transposeB ? matrix(3, 7) : matrix(7, 3);
        const found = matmul(a, b, { transposeA, transposeB });
        assert.deepEqual(found.shape, [5, 3]);
        const expected = tf.matMul(a, b, transposeA, transposeB);
        assertClose(numbers(found), numbers(expected), { within: 1e-6 });
      });
    }
  }
});

describe("crossEntropy", () => {
  const targets = tf.tensor1d([0, 8, 3], "int32");

  it("is minus the log-softmax of the target, with its gradient", () => {
    const logits = matrix(3, 9, 6);
    const { loss, gradient } = crossEntropy(logits, targets);
    const onehot = tf.oneHot(targets, 9);
    const expected = tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits, 1), onehot), 1));
    assertClose(numbers(loss), numbers(expected), { within: 1e-5 });
    const slope = tf.sub(tf.softmax(logits), onehot);
    assertClose(numbers(gradient), numbers(slope), { within: 1e-6 });
  });

  it("is ln V with all logits equal", () => {
    const { loss } = crossEntropy(tf.zeros([3, 9]), targets);
    assertClose(numbers(loss), [Math.log(9), Math.log(9), Math.log(9)], { within: 1e-6 });
  });
});

describe("meanLast", () => {
  it("is the mean of the last axis, kept", () => {
    const x = matrix(4, 6);
    assert.deepEqual(meanLast(x).shape, [4, 1]);
    assertClose(numbers(meanLast(x)), numbers(tf.mean(x, -1, true)), { within: 1e-6 });
  });
});

describe("segmentSum", () => {
  const index = tf.tensor1d([3, 0, 3, 3], "int32");

  it("sums numbers or rows that share an index, and leaves the rest zero", () => {
    const found = segmentSum(tf.tensor1d([1, 10, 100, 1000]), index, 5);
    assert.deepEqual([...numbers(found)], [10, 0, 0, 1101, 0]);
    const rows = segmentSum(tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]), index, 4);
    assert.deepEqual(rows.arraySync(), [[3, 4], [0, 0], [0, 0], [13, 16]]);
  });
});

describe("writeRows", () => {
  it("puts rows where they belong and leaves the others", () => {
    const x = tf.tensor2d([[1, 2], [3, 4], [5, 6], [7, 8]]);
    const found = writeRows(x, tf.tensor1d([3, 1], "int32"), tf.tensor2d([[9, 10], [11, 12]]));
    assert.deepEqual(found.arraySync(), [[1, 2], [11, 12], [5, 6], [9, 10]]);
  });

  it("leaves nothing but its output", () => {
    const inputs = [tf.zeros([3, 2]), tf.tensor1d([1], "int32"), tf.ones([1, 2])] as const;
    const before = tf.memory().numTensors;
    writeRows(inputs[0], inputs[1], inputs[2]).dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

describe("seededUniform", () => {
  it("draws the same numbers for the same seed, others for another", () => {
    const draw = (a: number, b: number) => numbers(seededUniform([40, 25], [a, b]));
    assert.deepEqual(draw(5, 2), draw(5, 2));
    for (const [a, b] of [[5, 3], [6, 2], [2, 5]]) {
      const [x, y] = [draw(5, 2), draw(a, b)];
      assert.ok(x.every((value, i) => value !== y[i] || i % 100 > 0), `seed ${a}, ${b}`);
      assert.ok(x.filter((value, i) => value === y[i]).length < 5);
    }
  });

  it("fills [0, 1) evenly", () => {
    const found = numbers(seededUniform([100, 100], [1, 9]));
    assert.ok(found.every((x) => x >= 0 && x < 1));
    const tenths = Array(10).fill(0);
    for (const x of found) tenths[Math.floor(x * 10)]++;
    // 1000 each; five standard deviations of a binomial count are 150.
    for (const n of tenths) assert.ok(Math.abs(n - 1000) < 150, tenths.join());
  });

  it("leaves nothing but its output", () => {
    const before = tf.memory().numTensors;
    seededUniform([3, 3], [1, 1]).dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

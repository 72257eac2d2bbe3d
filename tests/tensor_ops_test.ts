import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  add,
  embedding,
  linear,
  logitRows,
  rmsNorm,
  swiglu,
  takeRows,
  Tape,
  tokenLogProbs,
} from "../lib/tensor/mod.ts";
import { assertClose, numbers } from "./numbers.ts";
import { assertGradients, type Op } from "./tensor_gradient.ts";
import { randoms } from "./tiny.ts";

type Matrix = tf.Tensor2D;
type Vector = tf.Tensor1D;

describe("the gradient of an op, by finite differences", () => {
  const ids = () => tf.tensor1d([2, 0, 2, 4], "int32"); // one row twice, some never
  /** Indices as an op's caller holds them: on the tape, since the pullback reads them. */
  const held = (tape: Tape) => tape.hold(ids());

  const updated =
    (dropout?: { rate: number; seed: readonly [number, number] }): Op =>
    ([x, w, bias, a, b], tape) =>
      linear(x as Matrix, w as Matrix, {
        bias: bias as Vector,
        lora: { a: a as Matrix, b: b as Matrix, scale: 1.7, dropout },
        tape,
      });
  const update = [[4, 5], [3, 5], [3], [2, 5], [3, 2]];
  const cases: [string, Op, shapes: number[][]][] = [
    ["embedding", ([t], tape) => embedding(held(tape), t as Matrix, { tape }), [[6, 3]]],
    ["takeRows", ([x], tape) => takeRows(x as Matrix, held(tape), { tape }), [[6, 3]]],
    ["add", ([a, b], tape) => add(a as Matrix, b as Matrix, { tape }), [[3, 4], [3, 4]]],
    ["add of a tensor to itself", ([a], tape) => add(a as Matrix, a as Matrix, { tape }), [[3, 4]]],
    [
      "add along two paths",
      ([a, w], tape) => {
        const y = linear(a as Matrix, w as Matrix, { tape });
        return add(add(a as Matrix, y, { tape }), y, { tape });
      },
      [[3, 4], [4, 4]],
    ],
    ["linear", ([x, w], tape) => linear(x as Matrix, w as Matrix, { tape }), [[4, 5], [3, 5]]],
    [
      "linear with a bias",
      ([x, w, bias], tape) => linear(x as Matrix, w as Matrix, { bias: bias as Vector, tape }),
      [[4, 5], [3, 5], [3]],
    ],
    ["linear with a bias and a low-rank update", updated(), update],
    ["the same with dropout", updated({ rate: 0.4, seed: [3, 5] }), update],
    [
      "rmsNorm",
      ([x, g], tape) => rmsNorm(x as Matrix, g as Vector, { eps: 1e-2, tape }),
      [[3, 6], [6]],
    ],
    ["swiglu", ([x, up], tape) => swiglu(x as Matrix, up as Matrix, { tape }), [[3, 5], [3, 5]]],
    [
      "tokenLogProbs",
      ([x, w], tape) => tokenLogProbs(x as Matrix, w as Matrix, { targets: held(tape), tape }),
      [[4, 3], [7, 3]],
    ],
    [
      "one tensor as the input and the output embedding",
      ([table], tape) => {
        const x = embedding(held(tape), table as Matrix, { tape });
        const targets = tape.hold(tf.tensor1d([1, 1, 5, 2], "int32"));
        return tokenLogProbs(x, table as Matrix, { targets, tape });
      },
      [[6, 3]],
    ],
  ];
  for (const rows of [1, 2, 3]) {
    cases.push([
      `tokenLogProbs, ${rows} rows at a time`,
      ([x, w], tape) =>
        tokenLogProbs(x as Matrix, w as Matrix, { targets: held(tape), tape, rows }),
      [[4, 3], [7, 3]],
    ]);
  }
  for (const [what, op, shapes] of cases) it(what, () => assertGradients(op, shapes));

  for (const rows of [4, 3, 1]) {
    it(`tokenLogProbs through a transposed copy of a frozen embedding, ${rows} rows at a time`, () => {
      const w = tf.tensor2d(randoms(21, { rng: Rng.named(8, "w") }), [7, 3]);
      const columns = tf.transpose(w) as Matrix;
      assertGradients(
        ([x], tape) => tokenLogProbs(x as Matrix, w, { targets: held(tape), columns, tape, rows }),
        [[4, 3]],
      );
    });
  }
});

describe("an op without a tape", () => {
  const rng = Rng.named(2, "ops");
  const matrix = (rows: number, columns: number) =>
    tf.tensor2d(randoms(rows * columns, { rng }), [rows, columns]);

  it("computes what it computes on one, and leaves nothing but its output", () => {
    const [x, w, g] = [matrix(4, 6), matrix(3, 6), tf.tensor1d(randoms(6, { rng }))];
    const lora = { a: matrix(2, 6), b: matrix(3, 2), scale: 0.5 };
    const targets = tf.tensor1d([0, 2, 1, 1], "int32");
    const ops = [
      (tape: Tape | null) => linear(x, w, { lora, tape }),
      (tape: Tape | null) => rmsNorm(x, g, { eps: 1e-5, tape }),
      (tape: Tape | null) => swiglu(x, x, { tape }),
      (tape: Tape | null) => add(x, x, { tape }),
      (tape: Tape | null) => tokenLogProbs(x, w, { targets, tape }),
    ];
    for (const op of ops) {
      const before = tf.memory().numTensors;
      const plain = op(null);
      assert.equal(tf.memory().numTensors, before + 1);
      const tape = new Tape([x]);
      assert.deepEqual(numbers(op(tape)), numbers(plain));
      tape.dispose();
      plain.dispose();
      assert.equal(tf.memory().numTensors, before);
    }
    tf.dispose([x, w, g, lora.a, lora.b, targets]);
  });

  it("agrees with plain tfjs", () => {
    const [x, w, b] = [matrix(4, 6), matrix(3, 6), tf.tensor1d(randoms(3, { rng }))];
    const [A, B] = [matrix(2, 6), matrix(3, 2)];
    const lora = { a: A, b: B, scale: 3, dropout: { rate: 0.5, seed: [1, 1] as const } };
    close(
      linear(x, w, { bias: b, lora }), // dropout belongs to training: none without a tape
      tf.add(
        tf.add(tf.matMul(x, w, false, true), b),
        tf.mul(tf.matMul(tf.matMul(x, A, false, true), B, false, true), 3),
      ),
    );
    const rms = tf.sqrt(tf.add(tf.mean(tf.mul(x, x), 1, true), 0.1));
    const g = tf.tensor1d(randoms(6, { rng }));
    close(rmsNorm(x, g, { eps: 0.1 }), tf.mul(tf.div(x, rms), g));
    const up = matrix(4, 6);
    close(swiglu(x, up), tf.mul(tf.div(x, tf.add(1, tf.exp(tf.neg(x)))), up));
  });
});

describe("dropout in linear", () => {
  const [rows, columns, rate] = [200, 50, 0.3];
  /** What the adapter sees of an input of ones, by adapters that hand it through. */
  const seen = (seed: readonly [number, number]) => {
    const x = tf.ones([rows, columns]) as Matrix;
    const eye = tf.eye(columns) as Matrix;
    const tape = new Tape([eye]);
    const lora = { a: eye, b: eye, scale: 1, dropout: { rate, seed } };
    const y = numbers(linear(x, tf.zeros([columns, columns]), { lora, tape }));
    tape.dispose();
    return y;
  };

  it("leaves out about the given share and scales up the rest", () => {
    const y = seen([1, 2]);
    const kept = y.filter((value) => value !== 0);
    assert.ok(kept.every((value) => Math.abs(value - 1 / (1 - rate)) < 1e-6));
    // Five standard deviations of a binomial share.
    const limit = 5 * Math.sqrt(rate * (1 - rate) / y.length);
    assert.ok(Math.abs(kept.length / y.length - (1 - rate)) < limit, `${kept.length / y.length}`);
  });

  it("draws the mask that its seed says", () => {
    assert.deepEqual(seen([1, 2]), seen([1, 2]));
    assert.notDeepEqual(seen([1, 2]), seen([1, 3]));
    assert.notDeepEqual(seen([1, 2]), seen([2, 2]));
  });
});

describe("tokenLogProbs", () => {
  it("is -ln V where all logits are equal", () => {
    const V = 50_000;
    const targets = tf.tensor1d([0, 17, V - 1], "int32");
    const found = numbers(tokenLogProbs(tf.ones([3, 4]), tf.fill([V, 4], 0.3), { targets }));
    for (const value of found) assert.ok(Math.abs(value + Math.log(V)) < 1e-4, `${value}`);
  });

  it("never has more logits than those of the rows that it may compute at once", () => {
    if (tf.getBackend() !== "tensorflow") {
      return console.log("skipped: tensors can be seen on the native engine only");
    }
    const [M, C, V] = [10, 4, 100];
    const rng = Rng.named(9, "blocks");
    const [x, w] = [[M, C], [V, C]].map(([n, m]) => tf.tensor2d(randoms(n * m, { rng }), [n, m]));
    const targets = tf.tensor1d(Array.from({ length: M }, (_, i) => 9 * i), "int32");
    const largest = (watched: tf.Tensor[], rows?: number) => {
      const tape = new Tape(watched);
      return largestMade(() => {
        const y = tf.tidy(() => tokenLogProbs(x, w, { targets, tape, rows }));
        tf.dispose(tape.gradients(y, tf.onesLike(y), watched));
      });
    };
    for (const watched of [[x], [x, w], [w]]) {
      const before = tf.memory().numTensors;
      assert.equal(largest(watched), M * V);
      assert.equal(largest(watched, 5), 5 * V);
      assert.ok(tf.memory().numTensors - before <= 2, "tensors left behind"); // dy, twice
    }
  });

  it("has rows for 128 MiB of logits by default", () => {
    assert.deepEqual([32_000, 49_152, 128_256].map(logitRows), [1048, 682, 261]);
    assert.equal(logitRows(2 ** 30), 1);
  });

  it("stays finite at logits that overflow an exponential", () => {
    const w = tf.tensor2d([[500], [-500], [0]]);
    const targets = tf.tensor1d([0, 1, 2], "int32");
    const found = numbers(tokenLogProbs(tf.ones([3, 1]), w, { targets }));
    assertClose(found, [0, -1000, -500], { within: 0 });
  });
});

/** Numbers in the largest tensor that TensorFlow makes during work. */
function largestMade(work: () => void): number {
  const backend = tf.backend() as unknown as Record<
    "executeSingleOutput" | "executeMultipleOutputs",
    (...rest: unknown[]) => tf.Tensor | tf.Tensor[]
  >;
  let largest = 0;
  const names = ["executeSingleOutput", "executeMultipleOutputs"] as const;
  const run = names.map((name) => backend[name]);
  names.forEach((name, i) => {
    backend[name] = function (...rest) {
      const made = run[i].call(this, ...rest);
      for (const { shape } of [made].flat()) {
        largest = Math.max(largest, shape.reduce((a, b) => a * b, 1));
      }
      return made;
    };
  });
  try {
    work();
  } finally {
    names.forEach((name, i) => backend[name] = run[i]);
  }
  return largest;
}

function close(found: tf.Tensor, expected: tf.Tensor): void {
  assert.deepEqual(found.shape, expected.shape);
  assertClose(numbers(found), numbers(expected), { within: 1e-5 });
}

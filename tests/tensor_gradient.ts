/** Gradients from the tape against finite differences of the same op. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { Tape } from "../lib/tensor/mod.ts";
import { numbers } from "./numbers.ts";
import { randoms } from "./tiny.ts";

/** An op of some inputs, recorded on a tape. */
export type Op = (inputs: tf.Tensor[], tape: Tape) => tf.Tensor;

// With h = 1/16 and one Richardson step the truncation error is of order h^4; float32 rounding, about
// 1e-7 / h, then stays well under the tolerance.
const H = 1 / 16;
const TOLERANCE = 5e-4;

/**
 * Asserts that the tape's gradient of `<op(inputs), r>`, r random, agrees with finite differences for
 * every number of every input, and that nothing is left in memory.
 *
 * @param shapes Of the inputs, which are uniform on (-1, 1).
 */
export function assertGradients(op: Op, shapes: number[][], { seed = 1 } = {}): void {
  const rng = Rng.named(seed, "gradient test");
  const values = shapes.map((shape) => randoms(shape.reduce((a, b) => a * b, 1), { rng }));
  const make = () => values.map((v, i) => tf.tensor(v.slice(), shapes[i]));
  let direction: Float32Array | undefined;

  /** `<op(inputs), r>` in double precision. */
  const dot = (): number => {
    const inputs = make();
    const tape = new Tape(inputs);
    const y = numbers(tf.tidy(() => op(inputs, tape)));
    tape.dispose();
    tf.dispose(inputs);
    direction ??= randoms(y.length, { rng });
    return y.reduce((sum, value, i) => sum + value * direction![i], 0);
  };
  dot(); // draws the direction, and warms up constants that the room keeps

  const before = tf.memory().numTensors;
  const inputs = make();
  const tape = new Tape(inputs);
  const y = tf.tidy(() => op(inputs, tape));
  const r = tf.tensor(direction!.slice(), y.shape);
  const gradients = tape.gradients(y, r, inputs);
  gradients.forEach((g, i) => {
    assert.deepEqual(g.shape, shapes[i], `shape of gradient ${i}`);
    const found = numbers(g);
    const largest = Math.max(...found.map(Math.abs));
    assert.ok(largest > 1e-3, `gradient ${i} is zero: nothing was tested`);
    for (let j = 0; j < found.length; j++) {
      const central = (h: number) => {
        const x = values[i][j];
        values[i][j] = x + h;
        const up = dot();
        values[i][j] = x - h;
        const down = dot();
        values[i][j] = x;
        return (up - down) / (Math.fround(x + h) - Math.fround(x - h));
      };
      const expected = (4 * central(H / 2) - central(H)) / 3;
      const error = Math.abs(found[j] - expected);
      assert.ok(
        error <= TOLERANCE * Math.max(1, largest),
        `input ${i}, number ${j}: ${found[j]} on the tape, ${expected} by differences`,
      );
    }
  });
  tf.dispose([...inputs, ...gradients, r]);
  assert.equal(tf.memory().numTensors, before, "tensors left behind");
}

/** Comparing arrays of numbers. */
import assert from "node:assert/strict";
import type * as tf from "@tensorflow/tfjs";

/** The numbers of a float32 tensor; a tensor is freed on the way if asked. */
export function numbers(tensor: tf.Tensor, { free = false } = {}): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  if (free) tensor.dispose();
  return values;
}

/** Largest absolute difference; infinite where one is NaN. */
export function difference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(found.length, expected.length, "number of numbers");
  assert.ok(found.length > 0, "nothing to compare");
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const d = Math.abs(found[i] - expected[i]);
    if (!(d <= largest)) largest = Number.isNaN(d) ? Infinity : d;
  }
  return largest;
}

/** Asserts that no number differs by more than `within`. @returns the largest difference */
export function assertClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  { within, what = "" }: { within: number; what?: string },
): number {
  const largest = difference(found, expected);
  assert.ok(largest <= within, `${what} largest difference ${largest}, allowed ${within}`);
  return largest;
}

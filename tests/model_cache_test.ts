import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { KeyValueCache } from "../lib/model/cache.ts";
import { numbers } from "./numbers.ts";
import "./tiny.ts";

const [B, K, D] = [3, 2, 2];

/** A block of positions [from, from + n), every number telling its row, head, position and place. */
function block(from: number, n: number, { offset = 0 } = {}): tf.Tensor4D {
  const values: number[] = [];
  for (let b = 0; b < B; b++) {
    for (let k = 0; k < K; k++) {
      for (let s = 0; s < n; s++) {
        for (let d = 0; d < D; d++) {
          values.push(1000 * b + 100_000 * k + (from + s) + 0.25 * d + offset);
        }
      }
    }
  }
  return tf.tensor4d(values, [B, K, n, D]);
}

/** What a layer holds, the room behind it cut off. */
function held(cache: KeyValueCache, layer: number): { keys: Float32Array; values: Float32Array } {
  const { keys, values } = cache.layer(layer);
  const part = (x: tf.Tensor4D) => numbers(tf.slice(x, 0, [-1, -1, cache.length, -1]));
  return { keys: part(keys), values: part(values) };
}

/** Position `at` written into both layers. */
function append(cache: KeyValueCache, at: number): void {
  assert.equal(cache.extend(), at);
  for (const layer of [0, 1]) {
    const keys = block(at, 1, { offset: layer / 2 });
    const values = block(at, 1, { offset: layer / 2 + 0.125 });
    assert.equal(cache.write(layer, { keys, values }), cache.layer(layer));
    tf.dispose([keys, values]);
  }
}

/** A prompt of 5 positions and then one at a time, on two layers. */
function filled(length: number): KeyValueCache {
  const cache = new KeyValueCache();
  for (const layer of [0, 1]) {
    cache.fill(layer, {
      keys: block(0, 5, { offset: layer / 2 }),
      values: block(0, 5, { offset: layer / 2 + 0.125 }),
    });
  }
  for (let at = 5; at < length; at++) append(cache, at);
  return cache;
}

describe("KeyValueCache", () => {
  it("holds all positions in order, before and behind the columns at which it grows", () => {
    for (const length of [5, 6, 7, 20, 21, 22, 23, 37, 38, 70]) {
      const cache = filled(length);
      assert.equal(cache.length, length);
      assert.ok(cache.capacity >= length && cache.capacity < length + 16);
      for (const layer of [0, 1]) {
        const { keys, values } = held(cache, layer);
        assert.deepEqual(keys, numbers(block(0, length, { offset: layer / 2 })));
        assert.deepEqual(values, numbers(block(0, length, { offset: layer / 2 + 0.125 })));
      }
      cache.dispose();
    }
  });

  it("holds zeros in the room for positions to come", () => {
    const cache = filled(8);
    const { keys } = cache.layer(0);
    const room = numbers(tf.slice(keys, [0, 0, 8, 0], [-1, -1, cache.capacity - 8, -1]));
    assert.ok(room.every((x) => x === 0));
    cache.dispose();
  });

  it("keeps the rows asked for, in the order asked, also one row twice, and continues from there", () => {
    for (const length of [5, 6, 21, 50]) {
      for (const rows of [[2, 0], [1], [0, 0, 1, 2, 2]]) {
        const cache = filled(length);
        cache.select(rows);
        assert.equal(cache.length, length);
        const index = tf.tensor1d(rows, "int32");
        const picked = tf.gather(block(0, length, { offset: 0.5 }), index);
        assert.deepEqual(held(cache, 1).keys, numbers(picked));
        cache.extend();
        for (const layer of [0, 1]) {
          const next = tf.gather(block(length, 1, { offset: layer / 2 }), index);
          cache.write(layer, { keys: next, values: next });
        }
        const all = tf.gather(block(0, length + 1, { offset: 0.5 }), index);
        assert.deepEqual(held(cache, 1).keys, numbers(all));
        cache.dispose();
      }
    }
  });

  it("is empty before the first position and after its end, and frees what it held", () => {
    const before = tf.memory().numTensors;
    assert.equal(new KeyValueCache().length, 0);
    const cache = filled(80);
    cache.select([1, 0]);
    assert.ok(tf.memory().numTensors > before);
    cache.dispose();
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual([cache.length, cache.capacity], [0, 0]);
  });
});

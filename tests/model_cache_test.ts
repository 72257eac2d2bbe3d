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

/** What a layer holds, its blocks put together. */
function held(cache: KeyValueCache, layer: number): { keys: Float32Array; values: Float32Array } {
  const join = (of: "keys" | "values") =>
    numbers(tf.concat(cache.blocks(layer).map((b) => b[of]), 2));
  return { keys: join("keys"), values: join("values") };
}

/** A prompt of 5 positions and then one at a time, on two layers. */
function filled(length: number): KeyValueCache {
  const cache = new KeyValueCache();
  for (let at = 0; at < length; at += at === 0 ? 5 : 1) {
    for (const layer of [0, 1]) {
      const n = at === 0 ? 5 : 1;
      cache.append(layer, {
        keys: block(at, n, { offset: layer / 2 }),
        values: block(at, n, { offset: layer / 2 + 0.125 }),
      });
    }
  }
  return cache;
}

describe("KeyValueCache", () => {
  it("holds all positions in order, before and behind the borders of its blocks", () => {
    // One position at a time after 5: the recent block is full at 5 + 32 and at 5 + 64.
    for (const length of [5, 6, 7, 8, 36, 37, 38, 39, 68, 69, 70, 71, 110]) {
      const cache = filled(length);
      assert.equal(cache.length, length);
      for (const layer of [0, 1]) {
        const { keys, values } = held(cache, layer);
        assert.deepEqual(keys, numbers(block(0, length, { offset: layer / 2 })));
        assert.deepEqual(values, numbers(block(0, length, { offset: layer / 2 + 0.125 })));
      }
      cache.dispose();
    }
  });

  it("copies a recent block only: a long one is left alone for 32 positions", () => {
    const cache = filled(7);
    let [long, changes] = [cache.blocks(0)[0].keys.id, 0];
    for (let at = 7; at < 7 + 64; at++) {
      cache.append(0, { keys: block(at, 1), values: block(at, 1) });
      assert.ok(cache.blocks(0).length <= 2);
      const now = cache.blocks(0)[0].keys.id;
      if (now !== long) changes++;
      long = now;
    }
    assert.equal(changes, 2);
    cache.dispose();
  });

  it("keeps the rows asked for, in the order asked, also one row twice", () => {
    for (const length of [5, 6, 37, 50]) {
      for (const rows of [[2, 0], [1], [0, 0, 1, 2, 2]]) {
        const cache = filled(length);
        cache.select(rows);
        assert.equal(cache.length, length);
        const picked = tf.gather(block(0, length, { offset: 0.5 }), tf.tensor1d(rows, "int32"));
        assert.deepEqual(held(cache, 1).keys, numbers(picked));
        cache.dispose();
      }
    }
  });

  it("is empty before the first position and after its end, and frees what it held", () => {
    const before = tf.memory().numTensors;
    const cache = filled(80);
    cache.select([1, 0]);
    assert.ok(tf.memory().numTensors > before);
    cache.dispose();
    assert.equal(tf.memory().numTensors, before);
    assert.equal(cache.length, 0);
    assert.deepEqual(cache.blocks(3), []);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  attention,
  decodeAttention,
  groupRotary,
  type KeysValues,
  type Rotary,
} from "../lib/tensor/mod.ts";
import { assertClose, numbers } from "./numbers.ts";
import { assertGradients } from "./tensor_gradient.ts";
import { randoms } from "./tiny.ts";

const rng = Rng.named(4, "attention");
const [B, T, H, K, D] = [2, 3, 4, 2, 4];

/** Tables of any angles, one for all rows of the batch or one each. */
function rotary(rows: number): Rotary {
  const angles = tf.tensor(randoms(rows * T * D / 2, { rng, low: 0, high: 6 }), [
    rows,
    1,
    T,
    D / 2,
  ]);
  const [cos, sin] = [tf.cos(angles), tf.sin(angles)];
  return {
    cos: tf.concat([cos, cos], 3) as tf.Tensor4D,
    sin: tf.concat([tf.neg(sin), sin], 3) as tf.Tensor4D,
  };
}

/** A causal mask; in each row but the first, the first position is hidden from the later ones. */
function mask(rows: number): tf.Tensor4D {
  const values = new Float32Array(rows * T * T);
  for (let b = 0; b < rows; b++) {
    for (let t = 0; t < T; t++) {
      for (let s = 0; s < T; s++) {
        if (s > t || (b > 0 && s === 0 && t > 0)) values[(b * T + t) * T + s] = -1e9;
      }
    }
  }
  return tf.tensor4d(values, [rows, 1, T, T]);
}

const shapes = (kvHeads: number) => [[B * T, H * D], [B * T, kvHeads * D], [B * T, kvHeads * D]];
const three = (inputs: tf.Tensor[]) => inputs as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** Attention of B sequences on so many key heads, with tables and a mask for all rows or for each. */
const settings = (kvHeads: number, rows: number) => ({
  batch: B,
  heads: H,
  kvHeads,
  rotary: rotary(rows),
  mask: mask(rows),
});

describe("the gradient of attention, by finite differences", () => {
  const cases: [string, kvHeads: number, rows: number][] = [
    ["one key head for all", 1, 1],
    ["two query heads on a key head", 2, 1],
    ["a key head each", 4, 1],
    ["positions and a mask of each row's own", K, B],
  ];
  for (const [what, kvHeads, rows] of cases) {
    it(`with ${what}`, () => {
      const given = settings(kvHeads, rows);
      assertGradients(
        (inputs, tape) => attention(three(inputs), { ...given, tape }),
        shapes(kvHeads),
      );
    });
  }
});

describe("attention", () => {
  const inputs = (length: number) =>
    [H, K, K].map((heads) =>
      tf.tensor2d(randoms(B * length * heads * D, { rng }), [B * length, heads * D])
    );

  it("is the textbook formula, head by head", () => {
    const [q, k, v] = inputs(T).map((x) => x.arraySync() as number[][]);
    const given = settings(K, B);
    const [cos, sin, m] = [given.rotary.cos, given.rotary.sin, given.mask].map((x) =>
      x.arraySync() as number[][][][]
    );
    const found = attention(three([q, k, v].map((x) => tf.tensor2d(x))), given)
      .arraySync() as number[][];

    /** Numbers of one head at one position, turned by that position's angles. */
    const turned = (x: number[][], [b, t, head]: number[]) => {
      const u = x[b * T + t].slice(head * D, (head + 1) * D);
      return u.map((value, i) => {
        const j = i % (D / 2);
        const [c, s] = [cos[b][0][t][j], sin[b][0][t][D / 2 + j]];
        return i < D / 2 ? value * c - u[i + D / 2] * s : value * c + u[i - D / 2] * s;
      });
    };
    let largest = 0;
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        const group = Math.floor(h / (H / K));
        for (let t = 0; t < T; t++) {
          const scores = Array.from({ length: T }, (_, s) => {
            const [a, c] = [turned(q, [b, t, h]), turned(k, [b, s, group])];
            return a.reduce((sum, x, i) => sum + x * c[i], 0) / Math.sqrt(D) + m[b][0][t][s];
          });
          const exp = scores.map((x) => Math.exp(x - Math.max(...scores)));
          const total = exp.reduce((a, x) => a + x, 0);
          for (let i = 0; i < D; i++) {
            const expected = exp.reduce(
              (sum, e, s) => sum + e / total * v[b * T + s][group * D + i],
              0,
            );
            largest = Math.max(largest, Math.abs(expected - found[b * T + t][h * D + i]));
          }
        }
      }
    }
    assert.ok(largest < 1e-5, `largest difference ${largest}`);
  });

  it("gives the last position the same when it comes alone, behind cached ones", () => {
    for (const kvHeads of [1, 2, 4]) {
      const G = H / kvHeads;
      const [q, k, v] = [H, kvHeads, kvHeads].map((heads) =>
        tf.tensor(randoms(B * T * heads * D, { rng }), [B, T, heads * D])
      );
      const given = settings(kvHeads, B);
      const { rotary: tables, mask: hidden } = given;
      let cached: KeysValues | undefined;
      const whole = attention(three([q, k, v].map((x) => tf.reshape(x, [B * T, -1]))), {
        ...given,
        onKeysValues: (block) => cached = block,
      });
      /** The last position of something that has all of them on `axis`. */
      const last = (x: tf.Tensor, axis: number) =>
        tf.slice(
          x,
          x.shape.map((_, i) => i === axis ? T - 1 : 0),
          x.shape.map((_, i) => i === axis ? 1 : -1),
        );
      const groups = tf.concat(
        [[q, G], [k, 1], [v, 1]].map(([x, n]) =>
          tf.reshape(last(x as tf.Tensor, 1), [B, kvHeads, n as number, D])
        ),
        2,
      );
      const flat = (x: tf.Tensor) => numbers(last(x, 2));
      const found = decodeAttention(tf.reshape(groups, [B, -1]), {
        batch: B,
        kvHeads,
        headDim: D,
        rotary: groupRotary(
          { cos: flat(tables.cos), sin: flat(tables.sin) },
          { groupHeads: G, headDim: D },
        ),
        mask: last(hidden, 2) as tf.Tensor4D,
        write: (block) => {
          const { keys, values } = cached!; // the last column is what decoding has to make
          assertClose(numbers(block.keys), numbers(last(keys, 2)), { within: 1e-6 });
          assertClose(numbers(block.values), numbers(last(values, 2)), { within: 1e-6 });
          const before = (x: tf.Tensor4D) => tf.slice(x, 0, [-1, -1, T - 1, -1]);
          return {
            keys: tf.concat([before(keys), block.keys], 2),
            values: tf.concat([before(values), block.values], 2),
          };
        },
      });
      const expected = last(tf.reshape(whole, [B, T, -1]), 1);
      assertClose(numbers(found), numbers(expected), {
        within: 1e-6,
        what: `${kvHeads} key heads`,
      });
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/random.ts";
import { attention, type PastBlock, type Rotary } from "../lib/tensor/mod.ts";
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

describe("the gradient of attention, by finite differences", () => {
  for (const kvHeads of [1, 2, 4]) {
    it(`${H} query heads on ${kvHeads} key heads, rotary, causal mask`, () => {
      const [tables, hidden] = [rotary(1), mask(1)];
      assertGradients(
        (inputs, tape) =>
          attention(three(inputs), {
            batch: B,
            heads: H,
            kvHeads,
            rotary: tables,
            mask: hidden,
            tape,
          }),
        shapes(kvHeads),
      );
    });
  }

  it("with positions and a mask of each row's own", () => {
    const [tables, hidden] = [rotary(B), mask(B)];
    assertGradients(
      (inputs, tape) =>
        attention(three(inputs), {
          batch: B,
          heads: H,
          kvHeads: K,
          rotary: tables,
          mask: hidden,
          tape,
        }),
      shapes(K),
    );
  });
});

describe("attention", () => {
  const inputs = (length: number) =>
    [H, K, K].map((heads) =>
      tf.tensor2d(randoms(B * length * heads * D, { rng }), [B * length, heads * D])
    );

  it("is the textbook formula, head by head", () => {
    const [q, k, v] = inputs(T).map((x) => x.arraySync() as number[][]);
    const [tables, hidden] = [rotary(B), mask(B)];
    const [cos, sin, m] = [tables.cos, tables.sin, hidden].map((x) =>
      x.arraySync() as number[][][][]
    );
    const found = attention(three([q, k, v].map((x) => tf.tensor2d(x))), {
      batch: B,
      heads: H,
      kvHeads: K,
      rotary: tables,
      mask: hidden,
    }).arraySync() as number[][];

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

  it("gives the last position the same with the earlier ones cached, in one block or two", () => {
    const [q, k, v] = inputs(T);
    const tables = rotary(1);
    const options = { batch: B, heads: H, kvHeads: K };
    const whole = attention(three([q, k, v]), { ...options, rotary: tables, mask: mask(1) });
    /** Positions [from, from + n) of x and of the tables. */
    const part = (x: tf.Tensor, [from, n]: number[]) =>
      tf.reshape(tf.slice(tf.reshape(x, [B, T, -1]), [0, from, 0], [-1, n, -1]), [B * n, -1]);
    const at = ([from, n]: number[]): Rotary => ({
      cos: tf.slice(tables.cos, [0, 0, from, 0], [-1, -1, n, -1]) as tf.Tensor4D,
      sin: tf.slice(tables.sin, [0, 0, from, 0], [-1, -1, n, -1]) as tf.Tensor4D,
    });
    const expected = numbers(part(whole, [T - 1, 1]));
    for (const cuts of [[[0, 2], [2, 1]], [[0, 1], [1, 1], [2, 1]]]) {
      const past: PastBlock[] = [];
      let last: tf.Tensor | undefined;
      for (const cut of cuts) {
        const length = cut[1];
        const causal = length === 1 ? null : tf.slice(mask(1), [0, 0, 0, 0], [1, 1, 2, 2]);
        last = attention(three([q, k, v].map((x) => part(x, cut))), {
          ...options,
          rotary: at(cut),
          mask: causal as tf.Tensor4D | null,
          past: [...past],
          onKeysValues: (block) => past.push(block),
        });
      }
      assert.deepEqual(past.map(({ keys }) => keys.shape[2]), cuts.map(([, n]) => n));
      assertClose(numbers(last!), expected, { within: 1e-6 });
    }
  });
});

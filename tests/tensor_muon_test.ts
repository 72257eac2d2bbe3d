import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  isHiddenMatrix,
  Muon,
  MUON_DEFAULTS,
  type MuonConfig,
  type NamedShape,
  optimizerFor,
  orthogonal,
} from "../lib/tensor/mod.ts";
import { assertClose, difference, numbers } from "./numbers.ts";
import { readMuon } from "./reference/muon.ts";
import { randoms } from "./tiny.ts";

const reference = await readMuon();
const NAMED: NamedShape[] = Object.entries(reference.shapes)
  .map(([name, shape]) => ({ name, shape }));
const HIDDEN = NAMED.flatMap(({ name }, i) => name.includes("proj") ? [i] : []);

const tensorsOf = (values: Record<string, number[]>) =>
  NAMED.map(({ name, shape }) => tf.tensor(values[name], [...shape]));
const flat = (tensors: readonly tf.Tensor[]) => tensors.flatMap((t) => [...numbers(t)]);
const expectedOf = (values: Record<string, number[]>) => NAMED.flatMap(({ name }) => values[name]);

/** Steps of the reference's gradients; frees what it replaces. */
function run(optimizer: Muon, parameters: tf.Tensor[], steps: [number, number], rate = 0.01) {
  const norms: number[] = [];
  for (const step of reference.gradients.slice(...steps)) {
    const gradients = tensorsOf(step);
    const { updated, norm } = optimizer.step(parameters, gradients, rate);
    norms.push(numbers(norm, { free: true })[0]);
    tf.dispose([...parameters, ...gradients]);
    parameters = updated;
  }
  return { parameters, norms };
}

/** x -> a x + b x^3 + c x^5, five times. */
function quintic(x: number): number {
  for (let round = 0; round < 5; round++) x = 3.4445 * x - 4.775 * x ** 3 + 2.0315 * x ** 5;
  return x;
}

/** (rows, k) with orthonormal columns. */
function orthonormal(rows: number, k: number, name: string): tf.Tensor2D {
  return tf.tidy(() => {
    const random = randoms(rows * k, { rng: Rng.named(3, name) });
    return tf.linalg.qr(tf.tensor2d(random, [rows, k]))[0] as tf.Tensor2D;
  });
}

describe("Muon", () => {
  for (const expected of reference.cases) {
    const config: MuonConfig = {
      momentum: 0.95,
      weightDecay: expected.weight_decay,
      clipNorm: expected.clip_norm,
      adamw: {
        beta1: reference.betas[0],
        beta2: reference.betas[1],
        eps: reference.eps,
        weightDecay: expected.weight_decay,
      },
      adamwRate: expected.adamw_rate,
    };
    it(`moves as torch's Muon and AdamW do, with weight decay ${expected.weight_decay}`, () => {
      const optimizer = new Muon(NAMED, config);
      const start = tensorsOf(reference.start);
      const { parameters, norms } = run(optimizer, start, [0, 4], expected.rate);
      assertClose(flat(parameters), expectedOf(expected.after), { within: 2e-6 });
      assertClose(norms, expected.norms, { within: 1e-5, what: "norms" });
      // torch rounds the iteration to bfloat16: an update, of size 1, is off by up to some percent.
      const percent = expected.rate * 0.5 * 4 * 0.05;
      const rounded = difference(flat(parameters), expectedOf(expected.after_in_bfloat16));
      assert.ok(rounded > 1e-5 && rounded < percent, `${rounded} of ${percent}`);
      optimizer.dispose();
      tf.dispose(parameters);
    });
  }

  it("is for matrices inside the layers, the adapter's too, not for embedding, heads and norms", () => {
    const names = NAMED.filter(isHiddenMatrix).map(({ name }) => name);
    assert.deepEqual(names, HIDDEN.map((i) => NAMED[i].name));
    const lora = { name: "model.layers.3.self_attn.q_proj.lora_A.weight", shape: [4, 64] };
    assert.ok(isHiddenMatrix(lora));
    assert.ok(!isHiddenMatrix({ name: "model.layers.3.self_attn.q_proj.bias", shape: [64] }));
    for (const name of ["embed_tokens.weight", "score.weight", "grade.weight"]) {
      assert.ok(!isHiddenMatrix({ name, shape: [9, 4] }), name);
    }
  });

  it("leaves the matrix of a zero gradient where it is, but for the decay", () => {
    for (const weightDecay of [0, 0.5]) {
      const optimizer = new Muon(NAMED, {
        ...MUON_DEFAULTS,
        weightDecay,
        adamw: { ...MUON_DEFAULTS.adamw, weightDecay },
      });
      const [start, zeros] = [tensorsOf(reference.start), NAMED.map((p) => tf.zeros([...p.shape]))];
      const { updated, norm } = optimizer.step(start, zeros, 0.1);
      assert.equal(numbers(norm, { free: true })[0], 0);
      const expected = flat(start).map((x) => x * (1 - 0.1 * weightDecay));
      assertClose(flat(updated), expected, { within: weightDecay ? 1e-6 : 0 });
      optimizer.dispose();
      tf.dispose([...start, ...zeros, ...updated]);
    }
  });

  it("works where all parameters are matrices, and where none is", async () => {
    for (const hidden of [true, false]) {
      const some = NAMED.flatMap((p, i) => isHiddenMatrix(p) === hidden ? [i] : []);
      const optimizer = optimizerFor(some.map((i) => NAMED[i]), { kind: "muon", ...MUON_DEFAULTS });
      const pick = (values: Record<string, number[]>) => {
        const all = tensorsOf(values);
        return some.map((i) => all[i]);
      };
      const start = pick(reference.start);
      const { updated } = optimizer.step(start, pick(reference.gradients[1]), 0.1);
      updated.forEach((u, i) => assert.ok(difference(numbers(u), numbers(start[i])) > 1e-3));
      optimizer.restore(await optimizer.state());
      const again = optimizer.step(updated, pick(reference.gradients[2]), 0.1).updated;
      assert.ok(flat(again).every(Number.isFinite));
      optimizer.dispose();
    }
  });

  it("continues exactly from a saved state, with a fresh optimiser too", async () => {
    const config = { ...MUON_DEFAULTS, weightDecay: 0.1 };
    const optimizer = new Muon(NAMED, config);
    const half = run(optimizer, tensorsOf(reference.start), [0, 2]).parameters;
    const state = await optimizer.state();
    const values = half.map((p) => numbers(p).slice());
    const unbroken = run(optimizer, half, [2, 4]).parameters.map((p) => numbers(p));
    const sizes = Object.entries(state.moments).map(([name, { length }]) => [name, length]);
    assert.deepEqual(Object.fromEntries(sizes), optimizer.momentSizes);
    assert.deepEqual(optimizer.momentSizes, {
      "m": 60,
      "v": 60,
      "momentum.4x4": 32,
      "momentum.6x4": 24,
      "momentum.4x6": 24,
    });
    for (const again of [new Muon(NAMED, config), optimizer]) {
      again.restore(state);
      const from = values.map((v, i) => tf.tensor(v, [...NAMED[i].shape]));
      const resumed = run(again, from, [2, 4]).parameters;
      resumed.forEach((p, i) => assert.deepEqual(numbers(p), unbroken[i]));
    }
  });

  it("leaves parameters and gradients alone, and no tensor behind", async () => {
    const before = tf.memory().numTensors;
    const optimizer = new Muon(NAMED);
    const [start, gradients] = [tensorsOf(reference.start), tensorsOf(reference.gradients[0])];
    const values = [flat(start), flat(gradients)];
    const step = optimizer.step(start, gradients, 0.1);
    assert.deepEqual([flat(start), flat(gradients)], values);
    tf.dispose([...start, ...gradients, ...step.updated, step.norm]);
    optimizer.restore(await optimizer.state());
    optimizer.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

describe("the orthogonal update", () => {
  for (const [rows, columns] of [[8, 8], [5, 12], [12, 5]]) {
    it(`keeps the singular vectors of ${rows} x ${columns} and brings the values near 1`, () => {
      const k = Math.min(rows, columns);
      const [u, v] = [orthonormal(rows, k, "u"), orthonormal(columns, k, "v")];
      const sizes = Array.from({ length: k }, (_, i) => 0.7 ** i);
      const norm = Math.sqrt(sizes.reduce((sum, s) => sum + s * s, 0));
      const near = sizes.map((s) => quintic(s / norm));
      assert.ok(near.every((s) => s > 0.68 && s < 1.14), `${near}`);
      const matrix = (values: number[]) => tf.matMul(tf.mul(u, values), v, false, true);
      // Each matrix of a stack has its own norm.
      const stack = tf.stack([1e-4, 1, 1e4].map((size) => tf.mul(matrix(sizes), size)));
      const expected = [...numbers(matrix(near))];
      const found = orthogonal(stack as tf.Tensor3D);
      assertClose(numbers(found), [...expected, ...expected, ...expected], { within: 1e-5 });
      const halved = orthogonal(stack as tf.Tensor3D, { scale: 0.5 });
      assertClose(numbers(halved), numbers(found).map((x) => x / 2), { within: 1e-6 });
    });
  }

  it("of an orthogonal matrix is that matrix, up to a factor near 1", () => {
    const q = orthonormal(9, 9, "q");
    const factor = quintic(1 / 3);
    assert.ok(Math.abs(factor - 1) < 0.32, `${factor}`);
    const found = orthogonal(tf.expandDims(tf.mul(q, 7), 0) as tf.Tensor3D);
    assertClose(numbers(found), numbers(q).map((x) => x * factor), { within: 1e-5 });
  });

  it("of zeros is zeros", () => {
    assert.deepEqual([...numbers(orthogonal(tf.zeros([2, 2, 3])))], Array(12).fill(0));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { AdamW, ADAMW_DEFAULTS, type AdamWConfig } from "../lib/tensor/mod.ts";
import { assertClose, numbers } from "./numbers.ts";
import { randoms } from "./tiny.ts";

const SHAPES = [[2, 3], [4], [1, 1]];
const SIZE = 11;

/** Gradients of step `n`, from small to large. */
function gradientAt(n: number): Float32Array {
  const scale = 10 ** (n % 4 - 2);
  return randoms(SIZE, { rng: Rng.named(n, "g"), low: -scale, high: scale });
}

/** Parts of a flat array as tensors of SHAPES. */
function tensors(flat: Float32Array): tf.Tensor[] {
  let start = 0;
  return SHAPES.map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(flat.slice(start, start += size), shape);
  });
}

/** Steps of the optimiser under test; frees what it replaces. */
function run(optimizer: AdamW, parameters: tf.Tensor[], [from, to]: [number, number]) {
  const norms: number[] = [];
  for (let n = from; n < to; n++) {
    const gradients = tensors(gradientAt(n));
    const { updated, norm } = optimizer.step(parameters, gradients, 0.01 * (n + 1));
    norms.push(numbers(norm, { free: true })[0]);
    tf.dispose([...parameters, ...gradients]);
    parameters = updated;
  }
  return { parameters, norms };
}

/** torch.optim.AdamW after torch.nn.utils.clip_grad_norm_, number by number, in double precision. */
function byHand(theta: number[], steps: number, config: AdamWConfig) {
  const { beta1, beta2, eps, weightDecay, clipNorm } = config;
  const [m, v] = [theta.map(() => 0), theta.map(() => 0)];
  const norms: number[] = [];
  for (let n = 0; n < steps; n++) {
    const rate = 0.01 * (n + 1);
    let g = [...gradientAt(n)];
    const norm = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0));
    norms.push(norm);
    if (clipNorm > 0 && norm > clipNorm) g = g.map((x) => x * clipNorm / (norm + 1e-6));
    theta = theta.map((x, i) => {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
      const [mean, square] = [m[i] / (1 - beta1 ** (n + 1)), v[i] / (1 - beta2 ** (n + 1))];
      return x - rate * weightDecay * x - rate * mean / (Math.sqrt(square) + eps);
    });
  }
  return { theta, norms };
}

describe("AdamW", () => {
  const start = randoms(SIZE, { rng: Rng.named(1, "start") });
  const settings: Record<string, Partial<AdamWConfig>> = {
    "with its defaults": {},
    "without clipping": { clipNorm: 0 },
    "with weight decay, other betas and a large epsilon": {
      weightDecay: 0.3,
      beta1: 0.8,
      beta2: 0.95,
      eps: 0.1,
      clipNorm: 0.5,
    },
  };
  for (const [name, setting] of Object.entries(settings)) {
    it(`does what its formula says, ${name}`, () => {
      const config = { ...ADAMW_DEFAULTS, ...setting };
      const optimizer = new AdamW(SIZE, config);
      const { parameters, norms } = run(optimizer, tensors(start), [0, 12]);
      const expected = byHand([...start], 12, config);
      assert.deepEqual(parameters.map(({ shape }) => shape), SHAPES);
      const found = parameters.flatMap((p) => [...numbers(p)]);
      assertClose(found, expected.theta, { within: 2e-6 });
      assertClose(norms, expected.norms, { within: 1e-5 });
      assert.ok(expected.norms.some((x) => x > 1) && expected.norms.some((x) => x < 0.5));
    });
  }

  it("continues exactly from a saved state, with a fresh optimiser too", async () => {
    const config = { ...ADAMW_DEFAULTS, weightDecay: 0.1 };
    const optimizer = new AdamW(SIZE, config);
    const half = run(optimizer, tensors(start), [0, 5]).parameters;
    const state = await optimizer.state();
    const values = half.map((p) => numbers(p).slice());
    const unbroken = run(optimizer, half, [5, 9]).parameters.map((p) => numbers(p));
    assert.equal(state.step, 5);
    assert.deepEqual([state.moments.m.length, state.moments.v.length], [SIZE, SIZE]);
    for (const again of [new AdamW(SIZE, config), optimizer]) {
      again.restore(state);
      const resumed = run(again, values.map((v, i) => tf.tensor(v, SHAPES[i])), [5, 9]).parameters;
      resumed.forEach((p, i) => assert.deepEqual(numbers(p), unbroken[i]));
    }
  });

  it("does the same in groups as over all parameters at once, and resumes with other groups", async () => {
    for (const clipNorm of [0, 0.5]) {
      const config = { ...ADAMW_DEFAULTS, weightDecay: 0.1, clipNorm };
      const whole = run(new AdamW(SIZE, config), tensors(start), [0, 9]);
      const flat = (parameters: tf.Tensor[]) => parameters.flatMap((p) => [...numbers(p)]);
      for (const group of [1, 5, 10]) {
        const optimizer = new AdamW(SIZE, config, { group });
        const half = run(optimizer, tensors(start), [0, 4]).parameters;
        const state = await optimizer.state();
        const again = new AdamW(SIZE, config, { group: 7 });
        again.restore(state);
        assert.deepEqual(await again.state(), state);
        const { parameters } = run(again, half, [4, 9]);
        assertClose(flat(parameters), flat(whole.parameters), { within: clipNorm ? 1e-6 : 0 });
      }
    }
  });

  it("frees parameters and gradients as it goes where it may", () => {
    for (const group of [5, 100]) {
      const optimizer = new AdamW(SIZE, ADAMW_DEFAULTS, { group });
      const [parameters, gradients] = [tensors(start), tensors(gradientAt(0))];
      const { updated } = optimizer.step(parameters, gradients, 0.1, { free: true });
      assert.ok([...parameters, ...gradients].every((tensor) => tensor.isDisposed));
      const kept = new AdamW(SIZE).step(tensors(start), tensors(gradientAt(0)), 0.1).updated;
      updated.forEach((p, i) => assertClose(numbers(p), numbers(kept[i]), { within: 1e-7 }));
    }
  });

  it("leaves parameters and gradients alone, and no tensor behind", async () => {
    const before = tf.memory().numTensors;
    const optimizer = new AdamW(SIZE);
    const [parameters, gradients] = [tensors(start), tensors(gradientAt(0))];
    const step = optimizer.step(parameters, gradients, 0.1);
    assert.deepEqual(parameters.flatMap((p) => [...numbers(p)]), [...start]);
    assert.deepEqual(gradients.flatMap((g) => [...numbers(g)]), [...gradientAt(0)]);
    tf.dispose([...parameters, ...gradients, ...step.updated, step.norm]);
    optimizer.restore(await optimizer.state());
    optimizer.dispose();
    assert.equal(tf.memory().numTensors, before);
  });
});

import * as tf from "@tensorflow/tfjs";
import { matmul } from "./kernels.ts";

/** How fast a machine is at what training and sampling consist of. */
export interface Machine {
  /** Floating-point operations of a large float32 product, per second. */
  readonly flops: number;
  /** Bytes that an elementwise op reads and writes, per second. */
  readonly bandwidth: number;
}

/** Rows of the square product, by device: long enough to time, short enough to wait for. */
const SIZE = 1024;
/** Numbers of the vector that is added to itself: 128 MiB, beyond every cache. */
const NUMBERS = 2 ** 25;

/**
 * Measures this machine on its engine in about a second: the best of some products and sums.
 *
 * @example
 * ```ts
 * import { measureMachine } from "./machine.ts";
 * import { startEngine } from "./backend.ts";
 * await startEngine();
 * const { flops } = await measureMachine();
 * flops > 1e9; // true: 60e9 to 260e9 on two CPU cores
 * ```
 */
export async function measureMachine({ size = SIZE, numbers = NUMBERS } = {}): Promise<Machine> {
  const a = tf.randomUniform<tf.Rank.R2>([size, size]);
  const x = tf.fill([numbers], 0.5);
  try {
    const product = await fastest(() => matmul(a, a));
    const sum = await fastest(() => tf.add(x, x));
    return { flops: 2 * size ** 3 / product, bandwidth: 3 * 4 * numbers / sum };
  } finally {
    tf.dispose([a, x]);
  }
}

/** Seconds of the quickest of a few calls; one number is read back, which waits for the device. */
async function fastest(work: () => tf.Tensor): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < 6; i++) {
    const started = performance.now();
    const one = tf.tidy(() => {
      const made = work();
      return tf.slice(tf.reshape(made, [made.size]), 0, 1);
    });
    await one.data();
    one.dispose();
    best = Math.min(best, (performance.now() - started) / 1000);
  }
  return best;
}

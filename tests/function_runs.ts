import * as tf from "@tensorflow/tfjs";

/** Runs of a TensorFlow function while `work` runs. */
export async function functionRuns(work: () => Promise<unknown>): Promise<number> {
  const { binding } = tf.backend() as unknown as {
    binding: { runFunction(...args: unknown[]): void };
  };
  const { runFunction } = binding;
  let runs = 0;
  binding.runFunction = (...args) => {
    runs++;
    runFunction(...args);
  };
  try {
    await work();
  } finally {
    binding.runFunction = runFunction;
  }
  return runs;
}

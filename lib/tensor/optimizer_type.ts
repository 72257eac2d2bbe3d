import type * as tf from "@tensorflow/tfjs";

/** What an optimiser needs to continue after a restart: its count of steps and its moments, by name. */
export interface OptimizerState {
  readonly step: number;
  readonly moments: Readonly<Record<string, Float32Array>>;
}

/** A rule that turns gradients into new values. */
export interface Optimizer {
  /**
   * One update.
   *
   * @param parameters Current values, in a fixed order.
   * @param gradients One per parameter, of the same shapes.
   * @param options.free Whether parameters and gradients may be freed as the step is done with them, so that old and
   *   new do not fill memory together. @default false, they are left as they are
   * @returns the new values, owned by the caller, and the gradient norm before clipping, a scalar
   */
  step(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
    options?: { free?: boolean },
  ): { updated: tf.Tensor[]; norm: tf.Scalar };
  /** The moments that a saved state must have, and how many numbers each has. */
  readonly momentSizes: Readonly<Record<string, number>>;
  /** A copy of the state on the host. */
  state(): Promise<OptimizerState>;
  /** Continue from a saved state, which has the moments of {@linkcode momentSizes}. */
  restore(state: OptimizerState): void;
  dispose(): void;
}

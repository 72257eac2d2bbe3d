import type * as tf from "@tensorflow/tfjs";
import { AdamW, type AdamWConfig } from "./adamw.ts";
import { Muon, type MuonConfig, type NamedShape } from "./muon.ts";

/** What an optimiser needs to go on after a restart: its count of steps and its moments, by name. */
export interface OptimizerState {
  readonly step: number;
  readonly moments: Readonly<Record<string, Float32Array>>;
}

/** A rule that turns gradients into new values. */
export interface Optimizer {
  /**
   * One update.
   *
   * @param parameters Current values, in a fixed order; they are left as they are.
   * @param gradients One per parameter, of the same shapes.
   * @returns the new values, owned by the caller, and the gradient norm before clipping, a scalar
   */
  step(
    parameters: readonly tf.Tensor[],
    gradients: readonly tf.Tensor[],
    learningRate: number,
  ): { updated: tf.Tensor[]; norm: tf.Scalar };
  /** The moments that a saved state must have, and how many numbers each has. */
  readonly momentSizes: Readonly<Record<string, number>>;
  /** A copy of the state on the host. */
  state(): Promise<OptimizerState>;
  /** Continue from a saved state, which has the moments of {@linkcode momentSizes}. */
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** Which optimiser, with its settings. */
export type OptimizerConfig =
  | { readonly kind: "adamw" } & AdamWConfig
  | { readonly kind: "muon" } & MuonConfig;

/**
 * An optimiser for parameters of these names and shapes, in this order.
 *
 * @example
 * ```ts
 * const weight = { name: "model.layers.0.mlp.up_proj.weight", shape: [8, 4] };
 * const optimizer = optimizerFor([weight], { kind: "muon", ...MUON_DEFAULTS, weightDecay: 0.01 });
 * const { updated, norm } = optimizer.step([w], [gradient], 1e-3);
 * ```
 */
export function optimizerFor(
  parameters: readonly NamedShape[],
  config: OptimizerConfig,
): Optimizer {
  if (config.kind === "muon") return new Muon(parameters, config);
  const sizes = parameters.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  return new AdamW(sizes.reduce((a, b) => a + b, 0), config);
}

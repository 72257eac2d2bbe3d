import { AdamW, type AdamWConfig } from "./adamw.ts";
import type { Optimizer } from "./optimizer_type.ts";
import { Muon, type MuonConfig, type NamedShape } from "./muon.ts";

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

import { contextLength, type ModelConfig } from "./config.ts";

/** What turns positions into rotary angles. */
export interface RopeFrequencies {
  /** Angle per position of each pair of dimensions: `headDim / 2` values, in radians. */
  readonly invFreq: Float32Array;
  /** What cosines and sines are multiplied by (YaRN and LongRoPE; else 1). */
  readonly attentionScale: number;
}

/**
 * Rotary frequencies with the scaling of the config, as `transformers` computes them
 * (`modeling_rope_utils.py`). Unscaled, frequency i is `theta^(-2i / headDim)`; RoFormer, eq. 15,
 * https://arxiv.org/abs/2104.09864.
 *
 * - linear: all frequencies divided by `factor` (https://arxiv.org/abs/2306.15595).
 * - dynamic: a larger base once `length` exceeds the length the model was made for.
 * - llama3: long waves divided by `factor`, short waves kept, the middle blended.
 * - yarn: a ramp between both over the dimensions (https://arxiv.org/abs/2309.00071).
 * - longrope: one divisor per frequency (https://arxiv.org/abs/2402.13753).
 *
 * @param config The model's config.
 * @param length The sequence length in tokens that "dynamic" and "longrope" depend on. Without it, the model's
 *   own context for "dynamic", and short sequences for "longrope".
 *
 * @example
 * ```ts
 * import { parseConfig } from "./config.ts";
 * import { ropeFrequencies } from "./rope_frequencies.ts";
 * const config = parseConfig({
 *   model_type: "llama", vocab_size: 99, hidden_size: 32, intermediate_size: 64,
 *   num_hidden_layers: 2, num_attention_heads: 4,
 * }, "config.json");
 * ropeFrequencies(config).invFreq; // 1, 0.1, 0.01, 0.001
 * ```
 */
export function ropeFrequencies(config: ModelConfig, length?: number): RopeFrequencies {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  const context = contextLength(config);
  const plain = (theta: number) =>
    Float32Array.from({ length: headDim / 2 }, (_, i) => theta ** (-2 * i / headDim));
  const invFreq = plain(ropeTheta);
  switch (scaling?.type) {
    case undefined:
      return { invFreq, attentionScale: 1 };
    case "linear":
      return { invFreq: invFreq.map((f) => f / scaling.factor), attentionScale: 1 };
    case "dynamic": {
      const ratio = Math.max(length ?? 0, context) / context;
      const stretch = scaling.factor * ratio - (scaling.factor - 1);
      return {
        invFreq: plain(ropeTheta * stretch ** (headDim / (headDim - 2))),
        attentionScale: 1,
      };
    }
    case "llama3": {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions } = scaling;
      return {
        invFreq: invFreq.map((f) => {
          const turns = originalMaxPositions * f / (2 * Math.PI); // within the original length
          const keep = Math.min(Math.max((turns - low) / (high - low), 0), 1);
          return (1 - keep) * f / factor + keep * f;
        }),
        attentionScale: 1,
      };
    }
    case "yarn": {
      const { factor, mscale, mscaleAllDim } = scaling;
      const scale = (m: number) => factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1;
      const inferred = mscale && mscaleAllDim ? scale(mscale) / scale(mscaleAllDim) : scale(1);
      /** The dimension with so many turns within the original length. */
      const dimension = (turns: number) =>
        headDim * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI)) /
        (2 * Math.log(ropeTheta));
      let low = dimension(scaling.betaFast);
      let high = dimension(scaling.betaSlow);
      if (scaling.truncate) [low, high] = [Math.floor(low), Math.ceil(high)];
      low = Math.max(low, 0);
      high = Math.min(high, headDim - 1);
      if (low === high) high += 0.001; // the ramp becomes a step, not a division by zero
      return {
        invFreq: invFreq.map((f, i) => {
          const ramp = Math.min(Math.max((i - low) / (high - low), 0), 1);
          return f / factor * ramp + f * (1 - ramp);
        }),
        attentionScale: scaling.attentionFactor ?? inferred,
      };
    }
    case "longrope": {
      const { originalMaxPositions: original } = scaling;
      const factor = scaling.factor ?? context / original;
      const divisors = (length ?? 0) > original ? scaling.longFactor : scaling.shortFactor;
      return {
        invFreq: invFreq.map((f, i) => f / divisors[i]),
        attentionScale: scaling.attentionFactor ??
          (factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original))),
      };
    }
  }
}

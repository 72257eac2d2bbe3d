import { LanguageModel, type ModelConfig } from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import { VOCABULARY } from "./words.ts";

/** The world's model: Llama family, 1.2 million parameters. */
export const BASE_CONFIG: ModelConfig = Object.freeze({
  family: "llama",
  vocabSize: VOCABULARY.length,
  hiddenSize: 128,
  intermediateSize: 352,
  layers: 6,
  heads: 4,
  kvHeads: 4,
  headDim: 32,
  maxPositions: 256,
  rmsEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  tieEmbeddings: true,
  biases: [],
  bosId: null,
  eosIds: [4],
  padId: 0,
});

/**
 * A model with fresh weights: normal with deviation 1 / sqrt(inputs), for layers that write to the
 * residual stream divided by sqrt(2 x layers), as GPT-2 does; norms at 1.
 */
export function freshModel(seed: number, config: ModelConfig = BASE_CONFIG): LanguageModel {
  return LanguageModel.build(config, (name, shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (name.includes("norm")) return new Float32Array(size).fill(1);
    const rng = Rng.named(seed, `weights/${name}`);
    const writes = /o_proj|down_proj/.test(name);
    const deviation = name.includes("embed")
      ? 0.05
      : 1 / Math.sqrt(shape[1] * (writes ? 2 * config.layers : 1));
    return Float32Array.from({ length: size }, () => deviation * normal(rng));
  });
}

/** A standard normal number (Box and Muller 1958). */
function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.uniform())) * Math.cos(2 * Math.PI * rng.uniform());
}

import type { ModelConfig } from "./config.ts";
import { ropeFrequencies } from "./rope_frequencies.ts";

/** Cosines and sines of rotary angles, row by row. */
export interface RopeTables {
  /** (positions, D): each cosine twice, once for each half of a head. */
  readonly cos: Float32Array;
  /** (positions, D): sines with the sign of the half they are for, (-sin, sin). */
  readonly sin: Float32Array;
}

/**
 * The rotary tables of some positions, scaled as the config asks.
 *
 * @param positions Positions in their sequences; the largest of them stands for the length that "dynamic" and
 *   "longrope" scaling depend on.
 * @see {@linkcode ropeFrequencies} for the sources.
 *
 * @example
 * ```ts
 * const { cos } = ropeTables(config, [0, 1]);
 * cos.length === 2 * config.headDim; // and the first headDim of them are 1
 * ```
 */
export function ropeTables(config: ModelConfig, positions: ArrayLike<number>): RopeTables {
  let longest = 0;
  for (let i = 0; i < positions.length; i++) longest = Math.max(longest, positions[i] + 1);
  const { invFreq, attentionScale } = ropeFrequencies(config, longest);
  const half = invFreq.length;
  const D = 2 * half;
  const cos = new Float32Array(positions.length * D);
  const sin = new Float32Array(positions.length * D);
  for (let i = 0; i < positions.length; i++) {
    for (let j = 0; j < half; j++) {
      const [low, high] = [i * D + j, i * D + half + j];
      const angle = positions[i] * invFreq[j];
      cos[low] = cos[high] = Math.cos(angle) * attentionScale;
      sin[high] = Math.sin(angle) * attentionScale;
      sin[low] = -sin[high];
    }
  }
  return { cos, sin };
}

import * as tf from "@tensorflow/tfjs";
import { type Batch, followingLogProbs, type LanguageModel, type Position } from "../model/mod.ts";
import type { Tape } from "../tensor/mod.ts";

/**
 * A part of a training batch that fits through the model at once. The gradients of a batch are the sum of
 * its parts' gradients: every part already carries its share of the batch's mean.
 */
export interface MicroBatch {
  readonly batch: Batch;
  /** Tokens run through the model, filling not counted. */
  readonly tokens: number;
  readonly objective: Objective;
}

/** How a part's output is recorded. */
export interface OutputOptions {
  readonly tape: Tape;
  /** Switches the adapter's dropout on and seeds its masks. */
  readonly dropoutSeed?: number;
}

/** What a part is trained on: a loss of M numbers that the model makes of it. */
export interface Objective {
  /** The M numbers, on the tape. */
  output(model: LanguageModel, batch: Batch, options: OutputOptions): tf.Tensor;
  /**
   * The loss's gradient with respect to the output, in its shape, and numbers for the log that add up over the parts
   * of a batch. The caller disposes of all of them.
   */
  gradient(output: tf.Tensor): { outputGradient: tf.Tensor; metrics: Record<string, tf.Scalar> };
}

/** A loss of the log-probabilities of some tokens of a part: all of supervised and preference training. */
export abstract class TokenObjective implements Objective {
  /** @param at Positions whose following token counts, M of them. */
  constructor(readonly at: readonly Position[]) {}

  output(model: LanguageModel, batch: Batch, options: OutputOptions): tf.Tensor1D {
    return followingLogProbs(model, batch, { at: this.at, ...options });
  }

  abstract gradient(logProbs: tf.Tensor1D): ReturnType<Objective["gradient"]>;
}

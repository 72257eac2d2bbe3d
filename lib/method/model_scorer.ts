import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { type LanguageModel, nextTokenProbabilities, type WithModel } from "../model/mod.ts";
import type { TokenScorer } from "./judge.ts";

/**
 * A language model as what a judge needs: under LoRA pass `withAdapterOff(model)`, and the judge is the same
 * weights with the adapter off.
 */
export function modelScorer(
  frozen: WithModel,
  { batchTokens = 2048 }: { batchTokens?: number } = {},
): TokenScorer {
  return {
    probabilities: (prompts, tokens) =>
      frozen((model) => nextTokenProbabilities(model, prompts, { tokens, batchTokens })),
  };
}

/**
 * Names a model by its weights, for a judgment cache: two numbers of every tensor, hashed. The adapter in
 * use is not part of it, as it is not part of a frozen judge.
 */
export async function modelFingerprint(model: LanguageModel): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, weight] of model.weights) {
    const sums = tf.tidy(() => tf.stack([tf.sum(weight), tf.sum(tf.square(weight))]));
    hash.update(name).update(new Uint8Array((await sums.data()).slice().buffer));
    sums.dispose();
  }
  return hash.digest("hex").slice(0, 16);
}

import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { widened } from "../tensor/mod.ts";
import type { LanguageModel } from "./language_model.ts";

/**
 * Names a model by its weights, for a judgment cache: two numbers of every tensor, hashed. The adapter in
 * use is not part of it, as it is not part of a judge with its adapter off.
 */
export async function modelFingerprint(model: Pick<LanguageModel, "weights">): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, weight] of model.weights) {
    const sums = tf.tidy(() => {
      const wide = widened(weight);
      return tf.stack([tf.sum(wide), tf.sum(tf.square(wide))]);
    });
    hash.update(name).update(new Uint8Array((await sums.data()).slice().buffer));
    sums.dispose();
  }
  return hash.digest("hex").slice(0, 16);
}

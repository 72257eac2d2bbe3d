import * as tf from "@tensorflow/tfjs";
import type { LanguageModel } from "./language_model.ts";

/** The parameters a training run may change, in a fixed order. */
export interface Trainable {
  readonly names: readonly string[];
  readonly size: number;
  /** Current values; they stay the model's. */
  tensors(): tf.Tensor[];
  /** New values in the same order; the model takes them over and frees the old ones. */
  replace(values: readonly tf.Tensor[]): void;
}

/** The adapter's matrices if the model has one (LoRA), else every weight (full fine-tuning). */
export function trainable(model: LanguageModel): Trainable {
  const store: Map<string, tf.Tensor> = model.adapter?.parameters ?? model.weights;
  const names = [...store.keys()];
  return {
    names,
    size: names.reduce((sum, name) => sum + store.get(name)!.size, 0),
    tensors: () => names.map((name) => store.get(name)!),
    replace(values) {
      names.forEach((name, i) => {
        store.get(name)!.dispose();
        store.set(name, tf.keep(values[i]));
      });
    },
  };
}

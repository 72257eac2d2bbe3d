import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { storedType } from "../tensor/mod.ts";
import type { LanguageModel } from "./language_model.ts";

/** The parameters a training run may change, in a fixed order. */
export interface Trainable {
  /** As in the store that holds each; the optimiser and checkpoints tell parameters apart by them. */
  readonly names: readonly string[];
  /** Scalars over all of them. */
  readonly size: number;
  /** Current values; they stay the store's. */
  tensors(): tf.Tensor[];
  /** New values in the same order; the stores take them over and free the old ones. */
  replace(values: readonly tf.Tensor[]): void;
}

/**
 * The adapter's matrices if the model has one (LoRA), else every weight (full fine-tuning), and beside them the
 * sets of parameters that are trained together with these: one optimiser moves all, one checkpoint holds all.
 *
 * @param options.also Parameters by name, each set in a store of its owner's; replaced there.
 * @throws {UserError} when two parameters have one name, or weights of two bytes a number would be trained
 *
 * @example
 * ```ts
 * const head = new Map([["score.weight", tf.keep(tf.zeros([1, model.config.hiddenSize]))]]);
 * const parameters = trainable(model, { also: [head] });
 * ```
 */
export function trainable(
  model: LanguageModel,
  { also = [] }: { also?: readonly Map<string, tf.Tensor>[] } = {},
): Trainable {
  if (!model.adapter) checkWide(model);
  const own: Map<string, tf.Tensor> = model.adapter?.parameters ?? model.weights;
  const places = [own, ...also].flatMap((store) =>
    [...store.keys()].map((name) => ({ store, name }))
  );
  const names = places.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UserError(`two parameters to train have the name "${twice}"`, "rename one of them");
  }
  const tensors = () => places.map(({ store, name }) => store.get(name)!);
  return {
    names,
    size: tensors().reduce((sum, { size }) => sum + size, 0),
    tensors,
    replace(values) {
      places.forEach(({ store, name }, i) => {
        store.get(name)!.dispose();
        store.set(name, tf.keep(values[i]));
      });
    },
  };
}

/** Steps of an optimiser are smaller than two bytes can tell. */
function checkWide({ weights }: LanguageModel): void {
  for (const [name, weight] of weights) {
    const type = storedType(weight);
    if (type === "float32") continue;
    throw new UserError(
      `the weight "${name}" is stored as ${type} and cannot be trained`,
      "store weights as float32 to train all of them, or train an adapter",
    );
  }
}

import * as tf from "@tensorflow/tfjs";
import { type MicroBatch, type Objective, TokenObjective } from "../../method/mod.ts";
import { type Position, rightPadded } from "../../model/mod.ts";
import type { Exercise } from "./exercises.ts";
import { VOCABULARY } from "./words.ts";

const IDS = new Map(VOCABULARY.map((word, id) => [word, id]));

/** Token ids of words of the world. */
export function idsOf(words: readonly string[]): number[] {
  return words.map((word) => {
    const id = IDS.get(word);
    if (id === undefined) throw new RangeError(`"${word}" is not a word of the world`);
    return id;
  });
}

/**
 * Exercises of one kind as a part of a training batch. The loss is the weighted mean over their words, times
 * `share`; the shares of a batch's parts should add up to 1.
 */
export function exerciseBatch(exercises: readonly Exercise[], share: number): MicroBatch {
  const at: Position[] = [];
  const weights: number[] = [];
  exercises.forEach((exercise, row) =>
    exercise.weights.forEach((weight, i) => {
      if (i === 0 || weight === 0) return;
      at.push({ row, column: i - 1 });
      weights.push(weight);
    })
  );
  const name = `${exercises[0].kind}Loss`;
  return {
    batch: rightPadded(exercises.map(({ words }) => idsOf(words)), 0),
    tokens: exercises.reduce((sum, { words }) => sum + words.length, 0),
    objective: new ExerciseObjective(at, weights, { name, share }),
  };
}

/** The weighted mean loss of words, times a share. */
class ExerciseObjective extends TokenObjective {
  constructor(
    at: readonly Position[],
    readonly weights: readonly number[],
    readonly options: { readonly name: string; readonly share: number },
  ) {
    super(at);
  }

  gradient(logProbs: tf.Tensor1D): ReturnType<Objective["gradient"]> {
    const { name, share } = this.options;
    const total = this.weights.reduce((a, b) => a + b, 0);
    return tf.tidy(() => {
      const outputGradient = tf.tensor1d(this.weights.map((weight) => -weight * share / total));
      const loss = tf.sum(tf.mul(logProbs, outputGradient)) as tf.Scalar;
      return { outputGradient, metrics: { loss, [name]: tf.div(loss, share) as tf.Scalar } };
    });
  }
}

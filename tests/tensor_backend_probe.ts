/** Prints what one training step of the tiny model comes to on the backend that SELF_JUDGE_BACKEND names. */
import * as tf from "@tensorflow/tfjs";
import {
  type Example,
  gradientsOf,
  preferenceBatches,
  supervisedBatches,
} from "../lib/method/mod.ts";
import { generate, trainable } from "../lib/model/mod.ts";
import { clipped, startEngine } from "../lib/tensor/mod.ts";
import { tinyModel } from "./tiny.ts";

const { backend } = await startEngine();
const model = tinyModel();
const parameters = trainable(model);
const example = (ids: number[]): Example => ({ kind: "answer", ids, from: 2 });
const [a, b] = [example([5, 6, 7, 8, 9]), example([5, 6, 10, 11])];
const layout = { batching: "packed", microBatchTokens: 64 } as const;
const parts = [
  ...supervisedBatches([a, b], { weighting: { mode: "token" }, ...layout }),
  ...preferenceBatches([{ chosen: a, rejected: b, referenceChosen: -9, referenceRejected: -8 }], {
    loss: "sigmoid",
    parameters: { beta: 0.1 },
    microBatchTokens: 64,
  }),
];
const numbers: number[] = [];
for (const part of parts) {
  const { gradients, metrics } = gradientsOf(part, { model, parameters });
  numbers.push((await metrics.loss.data())[0]);
  numbers.push(...await Promise.all(gradients.map(async (g) => (await tf.norm(g).data())[0])));
}
// A sum of a million squares, of which one alone is large.
const many = tf.concat([tf.fill([1, 1000], 0.4), tf.fill([1023, 1000], 1e-3)]);
numbers.push((await clipped([many], 1).norm.data())[0]);
const [[answer]] = await generate(model, [[5, 6, 7]], {
  maxNewTokens: 8,
  temperature: 0,
  stopIds: [],
  seed: 1,
});
console.log(JSON.stringify({ backend, numbers, ids: answer.ids }));

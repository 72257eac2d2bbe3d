/**
 * Prints what a compiled step comes to where compiling may not be possible: on the backend that SELF_JUDGE_BACKEND
 * names, and with the argument "old" on a binding that was built before there were compiled steps.
 */
import * as tf from "@tensorflow/tfjs";
import { compile, compiledSteps, startEngine } from "../lib/tensor/mod.ts";

await startEngine();
if (Deno.args[0] === "old") {
  const backend = tf.backend() as unknown as { binding: object };
  backend.binding = Object.create(backend.binding, { runFunction: { value: undefined } });
}
const steps = ["one", "two"].map((name) =>
  compile((x: tf.Tensor) => tf.tidy(() => tf.sum(tf.square(x))), { name })
);
const found: number[] = [];
for (let i = 1; i <= 4; i++) {
  for (const step of steps) found.push(tf.tidy(() => step(tf.tensor1d([i, 1])).dataSync()[0]));
}
const replayed = steps.reduce((sum, { counts }) => sum + counts.replayed, 0);
console.log(JSON.stringify({ found, replayed, ...compiledSteps() }));

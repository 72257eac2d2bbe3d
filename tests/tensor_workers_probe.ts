/** Two workers that name many attributes to TensorFlow at once; it passes over those that an op does not have. */
import * as tf from "@tensorflow/tfjs";
import { startEngine } from "../lib/tensor/mod.ts";
import type { NativeBackend } from "../lib/tensor/compile/native.ts";

if ("postMessage" in globalThis) {
  const { backend } = await startEngine();
  const { binding } = tf.backend() as unknown as NativeBackend;
  for (let round = 0; round < 3; round++) {
    const attributes = Array.from(
      { length: 100_000 },
      (_, i) => ({ name: `name${round}-${i * 7919 % 100_000}`, type: 1, value: i }),
    );
    binding.executeOp("NoOp", attributes, [], 0);
  }
  self.postMessage(backend);
} else {
  const hung = setTimeout(() => Deno.exit(1), 120_000); // a broken set may be walked for ever
  const backends = [0, 1].map(() => {
    const worker = new Worker(import.meta.url, { type: "module" });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve((worker.terminate(), data));
      worker.onerror = reject;
    });
  });
  console.log((await Promise.all(backends)).join(" "));
  clearTimeout(hung);
}

/** The models that transformers and PEFT wrote, with what they compute. See reference/make_model.py. */
import * as tf from "@tensorflow/tfjs";
import {
  followingLogProbs,
  type LanguageModel,
  leftPadded,
  loadModel,
  openWeights,
  type Position,
  rightPadded,
} from "../lib/model/mod.ts";
import { KeyValueCache } from "../lib/model/cache.ts";
import { FastDecoder } from "../lib/model/fast_decoder.ts";
import { Tape } from "../lib/tensor/mod.ts";
import { numbers } from "./numbers.ts";
import "./tiny.ts";

/** Where a fixture lies. */
export const referencePath = (folder: string): string =>
  decodeURIComponent(new URL(`reference/${folder}`, import.meta.url).pathname);

/** A model of tests/reference. The caller disposes of it. */
export const referenceModel = (folder: string): Promise<LanguageModel> =>
  loadModel(referencePath(folder));

/** The tensors that PyTorch computed, by name. */
export async function expectedTensors(folder: string): Promise<Map<string, Float32Array>> {
  const source = await openWeights(`${referencePath(folder)}/expected.safetensors`);
  const tensors = new Map<string, Float32Array>();
  for (const name of source.names) tensors.set(name, await source.read(name));
  source.close();
  return tensors;
}

/** `expected.json` of a fixture. */
export async function expectedJson<T>(folder: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(`${referencePath(folder)}/expected.json`));
}

/** Logits of sequences run as one right-padded batch, (T, V) each, without those of the padding. */
export function batchLogits(
  model: LanguageModel,
  ids: readonly (readonly number[])[],
): Float32Array[] {
  const batch = rightPadded(ids, 0);
  const all = numbers(tf.tidy(() => model.logits(model.hidden(batch))), { free: true });
  batch.mask?.dispose();
  const V = model.config.vocabSize;
  return ids.map((row, b) => all.slice(b * batch.length * V, (b * batch.length + row.length) * V));
}

/**
 * Logits at the last `count` tokens of each sequence, (count, V) each, decoded one by one behind a left-padded
 * batch of what comes before them.
 */
export function decodedLogits(
  model: LanguageModel,
  ids: readonly (readonly number[])[],
  count: number,
): Float32Array[] {
  const [cache, decoder] = [new KeyValueCache(), new FastDecoder(model)];
  const batch = leftPadded(ids.map((row) => row.slice(0, -count)), 0);
  const { mask, padding } = batch;
  model.hidden(batch, { onKeysValues: (layer, block) => cache.fill(layer, block) }).dispose();
  const V = model.config.vocabSize;
  const logits = ids.map(() => new Float32Array(count * V));
  for (let i = 0; i < count; i++) {
    const tokens = ids.map((row) => row.at(i - count)!);
    const all = tf.tidy(() =>
      model.logits(decoder.hidden(tokens, { cache, column: cache.extend(), padding }))
    );
    const values = numbers(all, { free: true });
    logits.forEach((row, b) => row.set(values.subarray(b * V, (b + 1) * V), i * V));
  }
  tf.dispose(mask ?? []);
  decoder.dispose();
  cache.dispose();
  return logits;
}

/**
 * Mean cross-entropy of the tokens of each row from `from[row]` on, over the whole batch, with its gradients.
 */
export function lossAndGradients(
  model: LanguageModel,
  rows: {
    ids: readonly (readonly number[])[];
    from: readonly number[];
    dropoutSeed?: number;
  },
  watched: readonly tf.Tensor[],
): { loss: number; gradients: tf.Tensor[] } {
  const at = rows.ids.flatMap((ids, row) =>
    Array.from(
      { length: ids.length - rows.from[row] },
      (_, i): Position => ({ row, column: rows.from[row] - 1 + i }),
    )
  );
  const batch = rightPadded(rows.ids, 0);
  const tape = new Tape(watched);
  const logProbs = followingLogProbs(model, batch, { at, tape, dropoutSeed: rows.dropoutSeed });
  const loss = -numbers(logProbs).reduce((a, b) => a + b, 0) / at.length;
  const outputGradient = tf.fill(logProbs.shape, -1 / at.length);
  const gradients = tape.gradients(logProbs, outputGradient, watched);
  outputGradient.dispose();
  batch.mask?.dispose();
  return { loss, gradients };
}

/** A line of the parity table, to be read from the test log. */
export function parity(what: string, largest: number): void {
  console.log(`parity | ${what} | largest difference ${largest.toExponential(1)}`);
}

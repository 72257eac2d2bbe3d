import * as tf from "@tensorflow/tfjs";
import { Rng } from "../base/random.ts";
import { compile, takeRows } from "../tensor/mod.ts";
import { type Batch, lengthBuckets, rightPadded } from "./batch.ts";
import { checkSequences } from "./check.ts";
import type { GenerateOptions, Generation } from "./generate.ts";
import type { LanguageModel } from "./language_model.ts";
import { drawToken, SAMPLING_DEFAULTS } from "./sampling.ts";
import type { WithModel } from "./with_model.ts";

/**
 * Samples answers, one a prompt, of the geometric mixture of two models: at each token p^(1 - mix) q^mix, normalised,
 * then as `generate` samples (temperature, top-k, top-p). With mix 0 it is the first model, with 1 the second.
 *
 * Without a key-value cache, of which it would need two that take turns with one set of weights: every token is a
 * pass of each model over all tokens so far.
 *
 * @param mix In [0, 1].
 */
export async function generateMixture(
  first: LanguageModel,
  second: WithModel,
  prompts: readonly (readonly number[])[],
  { mix, ...options }:
    & Omit<GenerateOptions, "samples" | "batchRows" | "onProgress">
    & { mix: number },
): Promise<Generation[][]> {
  const { maxNewTokens, stopIds, streams } = options;
  const sampling = { ...SAMPLING_DEFAULTS, ...options };
  checkSequences(prompts, first.config, "generate");
  const { maxPositions } = first.config;
  const rows = prompts.map((prompt, i) => ({
    ids: [] as number[],
    prompt,
    rng: Rng.named(options.seed, `sample/${streams?.[i] ?? i}/0`),
    end: null as Generation | null,
  }));
  for (;;) {
    const going = rows.filter(({ end }) => end === null);
    if (going.length === 0) return rows.map(({ end }) => [end!]);
    const sequences = going.map(({ prompt, ids }) => [...prompt, ...ids]);
    const p = await lastLogits(first, sequences);
    const q = await second((model) => lastLogits(model, sequences));
    going.forEach((row, i) => {
      const token = drawToken(mixed(p[i], q[i], mix, sampling.temperature), sampling, row.rng);
      const stop = stopIds.includes(token);
      if (stop) row.end = { ids: row.ids, end: "stop", endId: token };
      else row.ids.push(token);
      const full = row.ids.length >= maxNewTokens ||
        row.prompt.length + row.ids.length >= maxPositions;
      if (!stop && full) row.end = { ids: row.ids, end: "length", endId: null };
    });
  }
}

/** Probabilities of the mixture at a temperature. */
function mixed(p: Float32Array, q: Float32Array, mix: number, temperature: number): Float32Array {
  const divisor = temperature === 0 ? 1 : temperature;
  // Logits of each differ from its log-probabilities by a constant, which the normalisation takes away.
  const x = p.map((value, i) => ((1 - mix) * value + mix * q[i]) / divisor);
  let most = -Infinity;
  for (const value of x) if (value > most) most = value;
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] = Math.exp(x[i] - most);
  return x.map((value) => value / total);
}

/** Logits (V) of the token after each sequence. */
async function lastLogits(
  model: LanguageModel,
  sequences: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const found: Float32Array[] = Array(sequences.length);
  const { vocabSize } = model.config;
  for (const group of lengthBuckets(sequences.map(({ length }) => length), 2048)) {
    const batch = rightPadded(group.map((i) => sequences[i]), 0);
    const logits = logitsAfter(model, batch, group.map((i) => sequences[i].length));
    batch.mask?.dispose();
    const values = await logits.data() as Float32Array;
    logits.dispose();
    group.forEach((i, b) => found[i] = values.subarray(b * vocabSize, (b + 1) * vocabSize));
  }
  return found;
}

const logitsAfter = compile(
  (model: LanguageModel, batch: Batch, lengths: readonly number[]) =>
    tf.tidy(() => {
      const ends = lengths.map((length, row) => row * batch.length + length - 1);
      return model.logits(takeRows(model.hidden(batch), tf.tensor1d(ends, "int32")));
    }),
  { name: "logits after sequences" },
);

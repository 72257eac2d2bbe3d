import * as tf from "@tensorflow/tfjs";
import { compile, takeRows, type Tape, tokenLogProbs } from "../tensor/mod.ts";
import { UserError } from "../base/error.ts";
import { checkSequences } from "./check.ts";
import { type Batch, lengthBuckets, rightPadded } from "./batch.ts";
import type { LanguageModel } from "./language_model.ts";

/** A row of a batch and the column whose next token is asked for. */
export interface Position {
  row: number;
  column: number;
}

/**
 * Probabilities of some tokens as the next one after each sequence. Logits are computed at the last
 * position only, and sequences of similar length share a batch.
 *
 * @returns one row per sequence, in their order: the probability of each of `tokens` under the softmax over
 * the whole vocabulary
 */
export async function nextTokenProbabilities(
  model: LanguageModel,
  sequences: readonly (readonly number[])[],
  options: {
    tokens: readonly number[];
    /**
     * Tokens per batch, padding included.
     *
     * @default 2048
     */
    batchTokens?: number;
    onProgress?: (done: number, total: number) => void;
  },
): Promise<number[][]> {
  const { tokens, batchTokens = 2048, onProgress } = options;
  checkSequences(sequences, model.config, "next-token probabilities");
  const results: number[][] = Array(sequences.length);
  let done = 0;
  for (const group of lengthBuckets(sequences.map((s) => s.length), batchTokens)) {
    const batch = rightPadded(group.map((i) => sequences[i]), 0);
    const rows = group.map((i, b) => b * batch.length + sequences[i].length - 1);
    const picked = probabilitiesAt(model, batch, { rows, tokens });
    batch.mask?.dispose();
    const values = await picked.data();
    picked.dispose();
    group.forEach((i, b) => {
      results[i] = Array.from(values.slice(b * tokens.length, (b + 1) * tokens.length));
    });
    onProgress?.(done += group.length, sequences.length);
  }
  return results;
}

/** Of `tokens`, as the next one after some rows of (B * T). @returns (rows, tokens) */
const probabilitiesAt = compile(
  (
    model: LanguageModel,
    batch: Batch,
    { rows, tokens }: { rows: readonly number[]; tokens: readonly number[] },
  ) =>
    tf.tidy(() => {
      const last = takeRows(model.hidden(batch), tf.tensor1d([...rows], "int32")); // (M, C)
      const p = tf.softmax(model.logits(last)); // (M, V)
      return tf.gather(p, tf.tensor1d([...tokens], "int32"), 1); // (M, tokens)
    }),
  { name: "next-token probabilities" },
);

/**
 * Log-probability of the token that follows each of the given positions.
 *
 * @param at Positions in the batch; the token after position (row, column) is the one at column + 1.
 * @returns (positions), on the tape if one is given
 */
export function followingLogProbs(
  model: LanguageModel,
  batch: Batch,
  options: { at: readonly Position[]; tape?: Tape | null; dropoutSeed?: number },
): tf.Tensor1D {
  const { at, tape = null, dropoutSeed } = options;
  const T = batch.length;
  return tf.tidy(() => {
    const rows = tf.tensor1d(at.map(({ row, column }) => row * T + column), "int32");
    const targets = tf.tensor1d(
      at.map(({ row, column }) => batch.ids[row * T + column + 1]),
      "int32",
    );
    for (const tensor of [rows, targets]) tape?.hold(tensor);
    const hidden = model.hidden(batch, { tape, dropoutSeed });
    const picked = takeRows(hidden, rows, { tape }); // (M, C)
    const w = model.outputEmbedding;
    // A table in training changes every step: transposing it anew would cost more than it saves.
    const columns = tape?.tracks(w) ? undefined : model.outputColumns;
    return tokenLogProbs(picked, w, { targets, columns, tape }); // (M)
  });
}

/** {@linkcode followingLogProbs} without a tape. */
const scored = compile(followingLogProbs, { name: "log-probabilities" });

/** A sequence of which the tokens from an index on count. */
export interface Scored {
  readonly ids: readonly number[];
  readonly from: number;
}

/**
 * Summed log-probability of the tokens of each sequence from its `from` on, given those before.
 *
 * @param options.batchTokens Tokens per batch, padding included.
 * @returns one number per sequence, in their order
 */
export async function sequenceLogProbs(
  model: LanguageModel,
  sequences: readonly Scored[],
  { batchTokens = 2048 }: { batchTokens?: number } = {},
): Promise<number[]> {
  checkSequences(sequences.map((s) => s.ids), model.config, "log-probabilities");
  const early = sequences.findIndex(({ from }) => from < 1);
  if (early >= 0) {
    throw new UserError(
      `log-probabilities: sequence ${early} counts from token ${sequences[early].from}`,
      "count from token 1 on: nothing comes before the first",
    );
  }
  const sums: number[] = Array(sequences.length).fill(0);
  for (const group of lengthBuckets(sequences.map((s) => s.ids.length), batchTokens)) {
    const batch = rightPadded(group.map((i) => sequences[i].ids), 0);
    const at = group.flatMap((i, row) =>
      Array.from(
        { length: sequences[i].ids.length - sequences[i].from },
        (_, t): Position => ({ row, column: sequences[i].from - 1 + t }),
      )
    );
    const logProbs = scored(model, batch, { at });
    const values = await logProbs.data();
    logProbs.dispose();
    batch.mask?.dispose();
    at.forEach(({ row }, j) => sums[group[row]] += values[j]);
  }
  const odd = sums.findIndex((sum) => !Number.isFinite(sum));
  if (odd >= 0) {
    throw new UserError(
      `log-probabilities: that of sequence ${odd} is ${sums[odd]}`,
      "check the checkpoint: weights that diverged in training, or that are infinite, give no number",
    );
  }
  return sums;
}

import * as tf from "@tensorflow/tfjs";
import { compile, takeRows, type Tape, tokenLogProbs } from "../tensor/mod.ts";
import { UserError } from "../base/error.ts";
import { checkSequences } from "./check.ts";
import type { Batch } from "./batch.ts";
import type { LanguageModel } from "./language_model.ts";
import { sharedBatches } from "./prefix_tree.ts";

/** A row of a batch and the column whose next token is asked for. */
export interface Position {
  row: number;
  column: number;
}

/**
 * Probabilities of some tokens as the next one after each sequence. Logits are computed at the last
 * position only.
 *
 * What sequences of a call begin with alike is computed once ({@linkcode sharedBatches}): the dialogue of both positions
 * of a judgment and of a tournament's matches, the answers of several principles. So pass what belongs
 * together in one call. What else is in a call changes a result by the rounding of float32 only, as the padding of a
 * batch does.
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
     * Tokens per batch, padding included; memory grows with it as {@linkcode sharedBatches} says.
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
  for (const { batch, members, row } of sharedBatches(sequences, batchTokens)) {
    const rows = members.map((i, nth) => row(nth, sequences[i].length - 1));
    const picked = probabilitiesAt(model, batch, { rows, tokens });
    batch.mask?.dispose();
    const values = await picked.data();
    picked.dispose();
    members.forEach((i, nth) => {
      results[i] = Array.from(values.slice(nth * tokens.length, (nth + 1) * tokens.length));
    });
    onProgress?.(done += members.length, sequences.length);
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
  const { at, ...more } = options;
  const rows = at.map(({ row, column }) => row * batch.length + column);
  return logProbsAfter(model, batch, { rows, targets: rows.map((i) => batch.ids[i + 1]), ...more });
}

/** Log-probability of a token after each of some rows of the hidden states. @returns (rows) */
function logProbsAfter(
  model: LanguageModel,
  batch: Batch,
  options: {
    rows: readonly number[];
    targets: readonly number[];
    tape?: Tape | null;
    dropoutSeed?: number;
  },
): tf.Tensor1D {
  const { tape = null, dropoutSeed } = options;
  return tf.tidy(() => {
    const rows = tf.tensor1d([...options.rows], "int32");
    const targets = tf.tensor1d([...options.targets], "int32");
    for (const tensor of [rows, targets]) tape?.hold(tensor);
    const hidden = model.hidden(batch, { tape, dropoutSeed });
    const picked = takeRows(hidden, rows, { tape }); // (M, C)
    const w = model.outputEmbedding;
    // A table in training changes every step: transposing it anew would cost more than it saves.
    const columns = tape?.tracks(w) ? undefined : model.outputColumns;
    return tokenLogProbs(picked, w, { targets, columns, tape }); // (M)
  });
}

/** {@linkcode logProbsAfter} without a tape. */
const scored = compile(logProbsAfter, { name: "log-probabilities" });

/** A sequence of which the tokens from an index on count. */
export interface Scored {
  readonly ids: readonly number[];
  readonly from: number;
  /** Tokens after it that do not count, each span as [start, end). @default none */
  readonly skipped?: readonly (readonly [start: number, end: number])[];
}

/** Indices of the tokens of a sequence that count. */
export function countedTokens({ ids, from, skipped = [] }: Scored): number[] {
  return Array.from({ length: ids.length - from }, (_, i) => from + i)
    .filter((at) => skipped.every(([start, end]) => at < start || at >= end));
}

/**
 * Summed log-probability of the tokens of each sequence that count ({@linkcode Scored}), given those before. A prompt that sequences
 * of a call share is computed once, as in {@linkcode nextTokenProbabilities}.
 *
 * @param options.batchTokens Tokens per batch, padding included. @default 2048
 * @returns one number per sequence, in their order
 */
export async function sequenceLogProbs(
  model: LanguageModel,
  sequences: readonly Scored[],
  { batchTokens = 2048 }: { batchTokens?: number } = {},
): Promise<number[]> {
  checkSequences(sequences.map(({ ids }) => ids), model.config, "log-probabilities");
  const early = sequences.findIndex(({ from }) => from < 1);
  if (early >= 0) {
    throw new UserError(
      `log-probabilities: sequence ${early} counts from token ${sequences[early].from}`,
      "count from token 1 on: nothing comes before the first",
    );
  }
  const sums: number[] = Array(sequences.length).fill(0);
  for (
    const { batch, members, row } of sharedBatches(sequences.map(({ ids }) => ids), batchTokens)
  ) {
    const asked = members.flatMap((i, nth) => {
      const { ids } = sequences[i];
      return countedTokens(sequences[i])
        .map((at) => ({ i, target: ids[at], row: row(nth, at - 1) }));
    });
    const rows = asked.map(({ row }) => row);
    const logProbs = scored(model, batch, { rows, targets: asked.map(({ target }) => target) });
    const values = await logProbs.data();
    logProbs.dispose();
    batch.mask?.dispose();
    asked.forEach(({ i }, j) => sums[i] += values[j]);
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

import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { compile, takeRows } from "../tensor/mod.ts";
import { checkSequences } from "./check.ts";
import { contextText } from "./config.ts";
import { type Batch, leftPadded } from "./batch.ts";
import { KeyValueCache } from "./cache.ts";
import { FastDecoder } from "./fast_decoder.ts";
import type { LanguageModel } from "./language_model.ts";
import { checkSampling, drawToken, SAMPLING_DEFAULTS, type SamplingConfig } from "./sampling.ts";

/** Settings of {@linkcode generate}. */
export interface GenerateOptions extends Partial<SamplingConfig> {
  maxNewTokens: number;
  /** Tokens that end an answer; they are not part of it. */
  stopIds: readonly number[];
  /** The same seed draws the same answers, however they are batched. */
  seed: number;
  /**
   * Name of each prompt's random stream, to draw the same whatever else is asked.
   *
   * @default the prompts' indices
   */
  streams?: readonly string[];
  /**
   * Answers drawn for each prompt.
   *
   * @default 1
   */
  samples?: number;
  /**
   * Rows decoded together; the samples of one prompt share a batch.
   *
   * @default 32
   */
  batchRows?: number;
  /** Called with every token as it is drawn, the one that ends an answer too, and with its probability. */
  onToken?: (
    drawn: { prompt: number; sample: number; id: number; probability: number },
  ) => void;
  /** Called as answers finish. */
  onProgress?: (finished: number, total: number) => void;
}

/** One answer. */
export interface Generation {
  ids: number[];
  /** "stop": ended by a stop token. "length": cut at `maxNewTokens` or at the model's context. */
  end: "stop" | "length";
  /** The stop token that ended it, null where it was cut. */
  endId: number | null;
}

/** An answer being decoded: a row of the batch. */
interface Decoding {
  prompt: number;
  sample: number;
  rng: Rng;
  ids: number[];
  padding: number;
}

/**
 * Samples answers with a key-value cache. A row that has finished leaves the batch at once.
 *
 * @param prompts Token ids of each prompt, none empty.
 * @returns for every prompt its `samples` answers
 *
 * @example
 * ```ts
 * const [[answer]] = await generate(model, [promptIds], { maxNewTokens: 64, stopIds: [2], seed: 7 });
 * ```
 */
export async function generate(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<Generation[][]> {
  const { samples = 1, batchRows = 32, maxNewTokens, onProgress } = options;
  const sampling = { ...SAMPLING_DEFAULTS, ...options };
  checkSampling(sampling);
  checkSequences(prompts, model.config, "generate");
  for (const [name, value] of Object.entries({ maxNewTokens, samples, batchRows })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UserError(`generate: ${name} is ${value}`, "give a whole number, 1 or more");
    }
  }
  const full = prompts.findIndex((prompt) => prompt.length === model.config.maxPositions);
  if (full >= 0) {
    throw new UserError(
      `generate: prompt ${full} fills the model's context of ${contextText(model.config)}`,
      "shorten the prompt",
    );
  }

  const results: Generation[][] = prompts.map(() => []);
  let finished = 0;
  const group = Math.max(1, Math.floor(batchRows / samples));
  // Prompts of similar length share a batch: less padding to attend over.
  const order = prompts.map((_, i) => i).sort((a, b) => prompts[a].length - prompts[b].length);
  let decoder: FastDecoder | null = null; // made when a second token is asked for
  try {
    for (let start = 0; start < order.length; start += group) {
      await decode(order.slice(start, start + group));
    }
  } finally {
    (decoder as FastDecoder | null)?.dispose();
  }
  return results;

  async function decode(indices: number[]): Promise<void> {
    const cache = new KeyValueCache();
    try {
      const batch = leftPadded(indices.map((i) => prompts[i]), 0);
      let probabilities = prefill(batch, cache);
      let rows = indices.flatMap((prompt, b) =>
        Array.from({ length: samples }, (_, sample): Decoding => ({
          prompt,
          sample,
          rng: Rng.named(options.seed, `sample/${options.streams?.[prompt] ?? prompt}/${sample}`),
          ids: [],
          padding: batch.padding[b],
        }))
      );
      if (samples > 1) {
        const repeat = indices.flatMap((_, b) => Array(samples).fill(b));
        cache.select(repeat);
        probabilities = pickRows(probabilities, repeat);
      }
      for (;;) {
        const p = await probabilities.data() as Float32Array;
        probabilities.dispose();
        const V = model.config.vocabSize;
        const unfinished: number[] = [];
        rows.forEach((row, b) => {
          const token = draw(p.subarray(b * V, (b + 1) * V), row);
          const { prompt, sample } = row;
          options.onToken?.({ prompt, sample, id: token, probability: p[b * V + token] });
          const stop = options.stopIds.includes(token);
          if (!stop) row.ids.push(token);
          const full = row.ids.length >= maxNewTokens ||
            prompts[row.prompt].length + row.ids.length >= model.config.maxPositions;
          if (!stop && !full) unfinished.push(b);
          else {
            results[row.prompt][row.sample] = stop
              ? { ids: row.ids, end: "stop", endId: token }
              : { ids: row.ids, end: "length", endId: null };
            onProgress?.(++finished, prompts.length * samples);
          }
        });
        if (unfinished.length === 0) return;
        if (unfinished.length < rows.length) {
          cache.select(unfinished);
          rows = unfinished.map((b) => rows[b]);
        }
        probabilities = next(rows, cache);
      }
    } finally {
      cache.dispose();
    }
  }

  /** A row's next token. */
  function draw(probabilities: Float32Array, { prompt, ids, rng }: Decoding): number {
    try {
      return drawToken(probabilities, sampling, rng);
    } catch (cause) {
      if (!(cause instanceof UserError)) throw cause;
      throw new UserError(
        `generate: prompt ${prompt}, new token ${ids.length + 1}: ${cause.problem}`,
        cause.remedy,
        { cause },
      );
    }
  }

  /** The prompts through the model, their keys and values into the cache; (B, V) as below. */
  function prefill(batch: Batch, cache: KeyValueCache): tf.Tensor2D {
    const found = afterPrompts(model, batch, { cache, temperature: sampling.temperature });
    batch.mask?.dispose();
    return found;
  }

  /** Each row's last token through the model; the probabilities of the next one, (B, V). */
  function next(rows: readonly Decoding[], cache: KeyValueCache): tf.Tensor2D {
    const fast = decoder ??= new FastDecoder(model);
    const tokens = rows.map((row) => row.ids.at(-1)!);
    const padding = rows.map((row) => row.padding);
    const column = cache.extend(); // grows now and then: no part of the step that is compiled
    const { temperature } = sampling;
    return afterToken(model, fast, { tokens, cache, column, padding, temperature });
  }
}

/** Probabilities of each prompt's next token. @returns (B, V) */
const afterPrompts = compile(
  (
    model: LanguageModel,
    batch: Batch,
    { cache, temperature }: { cache: KeyValueCache; temperature: number },
  ) =>
    tf.tidy(() => {
      const { size: B, length: T } = batch;
      const hidden = model.hidden(batch, {
        onKeysValues: (layer, block) => cache.fill(layer, block),
      });
      const ends = Int32Array.from({ length: B }, (_, b) => b * T + T - 1);
      const last = takeRows(hidden, tf.tensor1d(ends, "int32"));
      return probabilitiesOf(model, last, temperature);
    }),
  { name: "the prompts of a sample" },
);

/** Probabilities of the token after each row's last. @returns (B, V) */
const afterToken = compile(
  (
    model: LanguageModel,
    decoder: FastDecoder,
    { tokens, temperature, ...at }: Parameters<FastDecoder["hidden"]>[1] & {
      tokens: readonly number[];
      temperature: number;
    },
  ) => tf.tidy(() => probabilitiesOf(model, decoder.hidden(tokens, at), temperature)),
  { name: "a token of a sample" },
);

/** Softmax of the logits over the temperature. @param hidden (B, C) @returns (B, V) */
function probabilitiesOf(
  model: LanguageModel,
  hidden: tf.Tensor2D,
  temperature: number,
): tf.Tensor2D {
  // Dividing the hidden states divides the logits, and there are fewer of them.
  const scaled = [0, 1].includes(temperature) ? hidden : tf.div(hidden, temperature);
  return tf.softmax(model.logits(scaled as tf.Tensor2D)) as tf.Tensor2D;
}

function pickRows(x: tf.Tensor2D, rows: number[]): tf.Tensor2D {
  const picked = tf.tidy(() => tf.gather(x, tf.tensor1d(rows, "int32")));
  x.dispose();
  return picked;
}

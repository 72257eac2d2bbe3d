import * as tf from "@tensorflow/tfjs";
import { type DialogueEncoder, dialogueIds } from "./reward_model.ts";
import { type Batch, type LanguageModel, lengthBuckets, rightPadded } from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";
import { linear, takeRows, type Tape } from "../tensor/mod.ts";
import {
  batchOf,
  type BatchOrder,
  type BatchSource,
  type MicroBatch,
  type Objective,
  type OutputOptions,
  type StepBatch,
} from "../method/mod.ts";

/** Name of the scalar head, (1, C), as in `LlamaForSequenceClassification`. */
const HEAD = "score.weight";

/**
 * Makes a language model a reward model: a scalar read off the last token's hidden state. The head starts at
 * zero, so every answer scores 0 and the loss starts at ln 2. It is trained and saved with the weights.
 */
export function addScoreHead(model: LanguageModel): void {
  model.weights.get(HEAD)?.dispose();
  model.weights.set(HEAD, tf.keep(tf.zeros([1, model.config.hiddenSize])));
}

/** Scores (rows, 1) of a batch of sequences of these lengths. */
function scores(
  model: LanguageModel,
  batch: Batch,
  { lengths, tape = null, dropoutSeed }: {
    lengths: readonly number[];
    tape?: Tape | null;
    dropoutSeed?: number;
  },
): tf.Tensor2D {
  const last = tf.tensor1d(lengths.map((length, row) => row * batch.length + length - 1), "int32");
  tape?.hold(last);
  const hidden = model.hidden(batch, { tape, dropoutSeed });
  const picked = takeRows(hidden, last, { tape }); // (rows, C)
  return linear(picked, model.weights.get(HEAD) as tf.Tensor2D, { tape });
}

/** Token ids of a pair's two dialogues. */
export interface RewardExample {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/**
 * The parts of a batch of pairs: -log sigmoid(r(chosen) - r(rejected)), mean over the pairs
 * (Bradley and Terry 1952; https://arxiv.org/abs/2203.02155, eq. 1).
 */
export function rewardBatches(
  pairs: readonly RewardExample[],
  { microBatchTokens }: { microBatchTokens: number },
): MicroBatch[] {
  const longest = pairs.map((p) => Math.max(p.chosen.length, p.rejected.length));
  return lengthBuckets(longest, Math.floor(microBatchTokens / 2)).map((group) => {
    const part = group.map((i) => pairs[i]);
    const rows = [...part.map((p) => p.chosen), ...part.map((p) => p.rejected)];
    const lengths = rows.map((ids) => ids.length);
    return {
      batch: rightPadded(rows, 0),
      tokens: lengths.reduce((a, b) => a + b, 0),
      objective: new BradleyTerryObjective(lengths, pairs.length),
    };
  });
}

/** The Bradley-Terry loss of a part's 2P sequences: the chosen ones, then the rejected ones. */
class BradleyTerryObjective implements Objective {
  /** @param total Pairs of the whole batch, whose mean the loss is. */
  constructor(readonly lengths: readonly number[], readonly total: number) {}

  output(model: LanguageModel, batch: Batch, options: OutputOptions): tf.Tensor {
    return scores(model, batch, { lengths: this.lengths, ...options });
  }

  gradient(output: tf.Tensor): ReturnType<Objective["gradient"]> {
    return tf.tidy(() => {
      const [chosen, rejected] = tf.split(tf.reshape(output, [this.lengths.length]), 2);
      const gap = tf.sub(chosen, rejected); // (P)
      // d/d gap of softplus(-gap) is -sigmoid(-gap).
      const slope = tf.div(tf.neg(tf.sigmoid(tf.neg(gap))), this.total);
      const mean = (x: tf.Tensor) => tf.div(tf.sum(x), this.total) as tf.Scalar;
      return {
        outputGradient: tf.concat([slope, tf.neg(slope)]) as tf.Tensor1D,
        metrics: {
          loss: mean(tf.softplus(tf.neg(gap))),
          accuracy: mean(tf.cast(tf.greater(gap, 0), "float32")),
        },
      };
    });
  }
}

/** Pairs in batches, step by step: what a reward model trains on. */
export class RewardData implements BatchSource {
  constructor(
    readonly examples: readonly RewardExample[],
    readonly options: { order: BatchOrder; microBatchTokens: number },
  ) {}

  batch(step: number): Promise<StepBatch> {
    const parts = rewardBatches(batchOf(step, this.examples, this.options.order), this.options);
    return Promise.resolve({ parts });
  }
}

/** Both answers of pairs as the token ids that a reward model reads. */
export function rewardExamples(pairs: readonly Pair[], encoder: DialogueEncoder): RewardExample[] {
  return pairs.map(({ prompt, chosen, rejected }) => ({
    chosen: dialogueIds({ prompt, answer: chosen }, encoder),
    rejected: dialogueIds({ prompt, answer: rejected }, encoder),
  }));
}

/**
 * Reward models: a language model with a scalar head on the last token's hidden state, trained with
 * Bradley and Terry's loss, kept as `transformers` keeps `LlamaForSequenceClassification`, and used to grade.
 */
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import {
  batchOf,
  type BatchOrder,
  type BatchSource,
  type JudgeChat,
  type JudgeTokenizer,
  type MicroBatch,
  type Objective,
  type OutputOptions,
  type StepBatch,
} from "../method/mod.ts";
import {
  type Batch,
  LanguageModel,
  lengthBuckets,
  type ModelConfig,
  openWeights,
  readConfig,
  rightPadded,
  sharedBatches,
} from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";
import { linear, takeRows, type Tape } from "../tensor/mod.ts";
import type { Turn } from "../text/chat.ts";
import type { Grade, GradedAnswer } from "./pointwise.ts";

/** Name of the head among the weights, (1, C), as in `LlamaForSequenceClassification`. */
const HEAD = "score.weight";

/**
 * Makes a language model a reward model. The head starts at zero, so every answer scores 0 and the loss starts at
 * ln 2. It is one of the model's weights: trained, saved and disposed of with them.
 */
export function addScoreHead(model: LanguageModel): void {
  setHead(model, tf.zeros([1, model.config.hiddenSize]));
}

/** A head apart from a model's weights, zero as {@linkcode addScoreHead} makes it; the caller's to free. */
export function scoreHead({ hiddenSize }: Pick<ModelConfig, "hiddenSize">): Map<string, tf.Tensor> {
  return new Map([[HEAD, tf.keep(tf.zeros([1, hiddenSize]))]]);
}

/**
 * Makes one model of what was trained together: folds the adapter, and puts the head that was apart among the weights,
 * where {@linkcode loadRewardModel} reads it. The head is the model's from here on, its store empty.
 */
export function joinHead(model: LanguageModel, head: Map<string, tf.Tensor>): void {
  model.foldAdapter();
  setHead(model, head.get(HEAD)!);
  head.clear();
}

/** Where a head is that is apart. */
interface HeadOptions {
  /** @default the model's weights */
  readonly head?: ReadonlyMap<string, tf.Tensor>;
}

/**
 * Loads a reward model as `transformers` saves `LlamaForSequenceClassification` with one label.
 *
 * @throws {UserError} When the checkpoint has no such head, or one of several labels.
 */
export async function loadRewardModel(path: string): Promise<LanguageModel> {
  const read = await readConfig(path);
  const config: ModelConfig = { ...read, tieEmbeddings: true }; // there is no other head to load
  const source = await openWeights(path);
  try {
    const shape = source.names.includes(HEAD) ? source.shape(HEAD) : null;
    if (shape === null || shape.join() !== `1,${config.hiddenSize}`) {
      throw new UserError(
        shape === null
          ? `${path} has no "${HEAD}": it is no reward model`
          : `${path}: "${HEAD}" has shape [${shape}], a reward model's is [1,${config.hiddenSize}]`,
        "give a checkpoint of LlamaForSequenceClassification with num_labels 1",
      );
    }
    const model = await LanguageModel.load(config, source, { file: path, alsoRead: [HEAD] });
    setHead(model, tf.tensor2d(await source.read(HEAD), [1, config.hiddenSize]));
    return model;
  } finally {
    source.close();
  }
}

function setHead(model: LanguageModel, head: tf.Tensor): void {
  model.weights.get(HEAD)?.dispose();
  model.weights.set(HEAD, tf.keep(head));
}

/** Scores (M, 1) of a batch: the head's product with the hidden states of these rows, of each sequence the last. */
function scores(
  model: LanguageModel,
  batch: Batch,
  { rows, tape = null, dropoutSeed, head = model.weights }: HeadOptions & {
    rows: readonly number[];
    tape?: Tape | null;
    dropoutSeed?: number;
  },
): tf.Tensor2D {
  const last = tf.tensor1d([...rows], "int32");
  tape?.hold(last);
  const hidden = model.hidden(batch, { tape, dropoutSeed });
  const picked = takeRows(hidden, last, { tape }); // (M, C)
  return linear(picked, head.get(HEAD) as tf.Tensor2D, { tape }); // (M, 1)
}

/** What a reward model needs from a tokenizer and a chat template. */
export interface DialogueEncoder {
  readonly tokenizer: Pick<JudgeTokenizer, "encode">;
  readonly chat: JudgeChat;
  /** Most tokens of a dialogue; a longer one loses its start. */
  readonly maxTokens: number;
}

/** A dialogue with the answer as its last turn, as a reward model reads it in training and in use. */
function dialogueIds({ prompt, answer }: GradedAnswer, encoder: DialogueEncoder): number[] {
  const turns: Turn[] = [...prompt, { role: "assistant", content: answer }];
  return encoder.tokenizer.encode(encoder.chat.render(turns, { addGenerationPrompt: false }))
    .slice(-encoder.maxTokens);
}

/**
 * Grades answers by a reward model: its score of the dialogue with the answer as its last turn. Answers of a call to one
 * dialogue share its computation.
 *
 * @param options.batchTokens Tokens run through the model at once. @default 2048
 */
export function rewardGrade(
  model: LanguageModel,
  encoder: DialogueEncoder,
  { batchTokens = 2048, head }: HeadOptions & { batchTokens?: number } = {},
): Grade {
  return async (answers) => {
    const sequences = answers.map((answer) => dialogueIds(answer, encoder));
    const rewards = Array<number>(answers.length);
    for (const { batch, members, row } of sharedBatches(sequences, batchTokens)) {
      const rows = members.map((i, nth) => row(nth, sequences[i].length - 1));
      const scored = tf.tidy(() => scores(model, batch, { rows, head }));
      batch.mask?.dispose();
      const values = await scored.data();
      scored.dispose();
      members.forEach((i, nth) => rewards[i] = values[nth]);
    }
    return rewards;
  };
}

/** Token ids of a pair's two dialogues. */
export interface RewardExample {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/** Both answers of pairs as the token ids that a reward model reads. */
export function rewardExamples(
  pairs: readonly Pick<Pair, "prompt" | "chosen" | "rejected">[],
  encoder: DialogueEncoder,
): RewardExample[] {
  return pairs.map(({ prompt, chosen, rejected }) => ({
    chosen: dialogueIds({ prompt, answer: chosen }, encoder),
    rejected: dialogueIds({ prompt, answer: rejected }, encoder),
  }));
}

/**
 * The parts of a batch of pairs: -log sigmoid(r(chosen) - r(rejected)), mean over the pairs
 * (Bradley and Terry 1952; https://arxiv.org/abs/2203.02155, eq. 1).
 */
export function rewardBatches(
  pairs: readonly RewardExample[],
  { microBatchTokens, head }: HeadOptions & { microBatchTokens: number },
): MicroBatch[] {
  const longest = pairs.map((p) => Math.max(p.chosen.length, p.rejected.length));
  return lengthBuckets(longest, Math.floor(microBatchTokens / 2)).map((group) => {
    const part = group.map((i) => pairs[i]);
    const rows = [...part.map((p) => p.chosen), ...part.map((p) => p.rejected)];
    const lengths = rows.map((ids) => ids.length);
    return {
      batch: rightPadded(rows, 0),
      tokens: lengths.reduce((a, b) => a + b, 0),
      objective: new BradleyTerryObjective(lengths, pairs.length, head),
    };
  });
}

/** The Bradley-Terry loss of a part's 2P sequences: the chosen ones, then the rejected ones. */
class BradleyTerryObjective implements Objective {
  /** @param total Pairs of the whole batch, whose mean the loss is. */
  constructor(
    readonly lengths: readonly number[],
    readonly total: number,
    readonly head?: ReadonlyMap<string, tf.Tensor>,
  ) {}

  output(model: LanguageModel, batch: Batch, options: OutputOptions): tf.Tensor {
    const rows = this.lengths.map((length, row) => row * batch.length + length - 1);
    return scores(model, batch, { rows, head: this.head, ...options });
  }

  gradient(output: tf.Tensor): ReturnType<Objective["gradient"]> {
    return tf.tidy(() => {
      const [chosen, rejected] = tf.split(tf.reshape(output, [this.lengths.length]), 2);
      const gap = tf.sub(chosen, rejected); // (P)
      // d/d gap of softplus(-gap) is -sigmoid(-gap).
      const slope = tf.div(tf.neg(tf.sigmoid(tf.neg(gap))), this.total);
      const mean = (x: tf.Tensor) => tf.div(tf.sum(x), this.total) as tf.Scalar;
      return {
        outputGradient: tf.reshape(tf.concat([slope, tf.neg(slope)]), output.shape),
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
    readonly options: HeadOptions & { order: BatchOrder; microBatchTokens: number },
  ) {}

  batch(step: number): Promise<StepBatch> {
    const parts = rewardBatches(batchOf(step, this.examples, this.options.order), this.options);
    const learned = parts.reduce((sum, { batch }) => sum + batch.size, 0);
    return Promise.resolve({ parts, metrics: { learned } });
  }
}

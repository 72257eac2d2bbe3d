import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import {
  LanguageModel,
  lengthBuckets,
  type ModelConfig,
  openWeights,
  readConfig,
  rightPadded,
  sequenceLogProbs,
} from "../model/mod.ts";
import { takeRows } from "../tensor/mod.ts";
import type { Turn } from "../text/chat.ts";
import type { Grade, Question } from "./pointwise.ts";

/** Name of the head in checkpoints of `LlamaForSequenceClassification`. */
const HEAD = "score.weight";

/** What a reward model needs from a tokenizer and a chat template. */
export interface DialogueEncoder {
  readonly tokenizer: { encode(text: string): number[] };
  readonly chat: {
    render(turns: readonly Turn[], options: { addGenerationPrompt: boolean }): string;
  };
  /** Most tokens of a dialogue; a longer one loses its start. */
  readonly maxTokens: number;
}

/** A Llama with one number in place of a vocabulary: what RLHF calls a reward model. */
export interface RewardModel {
  readonly model: LanguageModel;
  /** (C): its product with the last hidden state is the reward. */
  readonly head: tf.Tensor1D;
  dispose(): void;
}

/**
 * Loads a reward model as `transformers` saves `LlamaForSequenceClassification` with one label.
 *
 * @throws {UserError} When the checkpoint has no such head, or one of several labels.
 */
export async function loadRewardModel(path: string): Promise<RewardModel> {
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
    const model = await LanguageModel.load(config, source, { file: path });
    const head = tf.keep(tf.tensor1d(await source.read(HEAD)));
    return { model, head, dispose: () => (model.dispose(), head.dispose()) };
  } finally {
    source.close();
  }
}

/** A dialogue with the answer as its last turn, as a reward model reads it in training and in use. */
export function dialogueIds({ prompt, answer }: Question, encoder: DialogueEncoder): number[] {
  const turns: Turn[] = [...prompt, { role: "assistant", content: answer }];
  return encoder.tokenizer.encode(encoder.chat.render(turns, { addGenerationPrompt: false }))
    .slice(-encoder.maxTokens);
}

/**
 * Grades answers by a reward model: the head's number at the last token of the dialogue with the answer
 * as its last turn, written by the chat template.
 */
export function rewardGrade(
  { model, head }: Pick<RewardModel, "model" | "head">,
  encoder: DialogueEncoder,
  { batchTokens = 2048 }: { batchTokens?: number } = {},
): Grade {
  return async (questions) => {
    const sequences = questions.map((question) => dialogueIds(question, encoder));
    const rewards = Array<number>(questions.length);
    for (const group of lengthBuckets(sequences.map((ids) => ids.length), batchTokens)) {
      const batch = rightPadded(group.map((i) => sequences[i]), 0);
      const scored = tf.tidy(() => {
        const rows = group.map((i, b) => b * batch.length + sequences[i].length - 1);
        const last = takeRows(model.hidden(batch), tf.tensor1d(rows, "int32")); // (B, C)
        return tf.matMul(last, head.expandDims(1) as tf.Tensor2D); // (B, 1)
      });
      batch.mask?.dispose();
      const values = await scored.data();
      scored.dispose();
      group.forEach((i, b) => rewards[i] = values[b]);
    }
    return rewards;
  };
}

/**
 * Grades answers by the reward that DPO training leaves implicit in a policy: beta times how much likelier
 * the answer is with the adapter than without (Rafailov et al. 2023, equation 5).
 *
 * @param encode The answer after its prompt as token ids, and where the answer begins.
 */
export function implicitGrade(
  model: LanguageModel,
  encode: (question: Question) => { readonly ids: readonly number[]; readonly from: number },
  { beta, batchTokens = 2048 }: { beta: number; batchTokens?: number },
): Grade {
  return async (questions) => {
    const sequences = questions.map(encode);
    const policy = await sequenceLogProbs(model, sequences, { batchTokens });
    const reference = await model.withoutAdapter(() =>
      sequenceLogProbs(model, sequences, { batchTokens })
    );
    return policy.map((value, i) => beta * (value - reference[i]));
  };
}

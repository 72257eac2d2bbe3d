import * as tf from "@tensorflow/tfjs";
import { matmul } from "../../tensor/mod.ts";
import type { Prepared, SpeedCase } from "./case.ts";
import {
  prepareDpo,
  prepareJudging,
  prepareLora,
  prepareSampling,
  prepareTournament,
  prepareTrain,
} from "./model_cases.ts";

/** What each case is, without our side of it. */
export const SPECIFICATIONS = {
  matmul: { name: "matmul", unit: "GFLOP/s", level: 1, args: { size: 1024, repeats: 10 } },
  /** Full fine-tuning with AdamW of a small LanguageModel, loss on every position. */
  train: {
    name: "train",
    unit: "steps/s",
    compiles: true,
    level: 1.2,
    bestLevel: 1,
    args: {
      layers: 4,
      width: 128,
      heads: 4,
      feed_forward: 344,
      vocabulary: 512,
      batch: 64,
      positions: 64,
    },
  },
  /** LoRA on the seven linear layers of SmolLM2's shapes, AdamW, loss on the last positions. */
  lora: {
    name: "lora",
    unit: "steps/s",
    compiles: true,
    level: 1.2,
    bestLevel: 1,
    args: { rank: 8, alpha: 16, batch: 2, positions: 256, loss_positions: 64 },
    tuned: { tuned: 1 },
  },
  /**
   * DPO with LoRA at SmolLM2's shapes: log-probabilities of the answers under the reference (the adapter off), then the
   * policy's step on them.
   */
  dpo: {
    name: "dpo",
    unit: "steps/s",
    compiles: true,
    level: 1.2,
    bestLevel: 1,
    args: { rank: 8, alpha: 16, pairs: 2, positions: 128, loss_positions: 64, beta: 0.1 },
    tuned: { tuned: 1 },
  },
  /** Sampling with the key-value cache at SmolLM2's shapes, no early stop. */
  sampling: {
    name: "sampling",
    unit: "tokens/s",
    level: 2,
    bestLevel: 1.5,
    args: { batch: 8, prompt: 64, new_tokens: 64, top_p: 0.9 },
  },
  /** The same for 32 rows. */
  sampling32: {
    name: "sampling-32",
    reference: "sampling",
    unit: "tokens/s",
    level: 2,
    bestLevel: 1.5,
    args: { batch: 32, prompt: 64, new_tokens: 32, top_p: 0.9 },
  },
  /** P(A) and P(B) at SmolLM2's shapes for every pair in both positions. */
  judging: {
    name: "judging",
    unit: "pairs/s",
    compiles: true,
    level: 2,
    bestLevel: 1.5,
    args: { pairs: 24, shortest: 80, longest: 300, batch: 8 },
    tuned: { tuned: 1 },
  },
  /** A knockout among answers to one dialogue at SmolLM2's shapes, each match judged in both positions. */
  tournament: {
    name: "tournament",
    unit: "matches/s",
    compiles: true,
    level: 2,
    bestLevel: 1.5,
    args: { candidates: 8, dialogue: 160, answer: 32, question: 24 },
    tuned: { tuned: 1 },
  },
} as const;

/** The small train step with one of its sizes doubled. */
const GROWTH = ([["positions", "tokens"], ["batch", "rows"], ["layers", "layers"]] as const).map(
  ([size, name]) => {
    const { train } = SPECIFICATIONS;
    const args = { ...train.args, [size]: 2 * train.args[size] };
    return { ...train, name: `train-2x-${name}`, reference: "train", growsFrom: "train", args };
  },
);

/**
 * Lengths in tokens of the judge prompts of the case `judging`: both positions of pair i one after the
 * other, spread evenly over the range and out of order, as the pairs of a file are.
 */
export function judgingLengths(
  { pairs, shortest, longest }: { pairs: number; shortest: number; longest: number },
): number[] {
  const lengths = [];
  for (let i = 0; i < pairs; i++) {
    const length = shortest + (97 * i) % (longest - shortest + 1);
    lengths.push(length, length);
  }
  return lengths;
}

/** Peak of the machine: products of two square float32 matrices. */
function prepareMatmul(): Promise<Prepared> {
  const { size, repeats } = SPECIFICATIONS.matmul.args;
  const [a, b] = [tf.randomNormal([size, size]), tf.randomNormal([size, size])];
  return Promise.resolve({
    async run() {
      for (let i = 0; i < repeats; i++) {
        const product = matmul(a, b);
        if (i === repeats - 1) {
          // reading one number back waits for a device that works on its own
          const one = tf.tidy(() => tf.slice(product, [0, 0], [1, 1]));
          await one.data();
          one.dispose();
        }
        product.dispose();
      }
      return repeats * 2 * size ** 3 / 1e9;
    },
    close() {
      tf.dispose([a, b]);
    },
  });
}

/** All cases, in the order in which they run. */
export const CASES: readonly SpeedCase[] = [
  { ...SPECIFICATIONS.matmul, prepare: prepareMatmul },
  { ...SPECIFICATIONS.train, prepare: () => prepareTrain(SPECIFICATIONS.train.args) },
  ...GROWTH.map((one) => ({ ...one, prepare: () => prepareTrain(one.args) })),
  { ...SPECIFICATIONS.lora, prepare: () => prepareLora(SPECIFICATIONS.lora.args) },
  { ...SPECIFICATIONS.dpo, prepare: () => prepareDpo(SPECIFICATIONS.dpo.args) },
  ...[SPECIFICATIONS.sampling, SPECIFICATIONS.sampling32]
    .map((one) => ({ ...one, prepare: () => prepareSampling(one.args) })),
  {
    ...SPECIFICATIONS.judging,
    prepare: () => prepareJudging(judgingLengths(SPECIFICATIONS.judging.args)),
  },
  {
    ...SPECIFICATIONS.tournament,
    prepare: () => prepareTournament(SPECIFICATIONS.tournament.args),
  },
];

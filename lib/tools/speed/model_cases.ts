import { AdamW, ADAMW_DEFAULTS, compile } from "../../tensor/mod.ts";
import {
  combineScores,
  type Compare,
  type Example,
  gradientsOf,
  type MicroBatch,
  preferenceBatches,
  supervisedBatches,
  tournament,
} from "../../method/mod.ts";
import {
  generate,
  LanguageModel,
  LORA_DEFAULTS,
  LoraAdapter,
  type ModelConfig,
  nextTokenProbabilities,
  sequenceLogProbs,
  trainable,
  withAdapterOff,
} from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import type { Prepared } from "./case.ts";

/** Shapes of SmolLM2-135M; speed does not depend on the values, so the weights are random. */
const SMOLLM2: ModelConfig = {
  family: "llama",
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  maxPositions: 8192,
  rmsEps: 1e-5,
  ropeTheta: 100_000,
  ropeScaling: null,
  tieEmbeddings: true,
  biases: [],
  bosId: 1,
  eosIds: [2],
  padId: 2,
};

/** A model with random weights, norms at 1. */
function randomModel(config: ModelConfig): LanguageModel {
  const rng = Rng.named(1, "speed weights");
  return LanguageModel.build(config, (name, shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    if (name.includes("norm")) return new Float32Array(size).fill(1);
    return Float32Array.from({ length: size }, () => (rng.uniform() - 0.5) * 0.07);
  });
}

function randomIds(count: number, length: number, vocabSize: number): number[][] {
  const rng = Rng.named(2, "speed tokens");
  return Array.from({ length: count }, () => Array.from({ length }, () => rng.int(vocabSize)));
}

/** Runs optimiser steps, each on the part that `next` makes. */
function steps(model: LanguageModel, next: () => Promise<MicroBatch> | MicroBatch): Prepared {
  const parameters = trainable(model);
  const optimizer = new AdamW(parameters.size, ADAMW_DEFAULTS);
  const gradientsOfPart = compile(gradientsOf, { name: "the gradient of a training step" });
  let step = 0;
  return {
    async run() {
      const part = await next();
      const dropoutSeed = step++;
      const { gradients, metrics } = gradientsOfPart(part, { model, parameters, dropoutSeed });
      const { updated, norm } = optimizer.step(parameters.tensors(), gradients, 1e-4);
      parameters.replace(updated);
      gradients.forEach((g) => g.dispose());
      await norm.data();
      norm.dispose();
      Object.values(metrics).forEach((m) => m.dispose());
      return 1;
    },
    close() {
      gradientsOfPart.dispose();
      optimizer.dispose();
      model.dispose();
    },
  };
}

/** Learning to write sequences from their token `from` on. */
function supervised(sequences: number[][], from: number): () => MicroBatch {
  const examples = sequences.map((ids): Example => ({ kind: "answer", ids, from }));
  const microBatchTokens = sequences.length * sequences[0].length;
  const options = { weighting: { mode: "token" }, batching: "bucketed", microBatchTokens } as const;
  return () => supervisedBatches(examples, options)[0];
}

/** Full fine-tuning of a small LanguageModel, loss on every position. */
export function prepareTrain(args: {
  layers: number;
  width: number;
  heads: number;
  feed_forward: number;
  vocabulary: number;
  batch: number;
  positions: number;
}): Promise<Prepared> {
  const model = randomModel({
    ...SMOLLM2,
    layers: args.layers,
    hiddenSize: args.width,
    heads: args.heads,
    kvHeads: args.heads,
    headDim: args.width / args.heads,
    intermediateSize: args.feed_forward,
    vocabSize: args.vocabulary,
  });
  const ids = randomIds(args.batch, args.positions, args.vocabulary);
  return Promise.resolve(steps(model, supervised(ids, 1)));
}

/** LoRA on every linear layer at SmolLM2's shapes, loss on the last positions. */
export function prepareLora(args: {
  rank: number;
  alpha: number;
  batch: number;
  positions: number;
  loss_positions: number;
}): Promise<Prepared> {
  const ids = randomIds(args.batch, args.positions, SMOLLM2.vocabSize);
  const next = supervised(ids, args.positions - args.loss_positions);
  return Promise.resolve(steps(withAdapter(args), next));
}

/** A DPO step with LoRA at SmolLM2's shapes: reference, then policy. */
export function prepareDpo(args: {
  rank: number;
  alpha: number;
  pairs: number;
  positions: number;
  loss_positions: number;
  beta: number;
}): Promise<Prepared> {
  const model = withAdapter(args);
  const from = args.positions - args.loss_positions;
  const examples = randomIds(2 * args.pairs, args.positions, SMOLLM2.vocabSize)
    .map((ids): Example => ({ kind: "answer", ids, from }));
  const microBatchTokens = examples.length * args.positions;
  const pairs = Array.from(
    { length: args.pairs },
    (_, i) => ({ chosen: examples[2 * i], rejected: examples[2 * i + 1] }),
  );
  return Promise.resolve(steps(model, async () => {
    const sums = await withAdapterOff(model)((reference) => sequenceLogProbs(reference, examples));
    const scored = pairs.map((pair, i) => ({
      ...pair,
      referenceChosen: sums[2 * i],
      referenceRejected: sums[2 * i + 1],
    }));
    const parameters = { beta: args.beta };
    return preferenceBatches(scored, { loss: "sigmoid", parameters, microBatchTokens })[0];
  }));
}

/** SmolLM2's shapes with a fresh adapter on every linear layer. */
function withAdapter({ rank, alpha }: { rank: number; alpha: number }): LanguageModel {
  const model = randomModel(SMOLLM2);
  const config = { ...LORA_DEFAULTS, r: rank, alpha, dropout: 0 };
  model.adapter = LoraAdapter.create(SMOLLM2, config, Rng.named(3, "speed adapter"));
  return model;
}

/** Sampling with the key-value cache, no early stop. */
export function prepareSampling(args: {
  batch: number;
  prompt: number;
  new_tokens: number;
  top_p: number;
}): Promise<Prepared> {
  const model = randomModel(SMOLLM2);
  const prompts = randomIds(args.batch, args.prompt, SMOLLM2.vocabSize);
  return Promise.resolve({
    async run() {
      const answers = await generate(model, prompts, {
        maxNewTokens: args.new_tokens,
        topP: args.top_p,
        stopIds: [],
        seed: 4,
      });
      return answers.flat().reduce((sum, { ids }) => sum + ids.length, 0);
    },
    close: () => model.dispose(),
  });
}

/** P(A) and P(B) after every prompt; `lengths` has two prompts a pair. */
export function prepareJudging(lengths: readonly number[]): Promise<Prepared> {
  const model = randomModel(SMOLLM2);
  const rng = Rng.named(5, "speed prompts");
  const prompts = lengths.map((length) => Array.from({ length }, () => rng.int(SMOLLM2.vocabSize)));
  return Promise.resolve({
    async run() {
      await nextTokenProbabilities(model, prompts, { tokens: [330, 389] });
      return prompts.length / 2;
    },
    close: () => model.dispose(),
  });
}

/** A knockout among answers to one dialogue; a judge prompt is the dialogue, two answers and a question. */
export function prepareTournament(args: {
  candidates: number;
  dialogue: number;
  answer: number;
  question: number;
}): Promise<Prepared> {
  const model = randomModel(SMOLLM2);
  const [[dialogue], answers, [question]] = [
    [1, args.dialogue],
    [args.candidates, args.answer],
    [1, args.question],
  ].map(([count, length]) => randomIds(count, length, SMOLLM2.vocabSize));
  const candidates = answers.map((_, i) => `${i}`);
  const prompt = (first: string, second: string) => [
    ...dialogue,
    ...answers[Number(first)],
    ...answers[Number(second)],
    ...question,
  ];
  const compare: Compare = async (matches) => {
    const prompts = matches.flatMap(({ first, second }) => [
      prompt(first, second),
      prompt(second, first),
    ]);
    const found = await nextTokenProbabilities(model, prompts, { tokens: [330, 389] });
    return matches.map((_, i) => {
      const [forward, backward] = [found[2 * i], found[2 * i + 1]].map(([a, b]) => ({ a, b }));
      return combineScores([{ principle: "overall", forward, backward }]);
    });
  };
  return Promise.resolve({
    async run() {
      const rng = Rng.named(6, "speed tournament");
      const contest = { prompt: [{ role: "user", content: "" } as const], candidates };
      return (await tournament(contest, { compare, rng })).matches.length;
    },
    close: () => model.dispose(),
  });
}

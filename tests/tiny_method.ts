/** What the tests of the align room share, on the tiny model of tiny.ts. */
import * as tf from "@tensorflow/tfjs";
import {
  type AnswerEncoder,
  type BatchSource,
  type Example,
  gradientsOf,
  jsftExamples,
  type MicroBatch,
  type ScoredPair,
  type StepLog,
  train,
  type TrainOptions,
} from "../lib/method/mod.ts";
import { JudgeTemplate, principlesNamed } from "../lib/method/mod.ts";
import {
  type LanguageModel,
  LORA_DEFAULTS,
  LoraAdapter,
  sequenceLogProbs,
  trainable,
  withAdapterOff,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { ADAMW_DEFAULTS } from "../lib/tensor/mod.ts";
import { ChatTemplate } from "../lib/text/mod.ts";
import { randoms, tinyLanguage, tinyModel, tinyPairs } from "./tiny.ts";

/** How the tiny language becomes tokens. */
export function tinyEncoder(overrides: Partial<AnswerEncoder> = {}): AnswerEncoder {
  const tokenizer = tinyLanguage();
  const chat = ChatTemplate.of(tokenizer);
  return { tokenizer, chat, maxTokens: 64, overflow: "refuse", ...overrides };
}

/** Judge templates of the built-in principles with these names. */
export function tinyTemplates(...names: string[]): JudgeTemplate[] {
  return principlesNamed(names.length ? names : ["overall"])
    .map((principle) =>
      new JudgeTemplate({ ...tinyEncoder(), principle, maxTokens: 200, overflow: "refuse" })
    );
}

/** JSFT examples of a few tiny pairs, both kinds. */
export function tinyExamples(pairs: number): Example[] {
  const options = { encoder: tinyEncoder(), templates: tinyTemplates() };
  return jsftExamples(tinyPairs(pairs, 5), options).examples;
}

/** The tiny model with an adapter; `moved` gives the adapter random values, so that it does something. */
export function tinyWithAdapter(
  { dropout = 0, moved = false, seed = 1, ...shape }: {
    dropout?: number;
    moved?: boolean;
    seed?: number;
    maxPositions?: number;
  } = {},
): LanguageModel {
  const model = tinyModel(shape);
  const rng = Rng.named(seed, "adapter");
  model.adapter = LoraAdapter.create(model.config, { ...LORA_DEFAULTS, r: 4, dropout }, rng);
  if (moved) {
    const parameters = trainable(model);
    parameters.replace(
      parameters.tensors().map((t) =>
        tf.tensor(randoms(t.size, { rng, low: -0.3, high: 0.3 }), t.shape)
      ),
    );
  }
  return model;
}

/** Values of everything trainable, one after the other. */
export async function values(model: LanguageModel): Promise<number[]> {
  const all = await Promise.all(trainable(model).tensors().map((t) => t.data()));
  return all.flatMap((v) => [...v]);
}

/** What the parts of a batch add up to: their metrics and their gradients, one after the other. */
export async function sumOfParts(
  model: LanguageModel,
  parts: readonly MicroBatch[],
): Promise<{ metrics: Record<string, number>; gradient: number[] }> {
  const metrics: Record<string, number> = {};
  let gradient: number[] = [];
  for (const part of parts) {
    const found = gradientsOf(part, { model, parameters: trainable(model) });
    for (const [name, value] of Object.entries(found.metrics)) {
      metrics[name] = (metrics[name] ?? 0) + (await value.data())[0];
      value.dispose();
    }
    const flat = (await Promise.all(found.gradients.map((g) => g.data()))).flatMap((v) => [...v]);
    gradient = gradient.length ? gradient.map((g, i) => g + flat[i]) : flat;
    found.gradients.forEach((g) => g.dispose());
  }
  return { metrics, gradient };
}

/** Pairs with the log-probabilities of the model without its adapter. */
export async function underReference(
  model: LanguageModel,
  pairs: readonly { chosen: Example; rejected: Example }[],
): Promise<ScoredPair[]> {
  const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const sums = await withAdapterOff(model)((m) => sequenceLogProbs(m, sequences));
  return pairs.map((pair, i) => ({
    ...pair,
    referenceChosen: sums[2 * i],
    referenceRejected: sums[2 * i + 1],
  }));
}

/** Largest difference of two lists of equal length. */
export function distance(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

/** A training as tests write it: batches by a function, and what is heard of it. */
export interface TestTraining extends Partial<Omit<TrainOptions, "log" | "data">> {
  model: LanguageModel;
  steps: number;
  prepare: BatchSource["batch"];
  rate?: number;
  onStart?: (done: number) => void;
  onStep?: (log: StepLog) => Promise<void> | void;
  shouldStop?: () => boolean;
}

/** Trains with usual settings and gives the log; the rest as told. */
export async function trainLogged(
  { rate = 0.01, prepare, onStart, onStep, shouldStop, ...rest }: TestTraining,
): Promise<StepLog[]> {
  const logs: StepLog[] = [];
  await train({
    schedule: { learningRate: rate, shape: "constant", warmup: 0 },
    optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
    seed: 1,
    data: { batch: prepare },
    log: {
      start: onStart,
      step: async (log) => {
        logs.push(log);
        await onStep?.(log);
      },
      stopping: shouldStop,
    },
    ...rest,
  });
  return logs;
}

/** A log without the numbers that tell the time. */
export function timelessLog(log: StepLog): Record<string, number> {
  return Object.fromEntries(Object.entries(log).filter(([name]) => !name.startsWith("seconds")));
}

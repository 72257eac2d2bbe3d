import * as tf from "@tensorflow/tfjs";
import { exists } from "../base/files.ts";
import { Rng } from "../base/random.ts";
import {
  answerExample,
  batchOf,
  type FormedPair,
  fromDataset,
  type MicroBatch,
  preferenceBatches,
  type Ranker,
  train,
} from "../method/mod.ts";
import {
  type LanguageModel,
  LoraAdapter,
  openSafetensors,
  sequenceLogProbs,
  trainable,
  writeSafetensors,
} from "../model/mod.ts";
import type { DiscriminatorKind, DiscriminatorParts } from "../run/mod.ts";
import { ADAMW_DEFAULTS } from "../tensor/mod.ts";
import { implicitGrade } from "./implicit_reward.ts";
import { type Grade, pointwiseJudge } from "./pointwise.ts";
import { rewardBatches, rewardExamples, rewardGrade, scoreHead } from "./reward_model.ts";

/**
 * D2PO's discriminator, a ranker that learns in the midst of a run: a Bradley-Terry model, or one trained by DPO, which
 * grades by its implicit reward (https://arxiv.org/abs/2405.01511). It is an adapter, for the former with a
 * head, on the weights that the policy started from, so that it needs no second model in memory.
 *
 * It learns first of `first` pairs of the data set, where there are some; without any it has no preference until its
 * first gold labels. Each lesson is `passes` passes over its pairs with a fresh optimiser. What it knows after a lesson
 * is a file of its step, which a resumed run reads again.
 *
 * The rate, the pairs of a lesson's step, the number of the data set's pairs and that it is an adapter are ours.
 */
export async function discriminator(
  kind: DiscriminatorKind,
  parts: DiscriminatorParts,
): Promise<Ranker> {
  const { reference, folder, parameters = {}, labelled, seed } = parts;
  const learner = await reference((start) => Promise.resolve(new Learner(kind, start, parts)));
  const at = (step: number) => `${folder}/discriminator-${step}.safetensors`;
  let taught = BEFORE; // the step whose lesson it had last
  const learn = async (pairs: readonly FormedPair[], step: number) => {
    await learner.learn(pairs, step);
    await learner.save(at(step));
    taught = step;
  };
  const judge = pointwiseJudge("discriminator", (answers) => learner.grade(answers));
  return {
    compare: judge.compare,
    promptsFor: judge.promptsFor,
    before: async (step) => {
      if (taught === BEFORE && step === 0) {
        const { first = 0 } = parameters;
        const some = Rng.named(seed, "discriminator/first").shuffle([...labelled]).slice(0, first);
        const pairs = fromDataset(some, parts.encoder).map(({ pair, answers: [w, l] }) => ({
          ...{ prompt: pair, chosen: w, rejected: l },
        }));
        if (pairs.length > 0) await learn(pairs, FIRST);
        return;
      }
      // In a resumed run: as it was after the last lesson before this step.
      let last = step - 1;
      while (last > taught && !await exists(at(last))) last--;
      if (last <= taught) return;
      await learner.load(at(last));
      taught = last;
    },
    learn,
    dispose: () => learner.dispose(),
  };
}

/** In the place of a step: before any lesson, and that of the data set's pairs. */
const [BEFORE, FIRST] = [-2, -1];
/** Rate of a lesson, and pairs a step of it. */
const [RATE, BATCH] = [1e-4, 16];
/** Of the implicit reward: D2PO's. */
const BETA = 0.05;

/** An adapter and a head that are put on the start model's weights for as long as they are asked or taught. */
class Learner {
  readonly #adapter: LoraAdapter;
  readonly #head = new Map<string, tf.Tensor>();

  constructor(
    readonly kind: DiscriminatorKind,
    { config }: LanguageModel,
    readonly parts: DiscriminatorParts,
  ) {
    const { adapter, seed } = parts;
    this.#adapter = LoraAdapter.create(config, adapter, Rng.named(seed, "discriminator/adapter"));
    if (kind === "discriminator") this.#head = scoreHead(config);
  }

  readonly grade: Grade = (answers) =>
    this.#on((model) => {
      const { encoder, microBatchTokens: batchTokens } = this.parts;
      if (this.kind === "discriminator") {
        return rewardGrade(model, encoder, { batchTokens, head: this.#head })(answers);
      }
      // An answer drawn within the limit may be a little longer encoded again.
      const wide = { ...encoder, maxTokens: model.config.maxPositions };
      return implicitGrade(
        model,
        ({ prompt, answer }) => answerExample({ prompt, answer, pair: "drawn" }, wide)!.example,
        { beta: BETA, batchTokens },
      )(answers);
    });

  async learn(pairs: readonly FormedPair[], step: number): Promise<void> {
    const { parameters, seed } = this.parts;
    const { passes = 4 } = parameters ?? {};
    const batchSize = Math.min(BATCH, pairs.length);
    const order = { name: `discriminator/${step}`, batchSize, seed, last: "dropped" as const };
    await this.#on(async (model) => {
      await train({
        model,
        parameters: trainable(model, { also: [this.#head] }),
        data: {
          batch: async (at) => ({ parts: await this.#lesson(model, batchOf(at, pairs, order)) }),
        },
        steps: passes * Math.floor(pairs.length / batchSize),
        schedule: { learningRate: RATE, shape: "constant", warmup: 0 },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        seed: seed + step + 2,
      });
    });
  }

  async #lesson(model: LanguageModel, pairs: readonly FormedPair[]): Promise<MicroBatch[]> {
    const { encoder, microBatchTokens } = this.parts;
    if (this.kind === "discriminator") {
      const texts = pairs.map(({ prompt: { id, prompt }, chosen, rejected }) => ({
        ...{ id, prompt, chosen: chosen.text, rejected: rejected.text },
      }));
      return rewardBatches(rewardExamples(texts, encoder), { microBatchTokens, head: this.#head });
    }
    const examples = pairs.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
    const before = await model.withoutAdapter(() =>
      sequenceLogProbs(model, examples, { batchTokens: microBatchTokens })
    );
    const scored = pairs.map(({ chosen, rejected }, i) => ({
      ...{ chosen: chosen.example, rejected: rejected.example },
      ...{ referenceChosen: before[2 * i], referenceRejected: before[2 * i + 1] },
    }));
    return preferenceBatches(scored, {
      ...{ loss: "sigmoid", parameters: { beta: BETA }, microBatchTokens },
    });
  }

  async save(path: string): Promise<void> {
    const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
    for (const [name, tensor] of this.#stores().flatMap((store) => [...store])) {
      tensors[name] = { shape: tensor.shape, data: await tensor.data() as Float32Array };
    }
    await writeSafetensors(path, tensors);
  }

  async load(path: string): Promise<void> {
    const file = await openSafetensors(path);
    try {
      for (const store of this.#stores()) {
        for (const [name, old] of store) {
          store.set(name, tf.keep(tf.tensor(await file.read(name), old.shape, "float32")));
          old.dispose();
        }
      }
    } finally {
      file.close();
    }
  }

  dispose(): void {
    this.#adapter.dispose();
    this.#head.forEach((tensor) => tensor.dispose());
  }

  #stores(): Map<string, tf.Tensor>[] {
    return [this.#adapter.parameters, this.#head];
  }

  #on<T>(work: (model: LanguageModel) => Promise<T>): Promise<T> {
    return this.parts.reference(async (start) => {
      start.adapter = this.#adapter;
      try {
        return await work(start);
      } finally {
        start.adapter = null;
      }
    });
  }
}

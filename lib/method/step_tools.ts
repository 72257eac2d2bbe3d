import type { Tensor } from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { generateMixture, type LanguageModel, sequenceLogProbs } from "../model/mod.ts";
import { type Example, learnedTokens } from "./example.ts";
import type { Compare } from "./judgment.ts";
import type { LoopOptions } from "./loop_options.ts";
import type { FormedPair, PairMemory, StepTools } from "./method.ts";
import { REFERENCE_FREE } from "./losses.ts";
import type { MicroBatch } from "./objective.ts";
import { type DrawOptions, PairMaker } from "./pair_maker.ts";
import { preferenceBatches, type ScoredPair } from "./preference.ts";
import { decodedAnswers, sampleAnswers } from "./sample.ts";
import { supervisedBatches } from "./supervised.ts";

/** The tools of one step by a model that is here, which count what they do. */
export class CountingTools extends PairMaker implements StepTools {
  constructor(
    readonly options: LoopOptions,
    step: number,
    readonly memory: PairMemory,
  ) {
    const { model, reference } = options;
    const draw =
      (prompts: readonly (readonly number[])[], drawing: DrawOptions) => (of: LanguageModel) =>
        sampleAnswers(of, prompts, drawing);
    super({
      ...options,
      contextTokens: model.config.maxPositions,
      samplers: {
        policy: (prompts, drawing) => draw(prompts, drawing)(model),
        start: (prompts, drawing) => reference(draw(prompts, drawing)),
        mixture: async (prompts, { encoder, ...drawing }) => {
          const stopIds = encoder.tokenizer.endIds;
          const found = await generateMixture(model, reference, prompts, { ...drawing, stopIds });
          return decodedAnswers(found, prompts, encoder);
        },
      },
    }, step);
  }

  get model() {
    return this.options.model;
  }
  get beta() {
    return this.options.config.beta;
  }
  get microBatchTokens() {
    return this.options.config.microBatchTokens;
  }

  readonly gold: Compare = async (comparisons) => {
    const { gold } = this.options;
    if (!gold) {
      throw new UserError(
        "the method asks for gold labels, and there is nobody to give any",
        "name a gold judge (--gold SPEC), or take a method without gold labels",
      );
    }
    this.count("gold", comparisons.length);
    return await gold.compare(comparisons);
  };

  async teach(pairs: readonly FormedPair[]): Promise<void> {
    this.count("taught", pairs.length);
    await this.options.ranker?.learn?.(pairs, this.step);
  }

  get head(): ReadonlyMap<string, Tensor> {
    return this.options.head ?? new Map();
  }

  async logProbs(examples: readonly Example[], under: "policy" | "start"): Promise<number[]> {
    if (examples.length === 0) return [];
    const { model, reference } = this.options;
    // An answer may be in several pairs, as OSP's are; in a round that was kept as a file those are objects apart.
    const keys = examples.map(({ ids, from, skipped }) => JSON.stringify([ids, from, skipped]));
    const byKey = new Map(examples.map((example, i) => [keys[i], example]));
    const once = [...byKey.values()];
    const scored = (of: LanguageModel) =>
      sequenceLogProbs(of, once, { batchTokens: this.microBatchTokens });
    this.count(under === "policy" ? "scoredPolicy" : "scoredStart", once.length);
    this.count("scoredTokens", once.reduce((n, { ids }) => n + ids.length, 0));
    const sums = under === "policy" ? await scored(model) : await reference(scored);
    const sumOf = new Map([...byKey.keys()].map((key, i) => [key, sums[i]]));
    return keys.map((key) => sumOf.get(key)!);
  }

  async score(pairs: readonly FormedPair[]): Promise<ScoredPair[]> {
    const { loss } = this.method;
    const alone = loss !== "sft" && REFERENCE_FREE[loss] !== undefined;
    const examples = pairs.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
    const sums = alone ? examples.map(() => 0) : await this.logProbs(examples, "start");
    const offsets = await this.method.offsets?.(pairs, this);
    return pairs.map(({ chosen, rejected, label, weight }, i) => ({
      chosen: chosen.example,
      rejected: rejected.example,
      referenceChosen: sums[2 * i],
      referenceRejected: sums[2 * i + 1],
      label,
      weight,
      offset: offsets?.[i],
    }));
  }

  async learn(
    pairs: readonly FormedPair[],
    { total }: { total?: number } = {},
  ): Promise<MicroBatch[]> {
    const { method } = this;
    if (pairs.length === 0) return [];
    if (method.loss === "sft") {
      return supervisedBatches(pairs.map(({ chosen }) => chosen.example), {
        weighting: { mode: "token" },
        batching: "bucketed",
        microBatchTokens: this.microBatchTokens,
      });
    }
    const scored = await this.score(pairs);
    return preferenceBatches(scored, {
      loss: method.loss,
      parameters: {
        beta: this.beta,
        ...method.parameters,
        ...await method.measured?.(scored, this),
      },
      total,
      microBatchTokens: this.microBatchTokens,
    });
  }
}

/** Pairs kept for as long as the process runs. */
export class ShortMemory implements PairMemory {
  #rows: { step: number; pair: FormedPair }[] = [];

  recall(step: number): Promise<{ step: number; pair: FormedPair }[]> {
    this.#rows = this.#rows.filter((row) => row.step < step);
    return Promise.resolve([...this.#rows]);
  }

  keep(step: number, pairs: readonly FormedPair[]): Promise<void> {
    this.#rows.push(...pairs.map((pair) => ({ step, pair })));
    return Promise.resolve();
  }
}

/** Mean length of answers in tokens, the end token counted; 0 of none. */
export function meanTokens(examples: readonly Example[]): number {
  return mean(examples.map(learnedTokens));
}

/** The mean, and 0 of nothing: a log has no room for a reason. */
export function mean(values: readonly number[]): number {
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0;
}

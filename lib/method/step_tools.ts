import type { Tensor } from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { generateMixture, type LanguageModel, sequenceLogProbs } from "../model/mod.ts";
import { batchOf } from "./batch_order.ts";
import { type Candidates, learnedAnswer, type LoopPrompt } from "./candidates.ts";
import { encodePromptToFit } from "./encoder.ts";
import { type Example, learnedTokens } from "./example.ts";
import type { Compare, Judgment } from "./judgment.ts";
import type { LoopOptions } from "./loop_options.ts";
import type { FormedPair, PairMemory, SampleOptions, StepTools } from "./method.ts";
import type { MicroBatch } from "./objective.ts";
import { preferenceBatches, type ScoredPair } from "./preference.ts";
import { decodedAnswers, sampleAnswers } from "./sample.ts";
import { supervisedBatches } from "./supervised.ts";

/** The tools of one step, which count what they do. */
export class CountingTools implements StepTools {
  /** The comparisons' judgments so far. */
  readonly judgments: Judgment[] = [];
  /** Numbers for the step's log. */
  readonly metrics: Record<string, number> = {};
  readonly seconds = { sampling: 0, judging: 0 };

  constructor(
    readonly options: LoopOptions,
    readonly step: number,
    readonly memory: PairMemory,
  ) {}

  get method() {
    return this.options.method;
  }
  get model() {
    return this.options.model;
  }
  get encoder() {
    return this.options.encoder;
  }
  get beta() {
    return this.options.config.beta;
  }
  get microBatchTokens() {
    return this.options.config.microBatchTokens;
  }
  get batchSize() {
    return this.options.config.batchSize;
  }
  get undecided() {
    return this.options.config.undecided ?? "skip";
  }

  prompts(): LoopPrompt[] {
    const { pairs, config: { batchSize, seed } } = this.options;
    return batchOf(this.step, pairs, { name: "preference", batchSize, seed, last: "dropped" });
  }

  all(): readonly LoopPrompt[] {
    return this.options.pairs;
  }

  async sample(pairs: readonly LoopPrompt[], sampling: SampleOptions): Promise<Candidates[]> {
    const { method, model, reference, config } = this.options;
    const { asked, learned } = { ...method.prompts, ...sampling };
    const { maxPositions } = model.config;
    const encoder = sampling.longer ? { ...this.encoder, maxTokens: maxPositions } : this.encoder;
    const cut = encoder.overflow === "truncate-start";
    const prompts = pairs.map((pair) => ({
      pair,
      ids: encodePromptToFit(asked?.(pair.prompt) ?? pair.prompt, encoder),
    })).filter(({ ids }) => cut || ids.length + config.maxNewTokens <= encoder.maxTokens);
    const candidates = sampling.candidates ?? method.candidates;
    const seed = this.rng(["sample", sampling.name].filter(Boolean).join("/")).int(0x7fff_ffff);
    const ids = prompts.map((prompt) => prompt.ids);
    const draw = (sampler: LanguageModel) =>
      sampleAnswers(sampler, ids, { ...config, encoder, samples: candidates, seed });
    const drawMixture = async () => {
      const { endIds: stopIds } = encoder.tokenizer;
      const { mix = 0.5 } = sampling;
      const found = await generateMixture(model, reference, ids, { ...config, stopIds, seed, mix });
      return decodedAnswers(found, ids, encoder);
    };
    const started = performance.now();
    const from = sampling.from ?? method.samples;
    const drawn = from === "mixture"
      ? await drawMixture()
      : from === "policy"
      ? await draw(model)
      : await reference(draw);
    this.seconds.sampling += (performance.now() - started) / 1000;
    this.#count("samples", prompts.length * candidates);
    this.#count(
      "sampledTokens",
      drawn.flat().reduce((n, { ids, from }) => n + ids.length - from, 0),
    );
    return drawn.map((answers, i): Candidates => {
      const { pair } = prompts[i];
      const from = learned?.(pair.prompt);
      return { pair, answers: answers.map((answer) => learnedAnswer(answer, pair, from, encoder)) };
    });
  }

  readonly compare: Compare = async (comparisons) => {
    const { ranker, method } = this.options;
    if (ranker === null) {
      throw new UserError(
        `a method that is ranked by the ${method.ranker} has nobody to ask`,
        "give it another ranker",
      );
    }
    const started = performance.now();
    const judgments = await ranker.compare(comparisons);
    this.seconds.judging += (performance.now() - started) / 1000;
    this.#count("comparisons", comparisons.length);
    this.#count("judgePrompts", ranker.promptsFor?.(comparisons) ?? 0);
    this.judgments.push(...judgments);
    return judgments;
  };

  readonly gold: Compare = async (comparisons) => {
    const { gold } = this.options;
    if (!gold) {
      throw new UserError(
        "the method asks for gold labels, and there is nobody to give any",
        "name a gold judge (--gold SPEC), or take a method without gold labels",
      );
    }
    this.#count("gold", comparisons.length);
    return await gold.compare(comparisons);
  };

  async teach(pairs: readonly FormedPair[]): Promise<void> {
    this.#count("taught", pairs.length);
    await this.options.ranker?.learn?.(pairs, this.step);
  }

  get head(): ReadonlyMap<string, Tensor> {
    return this.options.head ?? new Map();
  }

  distinct(candidates: readonly Candidates[]): Candidates[] {
    return candidates.filter(({ answers }) =>
      this.options.config.identical === "keep" ||
      answers.some(({ text }) => text !== answers[0].text)
    );
  }

  async logProbs(examples: readonly Example[], under: "policy" | "start"): Promise<number[]> {
    if (examples.length === 0) return [];
    const { model, reference } = this.options;
    // An answer may be in several pairs, as OSP's are.
    const once = [...new Set(examples)];
    const scored = (of: LanguageModel) =>
      sequenceLogProbs(of, once, { batchTokens: this.microBatchTokens });
    this.#count(under === "policy" ? "scoredPolicy" : "scoredStart", once.length);
    this.#count("scoredTokens", once.reduce((n, { ids }) => n + ids.length, 0));
    const sums = under === "policy" ? await scored(model) : await reference(scored);
    const sumOf = new Map(once.map((example, i) => [example, sums[i]]));
    return examples.map((example) => sumOf.get(example)!);
  }

  async score(pairs: readonly FormedPair[]): Promise<ScoredPair[]> {
    const examples = pairs.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
    const sums = await this.logProbs(examples, "start");
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

  async learn(pairs: readonly FormedPair[]): Promise<MicroBatch[]> {
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
      microBatchTokens: this.microBatchTokens,
    });
  }

  readonly rng = (name: string): Rng =>
    Rng.named(this.options.config.seed, `preference/${name}/${this.step}`);

  metric(name: string, value: number): void {
    this.metrics[name] = value;
  }

  #count(name: string, more: number): void {
    this.metrics[name] = (this.metrics[name] ?? 0) + more;
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

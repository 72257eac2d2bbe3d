import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import type { SamplingConfig } from "../model/mod.ts";
import { batchOf } from "./batch_order.ts";
import { type Candidates, learnedAnswer, type LoopPrompt } from "./candidates.ts";
import { type AnswerEncoder, encodePromptToFit } from "./encoder.ts";
import type { Compare, Judgment } from "./judgment.ts";
import type { PreferenceConfig, Ranker } from "./loop_options.ts";
import type { Method, PairTools, SampleOptions } from "./method.ts";
import type { SampledAnswer } from "./sample.ts";

/** How a sampler draws. */
export interface DrawOptions extends SamplingConfig {
  readonly encoder: AnswerEncoder;
  readonly maxNewTokens: number;
  /** Answers to each prompt. */
  readonly samples: number;
  readonly seed: number;
  /** Rows decoded together, where the sampler decodes here. */
  readonly batchRows: number;
  /** The start model's part in a mixture. */
  readonly mix: number;
}

/** Draws answers to prompts' token ids, wherever the model that answers is. */
export type Sampler = (
  prompts: readonly (readonly number[])[],
  options: DrawOptions,
) => Promise<SampledAnswer[][]>;

/** What pairs are made with. No model is in it: samplers and ranker may be elsewhere. */
export interface PairOptions {
  readonly method: Method;
  /** By what they draw from; a method that samples from another one is refused. */
  readonly samplers: Readonly<Partial<Record<"policy" | "start" | "mixture", Sampler>>>;
  /** Null where the data set's labels rank, or nobody. */
  readonly ranker: Ranker | null;
  /** What is asked; where the data set's answers are compared, its pairs. */
  readonly pairs: readonly LoopPrompt[];
  readonly encoder: AnswerEncoder;
  readonly config: Omit<PreferenceConfig, "beta" | "microBatchTokens">;
  /** Tokens of the model's context, which prompts that are longer than the data's may fill. */
  readonly contextTokens: number;
}

/** Makes the pairs of one step: prompts, answers, verdicts; it counts what it does. */
export class PairMaker implements PairTools {
  /** The comparisons' judgments so far. */
  readonly judgments: Judgment[] = [];
  /** Numbers for the step's log. */
  readonly metrics: Record<string, number> = {};
  readonly seconds = { sampling: 0, judging: 0 };

  constructor(readonly making: PairOptions, readonly step: number) {}

  get method() {
    return this.making.method;
  }
  get encoder() {
    return this.making.encoder;
  }
  get batchSize() {
    return this.making.config.batchSize;
  }
  get undecided() {
    return this.making.config.undecided ?? "skip";
  }

  prompts(): LoopPrompt[] {
    const { pairs, config: { batchSize, seed } } = this.making;
    return batchOf(this.step, pairs, { name: "preference", batchSize, seed, last: "dropped" });
  }

  all(): readonly LoopPrompt[] {
    return this.making.pairs;
  }

  async sample(pairs: readonly LoopPrompt[], sampling: SampleOptions): Promise<Candidates[]> {
    const { method, samplers, config, contextTokens } = this.making;
    const { asked, learned } = { ...method.prompts, ...sampling };
    const cut = this.encoder.overflow === "truncate-start";
    // A prompt that is cut fills its limit: of the context there must be room left for an answer.
    const longest = cut ? contextTokens - config.maxNewTokens : contextTokens;
    const encoder = sampling.longer ? { ...this.encoder, maxTokens: longest } : this.encoder;
    const prompts = pairs.map((pair) => ({
      pair,
      ids: encodePromptToFit(asked?.(pair.prompt) ?? pair.prompt, encoder),
    })).filter(({ ids }) => cut || ids.length + config.maxNewTokens <= encoder.maxTokens);
    const candidates = sampling.candidates ?? method.candidates;
    const seed = this.rng(["sample", sampling.name].filter(Boolean).join("/")).int(0x7fff_ffff);
    const started = performance.now();
    const from = sampling.from ?? method.samples;
    const sampler = from === "dataset" ? undefined : samplers[from];
    if (!sampler) {
      throw new UserError(
        `the method samples from the ${from}, and there is no such sampler`,
        "choose a method that samples from what this run has",
      );
    }
    const { mix = 0.5 } = sampling;
    const drawn = await sampler(
      prompts.map(({ ids }) => ids),
      { ...config, encoder, samples: candidates, seed, mix },
    );
    const seconds = (performance.now() - started) / 1000;
    if (sampling.grading) {
      this.seconds.judging += seconds;
      this.count("judgePrompts", prompts.length * candidates);
    } else {
      this.seconds.sampling += seconds;
      this.count("samples", prompts.length * candidates);
      const tokens = drawn.flat().reduce((n, { ids, from }) => n + ids.length - from, 0);
      this.count("sampledTokens", tokens);
    }
    return drawn.map((answers, i): Candidates => {
      const { pair } = prompts[i];
      const from = learned?.(pair.prompt);
      return { pair, answers: answers.map((answer) => learnedAnswer(answer, pair, from, encoder)) };
    });
  }

  readonly compare: Compare = async (comparisons) => {
    const { ranker, method } = this.making;
    if (ranker === null) {
      throw new UserError(
        `a method that is ranked by the ${method.ranker} has nobody to ask`,
        "give it another ranker",
      );
    }
    const started = performance.now();
    const judgments = await ranker.compare(comparisons);
    this.seconds.judging += (performance.now() - started) / 1000;
    this.count("comparisons", comparisons.length);
    this.count("judgePrompts", ranker.promptsFor?.(comparisons) ?? 0);
    this.judgments.push(...judgments);
    return judgments;
  };

  distinct(candidates: readonly Candidates[]): Candidates[] {
    return candidates.filter(({ answers }) =>
      this.making.config.identical === "keep" ||
      answers.some(({ text }) => text !== answers[0].text)
    );
  }

  readonly rng = (name: string): Rng =>
    Rng.named(this.making.config.seed, `preference/${name}/${this.step}`);

  metric(name: string, value: number): void {
    this.metrics[name] = value;
  }

  protected count(name: string, more: number): void {
    this.metrics[name] = (this.metrics[name] ?? 0) + more;
  }
}

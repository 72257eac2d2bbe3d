import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import {
  type LanguageModel,
  type SamplingConfig,
  sequenceLogProbs,
  type WithModel,
} from "../model/mod.ts";
import { batchOf } from "./batch_order.ts";
import {
  type Answer,
  type Candidates,
  fromDataset,
  learnedAnswer,
  type LoopPrompt,
} from "./candidates.ts";
import { type AnswerEncoder, encodePromptToFit } from "./encoder.ts";
import type { Judge, Judgment } from "./judgment.ts";
import type { Method } from "./methods.ts";
import type { MicroBatch } from "./objective.ts";
import { preferenceBatches, type ScoredPair } from "./preference.ts";
import { sampleAnswers } from "./sample.ts";
import { supervisedBatches } from "./supervised.ts";
import { tournaments } from "./tournament.ts";
import type { BatchSource, StepBatch } from "./trainer.ts";

/** Settings of preference training beside the method. */
export interface PreferenceConfig extends SamplingConfig {
  beta: number;
  /** Prompts per step. */
  batchSize: number;
  maxNewTokens: number;
  /** Rows decoded together. */
  batchRows: number;
  microBatchTokens: number;
  seed: number;
  /**
   * Two equal samples: left out, or a pair that moves nothing and counts in the batch's mean, as in the authors'
   * code. @default "skip"
   */
  identical?: "skip" | "keep";
  /** A tie or an unanswered pair: left out, or the second answer is chosen, as in the authors' code. @default "skip" */
  undecided?: "skip" | "second";
}

/** Who ranks the answers of a step. */
export interface Ranker extends Pick<Judge, "compare"> {
  /** Told of each step before it ranks: a judge may be renewed, a coin starts its step's stream. */
  readonly before?: (step: number) => Promise<void> | void;
  readonly dispose?: () => void;
}

/** What {@linkcode PreferenceLoop} works with. */
export interface LoopOptions {
  readonly method: Method;
  /** The policy: the model in training. */
  readonly model: LanguageModel;
  /**
   * The model that the policy started from: the reference of the loss and, off-policy, the sampler. It is called
   * with what is to be done under it, since with LoRA it is the policy with its adapter off for that time.
   */
  readonly reference: WithModel;
  /** The ranker the method names; null where the data set's labels rank. */
  readonly ranker: Ranker | null;
  /** What is asked; where the data set's answers are compared, its pairs. */
  readonly pairs: readonly LoopPrompt[];
  readonly encoder: AnswerEncoder;
  readonly config: PreferenceConfig;
}

/** A pair that a step learned from, for the run folder. */
export interface RankedPair {
  readonly step: number;
  readonly pair: string;
  readonly chosen: string;
  readonly rejected: string;
  /** J(chosen, rejected) of the ranker; absent where the data set's labels rank. */
  readonly preference?: number;
  readonly consistent?: boolean;
}

interface Ranked {
  readonly pair: LoopPrompt;
  readonly chosen: Answer;
  readonly rejected: Answer;
  /** Probability that the chosen one is better, by the method's kind of label. */
  readonly label: number;
  /** Absent where the data set's labels rank. `preference`: J(chosen, rejected). */
  readonly verdict?: { readonly preference: number; readonly consistent: boolean };
}

/**
 * The self-judging loop, a step of it at a time: sample, rank, score under the reference (SELF-JUDGE,
 * https://arxiv.org/abs/2402.11253, section 3.2), or what another method puts in their places.
 *
 * Identical samples teach nothing and are skipped, as are pairs on which the ranker is undecided (a tie, unless
 * the method learns from ties, or next to no probability on either label); both are counted. With more than two
 * candidates the pair is the final's: where both finalists are the same text, there is no verdict on them, and the
 * prompt counts as undecided.
 */
export class PreferenceLoop implements BatchSource {
  readonly #options: LoopOptions;

  /** @throws {UserError} When the method has the data set's labels rank answers that they do not know. */
  constructor(options: LoopOptions) {
    const { method: { samples, ranker } } = options;
    if (ranker === "labels" && samples !== "dataset") {
      throw new UserError(
        `the data set's labels cannot rank answers sampled from the ${samples}`,
        'give the method samples "dataset", or another ranker',
      );
    }
    if (samples === "dataset" && !options.pairs.every((pair) => "rejected" in pair)) {
      throw new UserError(
        "prompts without two answers cannot be compared by a method on the data set's answers",
        "give it pairs, or a method that samples",
      );
    }
    this.#options = options;
  }

  async batch(step: number): Promise<StepBatch & { pairs: RankedPair[] }> {
    const { method, ranker, encoder } = this.#options;
    await ranker?.before?.(step);
    const prompts = this.#promptsOf(step);
    const started = performance.now();
    const candidates = method.samples === "dataset"
      ? fromDataset(prompts, encoder)
      : await this.#sample(prompts, step);
    const sampledAt = performance.now();
    const distinct = candidates.filter(({ answers }) =>
      this.#options.config.identical === "keep" ||
      answers.some(({ text }) => text !== answers[0].text)
    );
    const { ranked, judgments } = await this.#rank(distinct, step);
    const judgedAt = performance.now();
    const length = ({ example: { ids, from } }: Answer) => ids.length - from; // with the end token
    return {
      parts: await this.#partsOf(ranked),
      pairs: ranked.map(({ chosen, rejected, verdict, pair }) => ({
        step: step + 1,
        pair: pair.id,
        chosen: chosen.text,
        rejected: rejected.text,
        ...verdict,
      })),
      metrics: {
        pairs: ranked.length,
        skippedPrompts: prompts.length - candidates.length,
        identical: candidates.length - distinct.length,
        undecided: distinct.length - ranked.length,
        chosenTokens: mean(ranked.map(({ chosen }) => length(chosen))),
        rejectedTokens: mean(ranked.map(({ rejected }) => length(rejected))),
        ...(ranker && judgeMetrics(judgments)),
        secondsSampling: (sampledAt - started) / 1000,
        secondsJudging: (judgedAt - sampledAt) / 1000,
      },
    };
  }

  #promptsOf(step: number): LoopPrompt[] {
    const { pairs, config: { batchSize, seed } } = this.#options;
    return batchOf(step, pairs, { name: "preference", batchSize, seed, last: "dropped" });
  }

  /** Answers of the sampler to each prompt that leaves room for one. */
  async #sample(pairs: readonly LoopPrompt[], step: number): Promise<Candidates[]> {
    const { method, model, reference, encoder, config } = this.#options;
    const { asked, learned } = method.prompts ?? {};
    const cut = encoder.overflow === "truncate-start";
    const prompts = pairs.map((pair) => ({
      pair,
      ids: encodePromptToFit(asked?.(pair.prompt) ?? pair.prompt, encoder),
    })).filter(({ ids }) => cut || ids.length + config.maxNewTokens <= encoder.maxTokens);
    const draw = (sampler: LanguageModel) =>
      sampleAnswers(sampler, prompts.map(({ ids }) => ids), {
        ...config,
        encoder,
        samples: method.candidates,
        seed: Rng.named(config.seed, `preference/sample/${step}`).int(0x7fff_ffff),
      });
    const drawn = method.samples === "policy" ? await draw(model) : await reference(draw);
    return drawn.map((answers, i): Candidates => {
      const { pair } = prompts[i];
      const from = learned?.(pair.prompt);
      return { pair, answers: answers.map((answer) => learnedAnswer(answer, pair, from, encoder)) };
    });
  }

  /** The better answer of each candidate set first; nothing of a pair that is not decided. */
  async #rank(
    candidates: readonly Candidates[],
    step: number,
  ): Promise<{ ranked: Ranked[]; judgments: Judgment[] }> {
    const { method, ranker, config } = this.#options;
    if (ranker === null) {
      const ranked = candidates.map(({ pair, answers: [chosen, rejected] }): Ranked => ({
        pair,
        chosen,
        rejected,
        label: 1,
      }));
      return { ranked, judgments: [] };
    }
    const contests = candidates.map(({ pair, answers }) => ({
      prompt: pair.prompt,
      candidates: answers.map(({ text }) => text),
    }));
    const rng = Rng.named(config.seed, `preference/order/${step}`);
    const decides = config.undecided === "second";
    const brackets = await tournaments(contests, {
      compare: ranker.compare,
      rng,
      ties: decides ? "second" : "first",
    });
    const ranked = brackets.flatMap(({ winner, matches }, i): Ranked[] => {
      const { pair, answers } = candidates[i];
      const { first, second, judgment = SAME } = matches.at(-1)!;
      if (!judgment.answered && !decides) return [];
      const tie = judgment.winner === "tie";
      if (tie && method.ties !== "half" && !decides) return [];
      const preference = winner === first ? judgment.pFirst : 1 - judgment.pFirst;
      return [{
        pair,
        chosen: answers[winner],
        rejected: answers[winner === first ? second : first],
        label: tie && method.ties === "half" ? 0.5 : method.labels === "soft" ? preference : 1,
        verdict: { preference, consistent: judgment.consistent },
      }];
    });
    const judgments = brackets.flatMap(({ matches }) =>
      matches.flatMap(({ judgment }) => judgment ? [judgment] : [])
    );
    return { ranked, judgments };
  }

  /** What is learned from ranked pairs. */
  async #partsOf(ranked: readonly Ranked[]): Promise<MicroBatch[]> {
    const { method: { loss, parameters }, config: { beta, microBatchTokens } } = this.#options;
    if (ranked.length === 0) return [];
    if (loss === "sft") {
      return supervisedBatches(ranked.map(({ chosen }) => chosen.example), {
        weighting: { mode: "token" },
        batching: "bucketed",
        microBatchTokens,
      });
    }
    return preferenceBatches(await this.#underReference(ranked), {
      loss,
      parameters: { beta, ...parameters },
      microBatchTokens,
    });
  }

  async #underReference(ranked: readonly Ranked[]): Promise<ScoredPair[]> {
    const { reference, config: { microBatchTokens } } = this.#options;
    const examples = ranked.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
    const sums = await reference((model) =>
      sequenceLogProbs(model, examples, { batchTokens: microBatchTokens })
    );
    return ranked.map(({ chosen, rejected, label }, i) => ({
      chosen: chosen.example,
      rejected: rejected.example,
      referenceChosen: sums[2 * i],
      referenceRejected: sums[2 * i + 1],
      label,
    }));
  }
}

/** Of two equal texts there is no verdict. */
const SAME = { answered: false, winner: "tie", pFirst: 0.5, consistent: true } as const;

function judgeMetrics(judgments: readonly Judgment[]): Record<string, number> {
  const share = (test: (judgment: Judgment) => boolean) =>
    mean(judgments.map((judgment) => Number(test(judgment))));
  const positions = judgments.flatMap(({ forward, backward }) => [forward, backward]);
  return {
    judgeConsistent: share((j) => j.consistent),
    judgeFirstPosition: mean(positions.map(({ a, b }) => Number(a > b))),
    judgeLabelProbability: mean(judgments.map((j) => j.labelProbability)),
    judgeUnanswered: share((j) => !j.answered),
    judgeConfidence: mean(judgments.map((j) => Math.abs(2 * j.pFirst - 1))),
  };
}

/** The mean, and 0 of nothing: a log has no room for a reason. */
function mean(values: readonly number[]): number {
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0;
}

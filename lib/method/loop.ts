import { UserError } from "../base/error.ts";
import { fromDataset, type LoopPrompt } from "./candidates.ts";
import { credit, type Judgment, larger } from "./judgment.ts";
import { knockoutFinal, labelledPairs, refuseWithoutStrengths } from "./knockout_pairs.ts";
import type { LoopOptions } from "./loop_options.ts";
import type { FormedPair, OwnStep, PairMemory, PairTools } from "./method.ts";
import type { PairMaker } from "./pair_maker.ts";
import { OFFSET_LOSSES } from "./losses.ts";
import { CountingTools, mean, meanTokens, ShortMemory } from "./step_tools.ts";
import type { BatchSource, StepBatch } from "./trainer.ts";

/** A pair that a step learned from, for the run folder. */
export interface RankedPair {
  readonly step: number;
  readonly pair: string;
  readonly chosen: string;
  readonly rejected: string;
  /** J(chosen, rejected) of the ranker; absent where the data set's labels rank. */
  readonly preference?: number;
  readonly consistent?: boolean;
  /** Steps between the policy that answered and the one that learns; absent where every step makes its own pairs. */
  readonly age?: number;
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
  readonly #memory: PairMemory;

  /**
   * @throws {UserError} When the method asks of the data set's labels what they do not know: other answers, probabilities;
   * or of its loss an offset that this has no place for.
   */
  constructor(protected readonly options: LoopOptions) {
    const { method: { samples, given, ranker } } = options;
    if (ranker === "labels" && samples !== "dataset") {
      throw new UserError(
        `the data set's labels cannot rank answers sampled from the ${samples}`,
        'give the method samples "dataset", or another ranker',
      );
    }
    if (
      (samples === "dataset" || given === "answers") &&
      !options.pairs.every((pair) => "rejected" in pair)
    ) {
      throw new UserError(
        "prompts without two answers cannot be compared by a method on the data set's answers",
        "give it pairs, or a method that samples",
      );
    }
    refuseWithoutStrengths(options.method, options.pairs);
    const { offsets, loss } = options.method;
    if (offsets !== undefined && !OFFSET_LOSSES.includes(loss)) {
      throw new UserError(
        `the method says what margins have to exceed, and the loss ${loss} does not look at it`,
        `give it one of the losses ${OFFSET_LOSSES.join(", ")}, or no offsets`,
      );
    }
    this.#memory = options.memory ?? new ShortMemory();
  }

  async batch(step: number): Promise<StepBatch & { pairs: RankedPair[] }> {
    const { method, ranker } = this.options;
    await ranker?.before?.(step);
    const tools = new CountingTools(this.options, step, this.#memory);
    const { parts, pairs } = await (method.own ?? sampledStep)(tools);
    const learned = parts.reduce((sum, { batch }) => sum + batch.size, 0);
    return {
      parts,
      pairs: rankedPairs(pairs, step),
      metrics: pairNumbers(pairs, { making: tools, learned }),
    };
  }
}

/** Pairs of a step, counted from 0, for the run folder. */
export function rankedPairs(pairs: readonly FormedPair[], step: number): RankedPair[] {
  return pairs.map(({ chosen, rejected, verdict, prompt }) => ({
    step: step + 1,
    pair: prompt.id,
    chosen: chosen.text,
    rejected: rejected.text,
    ...verdict,
  }));
}

/**
 * Numbers of a step's pairs for its log.
 *
 * @param options.learned Sequences that are learned from.
 */
export function pairNumbers(
  pairs: readonly FormedPair[],
  { making, learned }: {
    making: Pick<PairMaker, "metrics" | "judgments" | "seconds" | "making">;
    learned: number;
  },
): Record<string, number> {
  return {
    pairs: pairs.length,
    ...making.metrics,
    learned,
    // A step without pairs or comparisons has no mean of any, which a 0 would be taken for.
    ...(pairs.length > 0 && {
      chosenTokens: meanTokens(pairs.map(({ chosen }) => chosen.example)),
      rejectedTokens: meanTokens(pairs.map(({ rejected }) => rejected.example)),
    }),
    ...(making.making.ranker && making.judgments.length > 0 && judgeMetrics(making.judgments)),
    secondsSampling: making.seconds.sampling,
    secondsJudging: making.seconds.judging,
  };
}

/** A step as most methods have it: answers to the step's prompts, pairs of them, and the loss. */
export const sampledStep: OwnStep = async (tools) => {
  const pairs = await sampledPairs(tools, tools.prompts());
  return { parts: await tools.learn(pairs), pairs };
};

/** The first half of such a step, which needs no model here: answers to prompts, and pairs of them. */
export async function sampledPairs(
  tools: PairTools,
  prompts: readonly LoopPrompt[],
): Promise<FormedPair[]> {
  const { method, encoder } = tools;
  const candidates = method.samples === "dataset"
    ? fromDataset(prompts, encoder)
    : await tools.sample(prompts, {});
  const distinct = tools.distinct(candidates);
  const pairing = method.ranker === "labels" ? labelledPairs : method.pairs ?? knockoutFinal;
  const pairs = await pairing(distinct, tools);
  const decided = new Set(pairs.map(({ prompt }) => prompt)).size;
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  tools.metric("identical", candidates.length - distinct.length);
  tools.metric("undecided", distinct.length - decided);
  return pairs;
}

/** As in a judge's report: a pair without an answer is not consistent, and a half for either position. */
function judgeMetrics(judgments: readonly Judgment[]): Record<string, number> {
  const share = (test: (judgment: Judgment) => boolean) =>
    mean(judgments.map((judgment) => Number(test(judgment))));
  const first = judgments.flatMap(({ forward, backward, answered }) =>
    [forward, backward].map(({ a, b }) => credit({ winner: larger(a, b), answered }))
  );
  return {
    judgeConsistent: share((j) => j.answered && j.consistent),
    judgeFirstPosition: mean(first),
    judgeLabelProbability: mean(judgments.map((j) => j.labelProbability)),
    judgeUnanswered: share((j) => !j.answered),
    judgeConfidence: mean(judgments.map((j) => Math.abs(2 * j.pFirst - 1))),
  };
}

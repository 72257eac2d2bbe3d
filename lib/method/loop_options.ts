import type { Tensor } from "@tensorflow/tfjs";
import type { LanguageModel, SamplingConfig, WithModel } from "../model/mod.ts";
import type { LoopPrompt } from "./candidates.ts";
import type { AnswerEncoder } from "./encoder.ts";
import type { Judge } from "./judgment.ts";
import type { FormedPair, Method, PairMemory } from "./method.ts";

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
   * code. No judge decides between them, so that they are kept only where `undecided` is "second". @default "skip"
   */
  identical?: "skip" | "keep";
  /**
   * A tie or an unanswered pair: left out, or chosen from all the same, as in the authors' code: by the scores however
   * small, and of equal ones the second. Methods that learn from J and choose nobody pass over it. @default "skip"
   */
  undecided?: "skip" | "second";
}

/** Who ranks the answers of a step. */
export interface Ranker extends Pick<Judge, "compare" | "promptsFor"> {
  /** Told of each step before it ranks: a judge may be renewed, a coin starts its step's stream. */
  readonly before?: (step: number) => Promise<void> | void;
  /** Learns from gold pairs, the newest last, before it ranks again in the same step. */
  readonly learn?: (pairs: readonly FormedPair[], step: number) => Promise<void>;
  readonly dispose?: () => void;
}

/** What `PreferenceLoop` works with. */
export interface LoopOptions {
  readonly method: Method;
  /** The policy: the model in training. */
  readonly model: LanguageModel;
  /**
   * The model that the policy started from: the reference of the loss and, off-policy, the sampler. It is called
   * with what is to be done under it, since with LoRA it is the policy with its adapter off for that time.
   */
  readonly reference: WithModel;
  /** The ranker the method names; null where the data set's labels rank, or nobody. */
  readonly ranker: Ranker | null;
  /** What is asked; where the data set's answers are compared, its pairs. */
  readonly pairs: readonly LoopPrompt[];
  readonly encoder: AnswerEncoder;
  readonly config: PreferenceConfig;
  /** Who gives gold labels, for a method that asks for some. @default nobody */
  readonly gold?: Pick<Judge, "compare">;
  /** The method's head, if it has one: trained with the policy by whoever trains it. */
  readonly head?: ReadonlyMap<string, Tensor>;
  /** Where a method keeps pairs from step to step. @default in memory, which a resumed run does not find again */
  readonly memory?: PairMemory;
}

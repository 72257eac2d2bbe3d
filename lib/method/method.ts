import type { Tensor } from "@tensorflow/tfjs";
import type { Rng } from "../base/random.ts";
import type { LanguageModel } from "../model/mod.ts";
import type { Turn } from "../text/mod.ts";
import type { Answer, Candidates, LoopPrompt } from "./candidates.ts";
import type { AnswerEncoder } from "./encoder.ts";
import type { Example } from "./example.ts";
import type { Compare } from "./judgment.ts";
import type { PreferenceLoss } from "./losses.ts";
import type { MicroBatch } from "./objective.ts";
import type { ScoredPair } from "./preference.ts";

/** A way to train on preferences: who samples from which prompt, who ranks, which pairs, which loss. */
export interface Method {
  /**
   * - "policy": the model being trained, at every step (on-policy)
   * - "start": the model it started from (off-policy)
   * - "dataset": nobody; the answers are the data set's two
   */
  readonly samples: "policy" | "start" | "dataset";
  /** What a sampling method is given beside prompts: the data set's answers to them. @default nothing */
  readonly given?: "answers";
  /** Answers to a prompt; more than two play a knockout, unless `pairs` says otherwise. */
  readonly candidates: number;
  /**
   * - "judge": the model it started from, as judge
   * - "labels": the data set, which can rank only its own two
   * - "policy": the model being trained, as judge (moving)
   * - "refreshed": a copy of it as judge, renewed every some steps
   * - "separate": another judge, trained on judgments alone
   * - "reward-model": a separate Bradley-Terry model
   * - "truth": the true reward, where a world has one
   * - "chance": a seeded coin, as a control
   * - "discriminator": a Bradley-Terry model that learns from gold pairs on the way
   * - "dpo-discriminator": the same, a model trained by DPO
   * - "given": any judge, named with the run
   * - "none": nobody; what was asked for, the labels or the policy's likelihoods decide
   */
  readonly ranker:
    | "judge"
    | "labels"
    | "policy"
    | "refreshed"
    | "separate"
    | "reward-model"
    | "truth"
    | "chance"
    | "discriminator"
    | "dpo-discriminator"
    | "given"
    | "none";
  /** Whether some pairs are labelled by a gold ranker. @default false */
  readonly gold?: boolean;
  /** A linear head trained beside the policy, (rows, C). @default none */
  readonly head?: { readonly name: string; readonly rows: number };
  /**
   * What a pair's label is: 1 ("hard"), or the ranker's J(chosen, rejected) ("soft"). Where principles vote, the
   * majority names the chosen answer and J can lie below 1/2: the loss then leans to the other one, as J does.
   * @default "hard"
   */
  readonly labels?: "hard" | "soft";
  /** A tie is left out, or learned from with the label 1/2. An unanswered pair is no tie. @default "skip" */
  readonly ties?: "skip" | "half";
  /** What is asked of the sampler, and what the answers are learned from. @default the prompt itself */
  readonly prompts?: {
    readonly asked?: (prompt: readonly Turn[]) => readonly Turn[];
    readonly learned?: (prompt: readonly Turn[]) => readonly Turn[];
  };
  /** Which pairs are formed of the answers to a prompt. @default the final of a knockout */
  readonly pairs?: Pairing;
  /** What the margin of each pair has to exceed, for one of `OFFSET_LOSSES`. @default nothing */
  readonly offsets?: (pairs: readonly FormedPair[], tools: StepTools) => Promise<number[]>;
  /** Numbers of the loss that a batch decides, such as its KL. @default none */
  readonly measured?: (
    pairs: readonly ScoredPair[],
    tools: StepTools,
  ) => Promise<Readonly<Record<string, number>>>;
  /** A step that goes another way than sample, pair, score, learn. */
  readonly own?: OwnStep;
  /** A preference loss, or "sft": the log-likelihood of the chosen answer alone. */
  readonly loss: PreferenceLoss | "sft";
  /** Numbers of the loss: its own beta, or others that it reads. @default none, beta is the run's */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Raised where what its functions compute changes, so that a run of before is not resumed by another rule. @default 1 */
  readonly revision?: number;
  /** For the table of methods, where the fields do not say it. @default what the fields say */
  readonly words?: { readonly ranks?: string; readonly loss?: string };
  /** Where the method is from. */
  readonly source: string;
  /**
   * How well it is known: "V" read in the paper's text or the authors' code, "S" in a summary, "R" a reconstruction of
   * ours. @default "V"
   */
  readonly known?: "V" | "S" | "R";
}

/** Two answers to one prompt, the better one first, to be learned from. */
export interface FormedPair {
  readonly prompt: LoopPrompt;
  readonly chosen: Answer;
  readonly rejected: Answer;
  /** Probability that the chosen one is better. @default 1 */
  readonly label?: number;
  /** Of the pair's loss in the batch's sum, and of its rewards in their mean. @default 1 */
  readonly weight?: number;
  /**
   * Absent where no ranker has a part in it. `preference`: J(chosen, rejected), or what the method takes for it (OSP: by
   * strengths against a third answer; ReST: the chosen one's mean J).
   */
  readonly verdict?: { readonly preference: number; readonly consistent: boolean };
}

/** Forms pairs of prompts' answers; those that nothing decides are left out. */
export type Pairing = (
  candidates: readonly Candidates[],
  tools: Pick<StepTools, "compare" | "rng" | "method" | "undecided">,
) => Promise<FormedPair[]>;

/** What a step learns from. */
export interface LearnedStep {
  readonly parts: readonly MicroBatch[];
  /** For the run folder. */
  readonly pairs: readonly FormedPair[];
}

/** A step of a method of its own. */
export type OwnStep = (tools: StepTools) => Promise<LearnedStep>;

/** What the pairs of a step are made with, wherever the models are. All of it counts what it costs. */
export interface PairTools {
  readonly method: Method;
  /** Counted from 0. */
  readonly step: number;
  readonly encoder: AnswerEncoder;
  /** What becomes of a pair that the ranker does not decide. */
  readonly undecided: "skip" | "second";
  /** Prompts a step. */
  readonly batchSize: number;
  /** This step's prompts. */
  prompts(): LoopPrompt[];
  /** All that the loop was given. */
  all(): readonly LoopPrompt[];
  /** Answers to each prompt that leaves room for one. */
  sample(prompts: readonly LoopPrompt[], options: SampleOptions): Promise<Candidates[]>;
  /** The ranker's comparisons. @throws {UserError} where the method has none */
  readonly compare: Compare;
  /** Candidates of which some differ. */
  distinct(candidates: readonly Candidates[]): Candidates[];
  /** A stream of this step. */
  readonly rng: (name: string) => Rng;
  /** One more number for the step's log. */
  metric(name: string, value: number): void;
}

/** What a step of a method is made with: pairs, and what is learned of them. */
export interface StepTools extends PairTools {
  /** The policy, at this step. */
  readonly model: LanguageModel;
  readonly beta: number;
  readonly microBatchTokens: number;
  /** Pairs that earlier steps kept. */
  readonly memory: PairMemory;
  /** The gold ranker's comparisons, counted apart. @throws {UserError} where the run has none */
  readonly gold: Compare;
  /** Has a ranker that learns on the way learn from these pairs. */
  teach(pairs: readonly FormedPair[]): Promise<void>;
  /** The head trained beside the policy, by its name; empty where the method has none. */
  readonly head: ReadonlyMap<string, Tensor>;
  /** Summed log-probabilities of sequences. */
  logProbs(examples: readonly Example[], under: "policy" | "start"): Promise<number[]>;
  /** Pairs with what the reference says of them; nothing (0), and unasked, for a loss without one. */
  score(pairs: readonly FormedPair[]): Promise<ScoredPair[]>;
  /**
   * What is learned of pairs by the method's loss.
   *
   * @param options.total What the pairs' losses are divided by, where a prompt's loss is a sum over its pairs. @default
   *   the pairs
   */
  learn(pairs: readonly FormedPair[], options?: { total?: number }): Promise<MicroBatch[]>;
}

/** Pairs kept from step to step; a resumed run finds them again. */
export interface PairMemory {
  /** What steps before this one kept, in order; what later ones of a stopped run kept is forgotten. */
  recall(step: number): Promise<{ step: number; pair: FormedPair }[]>;
  keep(step: number, pairs: readonly FormedPair[]): Promise<void>;
}

/** How answers are drawn. */
export interface SampleOptions {
  /** "mixture": of policy and start model, see `generateMixture`. @default that of the method */
  readonly from?: "policy" | "start" | "mixture";
  /** The start model's part in a mixture, 0 to 1. @default 0.5 */
  readonly mix?: number;
  /** Answers to a prompt. @default that of the method */
  readonly candidates?: number;
  /** What the sampler is asked. @default that of the method */
  readonly asked?: (prompt: readonly Turn[]) => readonly Turn[];
  /** What the answers are learned from. @default that of the method */
  readonly learned?: (prompt: readonly Turn[]) => readonly Turn[];
  /** Whether what is asked may fill the model's context: it is longer than the prompt. @default false */
  readonly longer?: boolean;
  /** Whether what is drawn are a ranker's verdicts in words: counted as judging, not as answers. @default false */
  readonly grading?: boolean;
  /** Names the random stream, where a step samples more than once. */
  readonly name?: string;
}

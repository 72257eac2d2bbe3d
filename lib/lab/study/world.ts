import type { Pair } from "../../preference/mod.ts";

/** Which pairs of a world: to train on, to choose settings by, to report on; `principles` are labelled by a view each. */
export type WorldPairs = "train" | "validation" | "held_out" | "principles";

/** Habits of answers by name, and whether an answer has it. */
export type Habits = Readonly<Record<string, (request: string, answer: string) => boolean>>;

/** A world whose truth is known, as a study needs it. */
export interface World {
  /** As commands name it. */
  readonly name: "order-desk" | "sentences";
  /** The true reward of any answer to a request. @throws {UserError} of what is no request of this world */
  readonly reward: (request: string, answer: string) => number;
  /** Two answers whose rewards differ by more than this are a clear pair: a judge should see which is better. */
  readonly clear: number;
  /** What answers do or fail to do, in words, and how it shows. */
  readonly habits: Habits;
  /** What of it the reward neither pays for nor takes for: counted in answers, and no part of what a judge is asked about. */
  readonly unpaid?: Habits;
  /** Its pairs; "principles" where labels by views are there. */
  readonly pairs: (which: WorldPairs) => Promise<Pair[]>;
  readonly limits: WorldLimits;
}

/** How long texts are, and how much goes through a model at once. */
export interface WorldLimits {
  /** Tokens run through the model at once. */
  readonly batchTokens: number;
  /** Most tokens of a request with its answer. */
  readonly maxTokens: number;
  /** Most tokens of an answer that is drawn. */
  readonly maxNewTokens: number;
  /** Most tokens of what a judge reads. */
  readonly judgeTokens: number;
  /** Answers drawn together. */
  readonly batchRows: number;
}

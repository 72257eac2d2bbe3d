import type { StudyMethod } from "../study/methods.ts";

/** The page's models, by the base of the league that each was trained from. */
export const PLAY_MODELS = ["base-1", "base-2"] as const;
/** One of {@linkcode PLAY_MODELS}. */
export type PlayModel = typeof PLAY_MODELS[number];

/** Rows of the tables of methods that the page offers. */
export const PLAY_METHODS = [
  "self-judge",
  "self-judge-soft",
  "self-judge-ipo",
  "self-judge-moving",
  "off-policy-dpo",
  "relabelled-dpo",
  "offline-dpo",
  "raft-2",
  "oracle-dpo",
  "dpo-coin",
  "dpo-shorter",
  "dpo-politer",
] as const satisfies readonly StudyMethod[];
/** One of {@linkcode PLAY_METHODS}. */
export type PlayMethod = typeof PLAY_METHODS[number];

/** What the reader sets. A change counts from the next step on. */
export interface LearningSettings {
  readonly method: PlayMethod;
  readonly beta: number;
  readonly learningRate: number;
}

/** Requests a step. */
export const BATCH = 16;

/** What the page begins with. */
export const FIRST_SETTINGS: LearningSettings = {
  method: "self-judge",
  beta: 0.1,
  learningRate: 2e-4,
};

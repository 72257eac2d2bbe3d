import type { TrainingRecord } from "./training_record.ts";

/** How rated answers, and answers without a choice, become records. */
export interface RatingOptions {
  /**
   * "mean": the answer rated best on average against one that is rated lower, without a principle. "principles":
   * for every principle a pair by its own ratings, with what the labeller wrote.
   * @default "mean"
   */
  readonly ratings?: "mean" | "principles";
  /**
   * The answer to imitate among those rated best. The authors' choice is the longer one, a bias to length.
   * @default "longer"
   */
  readonly ratingTies?: "longer" | "shorter" | "random";
  /**
   * Draws what is random: the same row gives the same records wherever it stands.
   * @default 0
   */
  readonly seed?: number;
  /**
   * Read two answers without a choice too, in the order of the record, and ties: for a judge to choose.
   * @default false
   */
  readonly unlabelled?: boolean;
}

/** Where a record is from, and how rated answers are read. */
export interface RecordPlace extends RatingOptions {
  readonly path: string;
  readonly line: number;
}

/**
 * What a record of a file gives: records to train on, a comparison that prefers neither answer (of rated answers
 * there may still be one to imitate), or a reason.
 */
export type Found =
  | { readonly records: readonly TrainingRecord[]; readonly tie?: true }
  | { readonly tie: true }
  | { readonly reason: string; readonly detail?: string };

/** The same with its place. */
export type FoundRow = Found & { readonly line: number };

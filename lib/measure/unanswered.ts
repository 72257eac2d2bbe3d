import type { Judgment } from "../method/judgment.ts";

/** Pairs that a judge did not answer: P(A) + P(B) is below its threshold. */
export interface Unanswered {
  readonly pairs: number;
  /** All pairs that were judged. */
  readonly of: number;
  /** Mean P(A) + P(B) over the unanswered ones; null where there are none. */
  readonly meanLabelProbability: number | null;
}

/** Counts the pairs that were not answered. */
export function unansweredOf(judgments: readonly Judgment[]): Unanswered {
  const silent = judgments.filter(({ answered }) => !answered);
  const labelProbability = silent.reduce((sum, { labelProbability }) => sum + labelProbability, 0);
  return {
    pairs: silent.length,
    of: judgments.length,
    meanLabelProbability: silent.length === 0 ? null : labelProbability / silent.length,
  };
}

/** Says in a sentence how many there are; null where there are none. */
export function describeUnanswered({ pairs, of, meanLabelProbability }: Unanswered): string | null {
  if (meanLabelProbability === null) return null;
  return `named neither answer in ${pairs} of ${of} pairs (mean P(A) + P(B) = ${
    meanLabelProbability.toPrecision(2)
  }): each counts a half where right and wrong are counted, and is no tie`;
}

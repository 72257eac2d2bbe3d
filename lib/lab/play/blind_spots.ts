import type { LearnedStep } from "./learning.ts";

/** Pairs in which one answer alone has a habit, and in how many of them that one was chosen. */
export interface BlindSpot {
  readonly pairs: number;
  readonly preferred: number;
}

/**
 * What the ranker does with each habit: of a flaw that it sees it prefers the answer without.
 *
 * @param last Steps counted, the latest ones. @default 10
 */
export function blindSpots(
  steps: readonly Pick<LearnedStep, "pairs">[],
  last = 10,
): Map<string, BlindSpot> {
  const found = new Map<string, BlindSpot>();
  for (const { habitsChosen, habitsRejected } of steps.slice(-last).flatMap(({ pairs }) => pairs)) {
    for (const habit of new Set([...habitsChosen, ...habitsRejected])) {
      const chosen = habitsChosen.includes(habit);
      if (chosen === habitsRejected.includes(habit)) continue;
      const { pairs, preferred } = found.get(habit) ?? { pairs: 0, preferred: 0 };
      found.set(habit, { pairs: pairs + 1, preferred: preferred + Number(chosen) });
    }
  }
  return found;
}

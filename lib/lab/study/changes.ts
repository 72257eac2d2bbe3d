import { LAST_BITS } from "./desk_evidence.ts";

/** How many answers to the same prompts are better than before by their rewards, how many worse, how many alike. */
export function changes(
  before: readonly number[],
  after: readonly number[],
): { better: number; worse: number; alike: number } {
  const gains = after.map((reward, i) => reward - before[i]);
  const better = gains.filter((gain) => gain > LAST_BITS).length;
  const worse = gains.filter((gain) => gain < -LAST_BITS).length;
  return { better, worse, alike: gains.length - better - worse };
}

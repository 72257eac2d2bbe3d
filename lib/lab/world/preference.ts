import type { Pair } from "../../preference/mod.ts";
import type { Rng } from "../../base/random.ts";
import { drawAnswer, drawRequest, type Part } from "./desk.ts";
import { review } from "./exercises.ts";
import { readAnswer, reward, type View, viewsOf } from "./reward.ts";

/** Scale of the Bradley-Terry model that labels are drawn from, in units of reward. */
export const LABEL_TEMPERATURE = 0.5;

/** Two answers to one request. */
export interface DeskAnswers {
  readonly request: string;
  readonly first: string;
  readonly second: string;
}

/** Two different answers to a random request of a part. */
export function drawAnswers(rng: Rng, part: Part): DeskAnswers {
  const request = drawRequest(rng, part);
  const first = drawAnswer(request, rng);
  let second = first;
  while (second === first) second = drawAnswer(request, rng);
  return { request: request.text, first, second };
}

/**
 * Whether a labeller prefers the first answer: a draw from a Bradley-Terry model, see {@linkcode labelProbability}.
 *
 * @param options.view Label by one point of view instead of the whole reward.
 */
export function prefersFirst(
  { request, first, second }: DeskAnswers,
  rng: Rng,
  { temperature = LABEL_TEMPERATURE, view }: { temperature?: number; view?: View } = {},
): boolean {
  const value = (answer: string) =>
    view ? viewsOf(readAnswer(request, answer))[view] : reward(request, answer);
  const gap = value(first) - value(second);
  // At temperature 0 the labeller sees the reward itself.
  if (temperature === 0) return gap > 0 || (gap === 0 && rng.uniform() < 0.5);
  return rng.uniform() < labelProbability(gap, temperature);
}

/** The probability that a labeller prefers an answer whose reward is larger by `gap`. */
export function labelProbability(gap: number, temperature = LABEL_TEMPERATURE): number {
  return 1 / (1 + Math.exp(-gap / temperature));
}

/** Answers and their label as a pair to train on, with the rationale an honest labeller would give. */
export function labelledPair(
  answers: DeskAnswers,
  { id, prefersFirst, principle }: { id: string; prefersFirst: boolean; principle?: string },
): Pair {
  const { request, first, second } = answers;
  const [chosen, rejected] = prefersFirst ? [first, second] : [second, first];
  return {
    id,
    prompt: [{ role: "user", content: request }],
    chosen,
    rejected,
    source: "order-desk",
    ...(principle !== undefined && { principle }),
    rationale: {
      chosen: review(readAnswer(request, chosen)),
      rejected: review(readAnswer(request, rejected)),
    },
  };
}

import type { Pair } from "../../preference/mod.ts";
import type { Rng } from "../../base/random.ts";
import { drawAnswer, drawOrder } from "./desk.ts";
import { review } from "./exercises.ts";
import { readAnswer, reward, type View, viewsOf } from "./reward.ts";

/** Scale of the Bradley-Terry model that labels are drawn from, in units of reward. */
export const LABEL_TEMPERATURE = 0.5;

/** Two answers to one order. */
export interface DeskAnswers {
  readonly order: string;
  readonly first: string;
  readonly second: string;
}

/** Two different answers to a random order. */
export function drawAnswers(rng: Rng): DeskAnswers {
  const order = drawOrder(rng);
  const first = drawAnswer(order, rng);
  let second = first;
  while (second === first) second = drawAnswer(order, rng);
  return { order: order.text, first, second };
}

/**
 * Whether a labeller prefers the first answer: a draw from a Bradley-Terry model,
 * P(first) = 1 / (1 + exp(-(reward of first - reward of second) / temperature)).
 *
 * @param options.view Label by one point of view instead of the whole reward.
 */
export function prefersFirst(
  { order, first, second }: DeskAnswers,
  rng: Rng,
  { temperature = LABEL_TEMPERATURE, view }: { temperature?: number; view?: View } = {},
): boolean {
  const value = (answer: string) =>
    view ? viewsOf(readAnswer(order, answer))[view] : reward(order, answer);
  const gap = value(first) - value(second);
  // At temperature 0 the labeller sees the reward itself.
  if (temperature === 0) return gap > 0 || (gap === 0 && rng.uniform() < 0.5);
  return rng.uniform() < 1 / (1 + Math.exp(-gap / temperature));
}

/** Answers and their label as a pair to train on, with the rationale an honest labeller would give. */
export function labelledPair(
  answers: DeskAnswers,
  { id, prefersFirst, principle }: { id: string; prefersFirst: boolean; principle?: string },
): Pair {
  const { order, first, second } = answers;
  const [chosen, rejected] = prefersFirst ? [first, second] : [second, first];
  return {
    id,
    prompt: [{ role: "user", content: order }],
    chosen,
    rejected,
    source: "order-desk",
    ...(principle !== undefined && { principle }),
    rationale: {
      chosen: review(readAnswer(order, chosen)),
      rejected: review(readAnswer(order, rejected)),
    },
  };
}

import type { Comparison } from "../../method/mod.ts";
import type { Evidence } from "../../measure/mod.ts";
import { labelProbability } from "../world/preference.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import type { World } from "./world.ts";

/** Rewards are sums of tenths: two equal ones may differ in their last bits. */
export const LAST_BITS = 1e-9;

/** Whether two rewards are further apart than `least`. @param gap The one less the other. */
export const apartBy = (gap: number, least: number): boolean => Math.abs(gap) > least + LAST_BITS;

/**
 * How much the true reward of a comparison's first answer is above that of the second.
 *
 * @param world @default the order desk
 */
export function rewardGap(
  { prompt, first, second }: Comparison,
  { reward }: Pick<World, "reward"> = ORDER_DESK,
): number {
  const request = prompt.at(-1)!.content;
  const gap = reward(request, first) - reward(request, second);
  return Math.abs(gap) < LAST_BITS ? 0 : gap;
}

/**
 * Comparisons of the order desk as evidence for a judge's report: the label is the answer with the larger true
 * reward, a tie where they are equal, and its probability that of a labeller of the world.
 */
export function deskEvidence(comparisons: readonly Comparison[]): Evidence[] {
  return comparisons.map((comparison, i): Evidence => {
    const gap = rewardGap(comparison);
    return {
      id: `${i}`,
      file: "the true reward",
      comparison,
      label: gap > 0 ? "first" : gap < 0 ? "second" : "tie",
      labelProbability: labelProbability(gap),
      own: null,
      cluster: comparison.prompt[0].content,
    };
  });
}

/** Every two different answers of a policy to the same request, as they were drawn. */
export function drawnComparisons(
  drawn: readonly (readonly { readonly request: string; readonly text: string }[])[],
): Comparison[] {
  return drawn.flatMap((answers) => {
    const texts = [...new Set(answers.map(({ text }) => text))];
    return texts.flatMap((first, i) =>
      texts.slice(i + 1).map((second): Comparison => ({
        prompt: [{ role: "user", content: answers[0].request }],
        first,
        second,
      }))
    );
  });
}

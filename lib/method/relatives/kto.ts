import { afterPrompt } from "../candidates.ts";
import type { Method, StepTools } from "../method.ts";
import type { ScoredPair } from "../preference.ts";

/**
 * The KL that KTO sets every answer against: the mean of log pi - log ref over both answers put after the prompts of other
 * pairs, at least 0 and a constant (https://arxiv.org/abs/2402.01306, section 4.2; TRL's KTOTrainer). What is longer so
 * than the model's context is left out.
 */
export async function batchKl(
  pairs: readonly ScoredPair[],
  tools: StepTools,
): Promise<{ kl: number }> {
  if (pairs.length < 2) return { kl: 0 };
  const mismatched = pairs.flatMap(({ chosen, rejected }, i) => {
    const other = pairs[(i + 1) % pairs.length].chosen;
    const prompt = other.ids.slice(0, other.from);
    return [chosen, rejected].map((answer) => afterPrompt(answer, prompt));
  }).filter(({ ids }) => ids.length <= tools.model.config.maxPositions);
  if (mismatched.length === 0) return { kl: 0 };
  const [policy, start] = [
    await tools.logProbs(mismatched, "policy"),
    await tools.logProbs(mismatched, "start"),
  ];
  const mean = policy.reduce((sum, p, i) => sum + p - start[i], 0) / policy.length;
  return { kl: Math.max(0, mean) };
}

/** KTO on the data set's pairs, each answer by itself. */
export const KTO = {
  samples: "dataset",
  candidates: 2,
  ranker: "labels",
  loss: "kto",
  measured: batchKl,
  source: "KTO, https://arxiv.org/abs/2402.01306, on the two answers of a pair",
} as const satisfies Method;

import { pairEncoder } from "../candidates.ts";
import { answerExample } from "../example.ts";
import { knockoutMatches } from "../knockout_pairs.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";
import { policyGradientBatches } from "../policy_gradient.ts";

/**
 * Sample and rank: answers of the SFT model play a knockout under a ranker of pairs, and each of its N - 1 matches is a
 * pair. The loss is max(0, delta - log pi(w) + log pi(l)) - lambda log pi(target), the target the data set's answer to
 * the prompt (SLiC-HF, https://arxiv.org/abs/2305.10425). No reference: the target holds the policy where it was.
 *
 * - `delta`: of the calibration. - `target`: lambda; 0 without. The loss's own lambda would be that of the chosen answer.
 */
export const calibrationStep: OwnStep = async (tools) => {
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const distinct = tools.distinct(candidates);
  const pairs = await knockoutMatches(distinct, tools);
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  tools.metric("identical", candidates.length - distinct.length);
  tools.metric("undecided", distinct.length - new Set(pairs.map(({ prompt }) => prompt)).size);
  return { parts: [...await tools.learn(pairs), ...towardsTargets(pairs, tools)], pairs };
};

/** - lambda log pi(target), the mean over pairs. */
function towardsTargets(pairs: readonly FormedPair[], tools: StepTools) {
  const { target: lambda = 0 } = tools.method.parameters ?? {};
  const { encoder, microBatchTokens } = tools;
  if (lambda === 0 || pairs.length === 0) return [];
  const targets = pairs.flatMap(({ prompt }) => {
    if (!("rejected" in prompt)) return [];
    const { prompt: asked, chosen: answer, id } = prompt;
    const made = answerExample({ prompt: asked, answer, pair: id }, pairEncoder(encoder));
    return made ? [made.example] : [];
  });
  // The batches divide by the targets that there is room for, the loss by the pairs.
  const advantages = targets.map(() => lambda * targets.length / pairs.length);
  return policyGradientBatches(targets, { advantages, microBatchTokens });
}

/** SLiC-HF, sample and rank, under the model's own judgment. */
export const SLIC_HF = {
  samples: "start",
  given: "answers",
  candidates: 4,
  ranker: "judge",
  own: calibrationStep,
  loss: "slic",
  words: { loss: "slic, the data set's answer for target" },
  parameters: { delta: 1, lambda: 0, target: 0.05 },
  source: "SLiC-HF, https://arxiv.org/abs/2305.10425, sample and rank, every match of a knockout",
  known: "S",
} as const satisfies Method;

import type { FormedPair, Method, OwnStep } from "../method.ts";
import { meanWins } from "./rloo.ts";

/**
 * Grow and improve: answers of the model that the policy started from (grow), of which those whose reward is above a
 * threshold are imitated, a threshold that rises from improve step to improve step (ReST,
 * https://arxiv.org/abs/2308.08998, algorithm 1). One run is one grow step; the next is a run that starts from its policy.
 *
 * The reward of an answer is its mean J over the others to the prompt, so that the threshold is a share of wins. The
 * paper fills a data set first; here each step draws its own prompts' answers, which are the same in distribution.
 */
export const growAndImproveStep: OwnStep = async (tools) => {
  const { first = 0.5, rise = 0.1, last = 0.9, every = 20 } = tools.method.parameters ?? {};
  const threshold = Math.min(last, first + rise * Math.floor(tools.step / every));
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const rewards = await meanWins(candidates, tools);
  const pairs = candidates.flatMap(({ pair, answers }, c): FormedPair[] => {
    const worst = rewards[c].indexOf(Math.min(...rewards[c]));
    // What is learned is the chosen answer alone; the worst is there for the run folder.
    return answers.flatMap((chosen, i) =>
      rewards[c][i] > threshold ? [{ prompt: pair, chosen, rejected: answers[worst] }] : []
    );
  });
  tools.metric("threshold", threshold);
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  return { parts: await tools.learn(pairs), pairs };
};

/** ReST, one grow step. */
export const REST = {
  samples: "start",
  candidates: 4,
  ranker: "judge",
  own: growAndImproveStep,
  loss: "sft",
  parameters: { first: 0.5, rise: 0.1, last: 0.9, every: 20 },
  source: "ReST, https://arxiv.org/abs/2308.08998, with the judge's mean J for a reward",
} as const satisfies Method;

import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";
import { meanWins } from "./rloo.ts";

/**
 * Grow and improve: answers of the model that the policy started from (grow), of which those whose reward is above a
 * threshold are imitated, a threshold that rises from improve step to improve step (ReST,
 * https://arxiv.org/abs/2308.08998, algorithm 1). The first improve step draws the answers as it goes and keeps them with
 * their rewards; each later one goes over the same answers. One run is one grow step; the next is a run that starts from
 * its policy.
 *
 * The reward of an answer is its mean J over the others to the prompt, so that the threshold is a share of wins.
 *
 * - `every`: optimiser steps of an improve step. - `first`, `rise`, `last`: the threshold's course.
 */
export const growAndImproveStep: OwnStep = async (tools) => {
  const { first = 0.5, rise = 0.1, last = 0.9, every = 20 } = tools.method.parameters ?? {};
  const { step } = tools;
  const improve = Math.floor(step / every);
  const threshold = Math.min(last, first + rise * improve);
  const kept = await tools.memory.recall(step);
  const rated = improve === 0
    ? await grown(tools)
    : kept.filter((row) => row.step === step % every).map(({ pair }) => pair);
  const pairs = rated.filter(({ verdict }) => verdict!.preference > threshold);
  tools.metric("threshold", threshold);
  return { parts: await tools.learn(pairs), pairs };
};

/** A step's answers, each with its reward, kept. Only the chosen one is learned; the worst is for the run folder. */
async function grown(tools: StepTools): Promise<FormedPair[]> {
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const rewards = await meanWins(candidates, tools);
  const rated = candidates.flatMap(({ pair: prompt, answers }, c) => {
    const rejected = answers[rewards[c].indexOf(Math.min(...rewards[c]))];
    return answers.map((chosen, i): FormedPair => ({
      ...{ prompt, chosen, rejected },
      verdict: { preference: rewards[c][i], consistent: true },
    }));
  });
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  await tools.memory.keep(tools.step, rated);
  return rated;
}

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

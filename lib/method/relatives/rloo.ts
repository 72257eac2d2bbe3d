import type { Candidates } from "../candidates.ts";
import { learnedTokens } from "../example.ts";
import { preferenceOf } from "../judgment.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";
import { policyGradientBatches } from "../policy_gradient.ts";
import { mean } from "../step_tools.ts";

/**
 * The reward of each answer: its mean J over the others to the same prompt, in [0, 1]. A reward model's J is the logistic
 * of a difference of rewards, so that this is a squashed rank; a judge of pairs has nothing finer.
 */
export async function meanWins(candidates: readonly Candidates[], { compare }: StepTools) {
  const games = candidates.flatMap(({ pair: { prompt }, answers }, c) =>
    answers.flatMap((a, i) =>
      answers.slice(i + 1).map((b, k) => ({
        ...{ c, i, j: i + 1 + k },
        comparison: { prompt, first: a.text, second: b.text },
      }))
    )
  );
  const different = games.filter(({ comparison: { first, second } }) => first !== second);
  const judgments = await compare(different.map(({ comparison }) => comparison));
  const found = new Map(different.map((game, i) => [game, preferenceOf(judgments[i])]));
  const rewards = candidates.map(({ answers }) => answers.map(() => 0));
  for (const game of games) {
    const p = found.get(game) ?? 0.5;
    const others = candidates[game.c].answers.length - 1;
    rewards[game.c][game.i] += p / others;
    rewards[game.c][game.j] += (1 - p) / others;
  }
  return rewards;
}

/** What each answer did better than the others to its prompt: r_i - mean of r_j over j != i. */
export function leaveOneOut(rewards: readonly number[]): number[] {
  const total = rewards.reduce((a, b) => a + b, 0);
  return rewards.map((reward) => reward - (total - reward) / (rewards.length - 1));
}

/**
 * REINFORCE leave-one-out: k answers a prompt, each weighed by its reward less the mean of the others', the reward less
 * beta times its log-ratio to the reference (RLOO, https://arxiv.org/abs/2402.14740, eq. 4 with the reward of section 2).
 *
 * PPO adds a learned value and clipped steps, both for updates on samples that are old; here every sample is used once.
 */
export const leaveOneOutStep: OwnStep = async (tools) => {
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const rewards = await meanWins(candidates, tools);
  const examples = candidates.flatMap(({ answers }) => answers.map(({ example }) => example));
  const [policy, start] = [
    await tools.logProbs(examples, "policy"),
    await tools.logProbs(examples, "start"),
  ];
  let next = 0;
  const advantages = candidates.flatMap(({ answers }, c) => {
    const shaped = answers.map((_, i) => {
      const ratio = policy[next] - start[next];
      next++;
      return rewards[c][i] - tools.beta * ratio;
    });
    return leaveOneOut(shaped);
  });
  const { microBatchTokens } = tools;
  tools.metric("reward", mean(rewards.flat()));
  tools.metric("kl", mean(policy.map((p, i) => p - start[i])));
  tools.metric("answerTokens", mean(examples.map(learnedTokens)));
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  return {
    parts: policyGradientBatches(examples, { advantages, microBatchTokens }),
    pairs: bestAndWorst(candidates, rewards),
  };
};

/** For the run folder: the best and the worst answer of each prompt. */
function bestAndWorst(candidates: readonly Candidates[], rewards: number[][]): FormedPair[] {
  return candidates.flatMap(({ pair, answers }, c): FormedPair[] => {
    const order = answers.map((_, i) => i).sort((a, b) => rewards[c][b] - rewards[c][a]);
    const [w, l] = [order[0], order.at(-1)!];
    if (rewards[c][w] === rewards[c][l]) return [];
    return [{ prompt: pair, chosen: answers[w], rejected: answers[l] }];
  });
}

/** RLOO under the model's own judgment. */
export const RLOO = {
  samples: "policy",
  candidates: 4,
  ranker: "judge",
  own: leaveOneOutStep,
  loss: "sft",
  words: { loss: "REINFORCE" },
  source: "RLOO, https://arxiv.org/abs/2402.14740, with the judge's J for a reward",
} as const satisfies Method;

/** RLOO under a Bradley-Terry reward model. */
export const RLOO_REWARD_MODEL = {
  ...RLOO,
  ranker: "reward-model",
  source: "RLOO, https://arxiv.org/abs/2402.14740",
} as const satisfies Method;

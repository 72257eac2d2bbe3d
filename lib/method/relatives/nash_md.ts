import { policyGradientBatches } from "../policy_gradient.ts";
import { preferenceOf } from "../judgment.ts";
import type { FormedPair, Method, OwnStep } from "../method.ts";

/**
 * The policy's answer against one of a mixture of policy and reference: REINFORCE with the ranker's preference for the
 * policy's, P - 1/2, less beta times its log-ratio to the reference, for an advantage (Nash-MD-PG,
 * https://arxiv.org/abs/2312.00886, section 7). The mixture is geometric, token by token: pi^(1 - mix) ref^mix,
 * normalised. With mix 0 the opponent is the policy, with 1 the reference.
 *
 * TRL's NashMDTrainer (gone before 1.16) weighs each token by its own log-ratio; the whole answer's, as here and in the
 * paper, is what the gradient of the KL has.
 */
export const mirrorDescentStep: OwnStep = async (tools) => {
  const { mix = 0.5 } = tools.method.parameters ?? {};
  const prompts = tools.prompts();
  const own = await tools.sample(prompts, { candidates: 1, name: "own" });
  const other = await tools.sample(prompts, {
    candidates: 1,
    name: "mixture",
    from: "mixture",
    mix,
  });
  const pairs = own.flatMap(({ pair, answers: [answer] }) => {
    const opponent = other.find((one) => one.pair === pair)?.answers[0];
    return opponent ? [{ prompt: pair, answer, opponent }] : [];
  });
  const different = pairs.filter(({ answer, opponent }) => answer.text !== opponent.text);
  const judgments = await tools.compare(
    different.map(({ prompt: { prompt }, answer, opponent }) => ({
      prompt,
      first: answer.text,
      second: opponent.text,
    })),
  );
  const wins = new Map(different.map((pair, i) => [pair, preferenceOf(judgments[i])]));
  const examples = pairs.map(({ answer }) => answer.example);
  const policy = await tools.logProbs(examples, "policy");
  const start = await tools.logProbs(examples, "start");
  const advantages = pairs.map((pair, i) =>
    (wins.get(pair) ?? 0.5) - 0.5 - tools.beta * (policy[i] - start[i])
  );
  const kl = policy.reduce((sum, p, i) => sum + p - start[i], 0) / Math.max(1, policy.length);
  tools.metric("kl", kl);
  tools.metric("skippedPrompts", prompts.length - pairs.length);
  tools.metric("identical", pairs.length - different.length);
  const { microBatchTokens } = tools;
  return {
    parts: policyGradientBatches(examples, { advantages, microBatchTokens }),
    pairs: different.map((pair): FormedPair => {
      const { prompt, answer, opponent } = pair;
      const [chosen, rejected] = wins.get(pair)! >= 0.5 ? [answer, opponent] : [opponent, answer];
      return { prompt, chosen, rejected };
    }),
  };
};

/** Nash-MD. */
export const NASH_MD = {
  samples: "policy",
  candidates: 2,
  ranker: "judge",
  own: mirrorDescentStep,
  loss: "sft",
  words: { loss: "REINFORCE" },
  parameters: { mix: 0.5 },
  source: "Nash-MD, https://arxiv.org/abs/2312.00886, with the judge's J for the preference",
} as const satisfies Method;

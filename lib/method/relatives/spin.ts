import { pairEncoder } from "../candidates.ts";
import { answerExample } from "../example.ts";
import type { FormedPair, Method, OwnStep } from "../method.ts";

/**
 * The data set's answer over the model's own: chosen is the answer that was imitated, rejected a sample of the model
 * that the policy started from (SPIN, https://arxiv.org/abs/2401.01335, eq. 4.7). The reference is that model too; the
 * paper's next iteration is a run that starts from this one's policy.
 */
export const selfPlayStep: OwnStep = async (tools) => {
  const prompts = tools.prompts();
  const drawn = await tools.sample(prompts, { candidates: 1 });
  const pairs = drawn.flatMap(({ pair, answers: [rejected] }): FormedPair[] => {
    if (!("rejected" in pair) || pair.chosen.trim() === rejected.text.trim()) return [];
    const made = answerExample(
      { prompt: pair.prompt, answer: pair.chosen, pair: pair.id },
      pairEncoder(tools.encoder),
    );
    return made ? [{ prompt: pair, chosen: { text: pair.chosen, ...made }, rejected }] : [];
  });
  tools.metric("skippedPrompts", prompts.length - pairs.length);
  return { parts: await tools.learn(pairs), pairs };
};

/** SPIN, one iteration. */
export const SPIN = {
  samples: "start",
  given: "answers",
  candidates: 1,
  ranker: "none",
  words: { ranks: "nobody: the data set's over its own" },
  own: selfPlayStep,
  loss: "sigmoid",
  source: "SPIN, https://arxiv.org/abs/2401.01335",
} as const satisfies Method;

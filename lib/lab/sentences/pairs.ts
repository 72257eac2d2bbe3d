import { Rng } from "../../base/random.ts";
import type { DeskRow } from "../world/data.ts";
import { labelProbability } from "../world/preference.ts";
import type { SentencePrompt } from "./prompts.ts";
import { sentenceReward } from "./reward.ts";

/** Temperature of the labeller: at a gap of one word of three (0.67) 0.90 of the labels agree with the reward. */
export const LABEL_TEMPERATURE = 0.3;

/** Answers that a model drew to a prompt. */
export interface Sampled extends SentencePrompt {
  readonly answers: readonly string[];
}

/**
 * Pairs of a prompt's answers of different rewards, labelled by draws from a Bradley-Terry model of the reward.
 *
 * @param options.perPrompt Pairs of one prompt at most, drawn at random. @default 3
 * @param options.temperature Of the labeller; at 0 the better answer is always chosen. @default LABEL_TEMPERATURE
 */
export function sentencePairs(
  sampled: readonly Sampled[],
  { seed, perPrompt = 3, temperature = LABEL_TEMPERATURE }: {
    seed: number;
    perPrompt?: number;
    temperature?: number;
  },
): DeskRow[] {
  return sampled.flatMap(({ id, prompt, answers }) => {
    // A stream of its own for each prompt: more prompts leave the pairs of others as they are.
    const rng = Rng.named(seed, `sentences/pairs/${id}`);
    const rated = answers.map((answer) => ({
      answer,
      reward: rounded(sentenceReward(prompt, answer)),
    }));
    const pairs = rated.flatMap((a, i) => rated.slice(i + 1).map((b) => [a, b] as const))
      .filter(([a, b]) => a.reward !== b.reward);
    return rng.shuffle(pairs).slice(0, perPrompt).map(([a, b], i): DeskRow => {
      const gap = a.reward - b.reward;
      const first = temperature === 0
        ? gap > 0
        : rng.uniform() < labelProbability(gap, temperature);
      const [chosen, rejected] = first ? [a, b] : [b, a];
      return {
        id: `${id}-${i}`,
        prompt,
        chosen: chosen.answer,
        rejected: rejected.answer,
        reward_chosen: chosen.reward,
        reward_rejected: rejected.reward,
      };
    });
  });
}

const rounded = (reward: number) => Math.round(reward * 1000) / 1000;

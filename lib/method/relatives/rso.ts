import type { Rng } from "../../base/random.ts";
import type { FormedPair, Method, Pairing } from "../method.ts";
import { logit } from "./osp.ts";

/**
 * Statistical rejection sampling: of candidates with rewards r, one at random is accepted if
 * u < exp((r - max r) / beta), the maximum over those that are left, until `wanted` are; with beta to infinity every
 * candidate is, with beta to 0 the best alone (RSO, https://arxiv.org/abs/2309.06657, algorithm 1).
 *
 * @returns indices of the accepted ones, in the order of acceptance
 */
export function accepted(
  rewards: readonly number[],
  { beta, wanted, rng }: { beta: number; wanted: number; rng: Rng },
): number[] {
  let left = rewards.map((_, i) => i);
  const kept: number[] = [];
  while (kept.length < wanted && left.length > 0) {
    const most = Math.max(...left.map((i) => rewards[i]));
    // One pass over those that are left, as in the paper's code; the best of them is always accepted.
    for (const i of rng.shuffle(left)) {
      if (kept.length === wanted) break;
      if (rng.uniform() < Math.exp((rewards[i] - most) / beta)) kept.push(i);
    }
    left = left.filter((i) => !kept.includes(i));
  }
  return kept;
}

/** Rewards of answers: logit of the ranker's J against one of them, drawn at random, whose own is 0. */
async function rewardsOf(
  candidates: Parameters<Pairing>[0],
  { compare, rng }: Parameters<Pairing>[1],
): Promise<number[][]> {
  const stream = rng("baseline");
  const baselines = candidates.map(({ answers }) => stream.int(answers.length));
  const judgments = await compare(
    candidates.flatMap(({ pair: { prompt }, answers }, c) =>
      answers.map(({ text }) => ({ prompt, first: text, second: answers[baselines[c]].text }))
        .filter((_, i) => i !== baselines[c])
    ),
  );
  let next = 0;
  return candidates.map(({ answers }, c) =>
    answers.map((_, i) => i === baselines[c] ? 0 : logit(judgments[next++].pFirst))
  );
}

/** Pairs of accepted answers, neighbours in a shuffled order, the one of the higher reward chosen. */
export const statisticalRejection: Pairing = async (candidates, tools) => {
  const { beta = 0.5, accept = 8 } = tools.method.parameters ?? {};
  const rewards = await rewardsOf(candidates, tools);
  const rng = tools.rng("accept");
  return candidates.flatMap(({ pair, answers }, c): FormedPair[] => {
    const kept = rng.shuffle(accepted(rewards[c], { beta, wanted: accept, rng }));
    const pairs: FormedPair[] = [];
    for (let i = 0; i + 1 < kept.length; i += 2) {
      const [a, b] = [kept[i], kept[i + 1]];
      const [w, l] = rewards[c][a] >= rewards[c][b] ? [a, b] : [b, a];
      if (answers[w].text === answers[l].text || rewards[c][w] === rewards[c][l]) continue;
      const preference = 1 / (1 + Math.exp(rewards[c][l] - rewards[c][w]));
      pairs.push({
        prompt: pair,
        chosen: answers[w],
        rejected: answers[l],
        verdict: { preference, consistent: true },
      });
    }
    return pairs;
  });
};

/**
 * RSO: answers of the SFT model, accepted by statistical rejection. The paper draws 64 and keeps 8; eight and four here,
 * for the cost of a step.
 */
export const RSO = {
  samples: "start",
  candidates: 8,
  ranker: "judge",
  pairs: statisticalRejection,
  loss: "hinge",
  parameters: { accept: 4, beta: 0.5 },
  source: "RSO, https://arxiv.org/abs/2309.06657, with the judge's logit for a reward",
} as const satisfies Method;

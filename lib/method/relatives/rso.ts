import type { Rng } from "../../base/random.ts";
import { judgedPair } from "../judged_pair.ts";
import { preferenceOf } from "../judgment.ts";
import type { Method, Pairing } from "../method.ts";
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
    answers.map((_, i) => i === baselines[c] ? 0 : logit(preferenceOf(judgments[next++])))
  );
}

/** Neighbours in a shuffled order of what was accepted of one prompt's answers. */
function neighbours(kept: readonly number[]): [number, number][] {
  return Array.from(
    { length: Math.floor(kept.length / 2) },
    (_, i) => [kept[2 * i], kept[2 * i + 1]],
  );
}

/** Pairs of accepted answers, neighbours in a shuffled order, ranked by the ranker (sample and rank, section 3.2). */
export const statisticalRejection: Pairing = async (all, tools) => {
  const { acceptBeta: beta = 0.5, accept = 8 } = tools.method.parameters ?? {};
  // A text that was drawn twice is one candidate, as in the paper's algorithm.
  const candidates = all.map(({ pair, answers }) => ({
    pair,
    answers: answers.filter(({ text }, i) =>
      answers.findIndex((other) => other.text === text) === i
    ),
  }));
  const rewards = await rewardsOf(candidates, tools);
  const rng = tools.rng("accept");
  const duels = candidates.flatMap(({ pair, answers }, c) =>
    neighbours(rng.shuffle(accepted(rewards[c], { beta, wanted: accept, rng })))
      .map(([a, b]) => ({ prompt: pair, first: answers[a], second: answers[b] }))
  );
  const judgments = await tools.compare(duels.map(({ prompt: { prompt }, first, second }) => ({
    ...{ prompt, first: first.text, second: second.text },
  })));
  return duels.flatMap((duel, i) => judgedPair({ ...duel, verdict: judgments[i] }, tools) ?? []);
};

/**
 * RSO: answers of the SFT model, accepted by statistical rejection. The paper draws 64 and keeps 8; eight and four here,
 * for the cost of a step. The beta of acceptance is its own; the loss's (the paper's gamma, 0.05 there) is the run's. The
 * loss is the paper's eq. 10, the hinge of log-ratios.
 */
export const RSO = {
  samples: "start",
  candidates: 8,
  ranker: "judge",
  pairs: statisticalRejection,
  loss: "hinge",
  parameters: { accept: 4, acceptBeta: 0.5 },
  source: "RSO, https://arxiv.org/abs/2309.06657, with the judge's logit for a reward",
} as const satisfies Method;

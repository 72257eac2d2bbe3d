import type { FormedPair, Method, Pairing } from "../method.ts";

/**
 * Each two answers to a prompt, labelled by the ranker's J of the one it prefers; of two equal texts J is 1/2.
 *
 * Under `sppo_hard` this is SPPO's loss for each of K answers, with P estimated against the policy's other samples: the
 * sum over j of J_ij [r_i - 1/(2 beta)]^2 + (1 - J_ij) [r_i + 1/(2 beta)]^2 is (K - 1) (r_i - (P_i - 1/2) / beta)^2 and a
 * constant, P_i the mean of the J_ij (SPPO, https://arxiv.org/abs/2405.00675, eq. 4.7 and section 4.3; eta is 1 / beta).
 * The paper's estimate counts an answer against itself, too: its P - 1/2 is (K - 1) / K of this one.
 */
export const everyPair: Pairing = async (candidates, { compare }) => {
  const games = candidates.flatMap(({ pair: prompt, answers }) =>
    answers.flatMap((a, i) => answers.slice(i + 1).map((b) => ({ prompt, a, b })))
  );
  const different = games.filter(({ a, b }) => a.text !== b.text);
  const judgments = await compare(
    different.map(({ prompt: { prompt }, a, b }) => ({ prompt, first: a.text, second: b.text })),
  );
  const judged = new Map(different.map((game, i) => [game, judgments[i]]));
  return games.flatMap((game): FormedPair[] => {
    const { prompt, a, b } = game;
    const judgment = judged.get(game);
    if (!judgment) return [{ prompt, chosen: a, rejected: b, label: 0.5 }];
    if (!judgment.answered) return [];
    const { pFirst, consistent } = judgment;
    const [chosen, rejected] = pFirst >= 0.5 ? [a, b] : [b, a];
    const label = Math.max(pFirst, 1 - pFirst);
    return [{ prompt, chosen, rejected, label, verdict: { preference: label, consistent } }];
  });
};

/** SPPO, five answers as in the paper: ten comparisons a prompt. */
export const SPPO = {
  samples: "policy",
  candidates: 5,
  ranker: "judge",
  pairs: everyPair,
  labels: "soft",
  loss: "sppo_hard",
  words: { ranks: "the model it started from, each against each" },
  source: "SPPO, https://arxiv.org/abs/2405.00675, eq. 4.7 with the mean of the judge's J for P",
} as const satisfies Method;

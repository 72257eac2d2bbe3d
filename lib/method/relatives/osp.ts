import type { FormedPair, Method, Pairing } from "../method.ts";

/** log(p / (1 - p)), kept finite where a judge is certain. */
export const logit = (p: number): number => {
  const kept = Math.min(Math.max(p, 1e-6), 1 - 1e-6);
  return Math.log(kept / (1 - kept));
};

/**
 * Pairs ranked by strength against one baseline answer: of n answers the last is the baseline b, the strength of each
 * other is s_i = logit J(y_i, b), and each two of them are a pair with the label sigmoid(s_i - s_j) for the stronger
 * one. n - 1 comparisons give (n - 1)(n - 2) / 2 pairs.
 *
 * Optimized Soft Preference (OSP), https://arxiv.org/abs/2405.14103, known from its abstract: that the strengths are
 * logits of the judge's probability, and which pairs are formed, is our reconstruction.
 */
export const againstBaseline: Pairing = async (candidates, { compare }) => {
  const comparisons = candidates.flatMap(({ pair: { prompt }, answers }) => {
    const baseline = answers.at(-1)!;
    return answers.slice(0, -1).map(({ text }) => ({ prompt, first: text, second: baseline.text }));
  });
  const judgments = await compare(comparisons);
  let next = 0;
  return candidates.flatMap(({ pair, answers }): FormedPair[] => {
    const rated = answers.slice(0, -1).map((answer) => ({ answer, judgment: judgments[next++] }))
      .filter(({ judgment }) => judgment.answered)
      .map(({ answer, judgment: { pFirst, consistent } }) => ({
        ...{ answer, consistent },
        strength: logit(pFirst),
      }));
    return rated.flatMap((a, i) =>
      rated.slice(i + 1).flatMap((b): FormedPair[] => {
        if (a.answer.text === b.answer.text) return [];
        const [better, worse] = a.strength >= b.strength ? [a, b] : [b, a];
        const label = 1 / (1 + Math.exp(worse.strength - better.strength));
        return [{
          prompt: pair,
          chosen: better.answer,
          rejected: worse.answer,
          label,
          verdict: { preference: label, consistent: a.consistent && b.consistent },
        }];
      })
    );
  });
};

/** OSP: five answers, the last the baseline of the others. */
export const OSP = {
  samples: "policy",
  candidates: 5,
  ranker: "judge",
  pairs: againstBaseline,
  loss: "sigmoid",
  words: {
    ranks: "the model it started from, each against the last",
    loss: "sigmoid, soft labels",
  },
  source: "OSP, https://arxiv.org/abs/2405.14103",
  known: "R",
} as const satisfies Method;

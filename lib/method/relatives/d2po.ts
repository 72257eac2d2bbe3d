import type { Candidates } from "../candidates.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";

/**
 * A discriminator kept fresh by a few gold labels: every `every` steps the `gold` pairs on which it is least sure are
 * labelled by the gold ranker, whose verdict replaces its own, and it learns from the last `window` gold pairs; all
 * other pairs it labels itself (silver). The policy learns from both by DPO (D2PO, https://arxiv.org/abs/2405.01511).
 *
 * The authors' code (PrasannS/d2po) labels 16 of every 128 pairs anew and takes 4 passes over those alone; here it is 16 of
 * every 320 (`every` steps of 32) and 4 passes over the last `window` gold pairs, a replay of ours. Before the first step the
 * discriminator learns of `first` pairs of the data set, a number of ours, too.
 *
 * Where the discriminator is the policy itself, its preference is that of its implicit reward, sigmoid(beta h), and what
 * keeps it fresh is that `replay` of the gold pairs are learned again in every step.
 */
export const discriminatorStep: OwnStep = async (tools) => {
  const { gold = 16, every = 10, window = 256, replay = 4 } = tools.method.parameters ?? {};
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const distinct = tools.distinct(candidates);
  const known = (await tools.memory.recall(tools.step)).slice(-window);
  const fresh: { at: number; pFirst: number }[] = [];
  if (tools.step % every === 0) {
    const sure = await preferences(distinct, tools);
    const least = distinct.map((_, i) => i)
      .sort((a, b) => Math.abs(sure[a] - 0.5) - Math.abs(sure[b] - 0.5))
      .slice(0, gold);
    const verdicts = await tools.gold(least.map((i) => comparison(distinct[i])));
    least.forEach((at, i) => {
      if (verdicts[i].answered && verdicts[i].winner !== "tie") {
        fresh.push({ at, pFirst: verdicts[i].pFirst });
      }
    });
    const wrong = fresh.filter(({ at, pFirst }) => (sure[at] > 0.5) !== (pFirst > 0.5)).length;
    tools.metric("contradicted", wrong);
  }
  const golden = fresh.map(({ at, pFirst }) => formed(distinct[at], pFirst));
  await tools.memory.keep(tools.step, golden);
  if (golden.length > 0) {
    await tools.teach([...known.map(({ pair }) => pair), ...golden].slice(-window));
  }
  const rest = distinct.filter((_, i) => fresh.every(({ at }) => at !== i));
  const silver = await preferences(rest, tools);
  const labelled = rest.flatMap((sampled, i) =>
    silver[i] === 0.5 ? [] : [formed(sampled, silver[i])]
  );
  const again = tools.method.ranker === "none"
    ? tools.rng("replay").shuffle(known).slice(0, replay).map(({ pair }) => pair)
    : [];
  tools.metric("goldPairs", golden.length);
  tools.metric("silverPairs", labelled.length);
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  tools.metric("identical", candidates.length - distinct.length);
  tools.metric("undecided", rest.length - labelled.length);
  const pairs = [...golden, ...labelled, ...again];
  return { parts: await tools.learn(pairs), pairs };
};

const comparison = ({ pair: { prompt }, answers: [first, second] }: Candidates) => ({
  prompt,
  first: first.text,
  second: second.text,
});

/** The discriminator's preference for the first of two answers; 1/2 where it has none. */
async function preferences(sampled: readonly Candidates[], tools: StepTools): Promise<number[]> {
  if (sampled.length === 0) return [];
  if (tools.method.ranker === "none") {
    const examples = sampled.flatMap(({ answers: [a, b] }) => [a.example, b.example]);
    const policy = await tools.logProbs(examples, "policy");
    const start = await tools.logProbs(examples, "start");
    return sampled.map((_, i) => {
      const [a, b] = [2 * i, 2 * i + 1].map((k) => policy[k] - start[k]);
      return 1 / (1 + Math.exp(tools.beta * (b - a)));
    });
  }
  const judgments = await tools.compare(sampled.map(comparison));
  return judgments.map(({ answered, winner, pFirst }) =>
    answered && winner !== "tie" ? pFirst : 0.5
  );
}

function formed({ pair, answers: [first, second] }: Candidates, pFirst: number): FormedPair {
  const [chosen, rejected] = pFirst > 0.5 ? [first, second] : [second, first];
  const preference = Math.max(pFirst, 1 - pFirst);
  return { prompt: pair, chosen, rejected, verdict: { preference, consistent: true } };
}

/** D2PO with a Bradley-Terry model for its discriminator. */
export const D2PO = {
  samples: "policy",
  candidates: 2,
  ranker: "discriminator",
  gold: true,
  own: discriminatorStep,
  loss: "sigmoid",
  parameters: { gold: 16, every: 10, window: 256, passes: 4, first: 1000 },
  source: "D2PO, https://arxiv.org/abs/2405.01511, its discriminator with a replay of ours",
} as const satisfies Method;

/** D2PO with a model trained by DPO, its implicit reward, for its discriminator. */
export const D2PO_DPO = {
  ...D2PO,
  ranker: "dpo-discriminator",
  source:
    "D2PO, https://arxiv.org/abs/2405.01511, discriminator trained by DPO, with the same replay",
} as const satisfies Method;

/** D2PO with the policy itself for its discriminator. */
export const D2PO_SELF = {
  ...D2PO,
  ranker: "none",
  words: { ranks: "the policy's own likelihoods" },
  parameters: { ...D2PO.parameters, replay: 4 },
  source: "D2PO, https://arxiv.org/abs/2405.01511, the policy for its own discriminator",
} as const satisfies Method;

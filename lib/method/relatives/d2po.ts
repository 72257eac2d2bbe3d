import type { Candidates } from "../candidates.ts";
import { judgedPair } from "../judged_pair.ts";
import { chosenSide, larger, preferenceOf, type Verdict } from "../judgment.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";

/**
 * A discriminator kept fresh by a few gold labels: every `every` steps the `gold` pairs on which it is least sure are
 * labelled by the gold ranker, whose verdict replaces its own, and it learns from the last `window` gold pairs; all
 * other pairs it labels itself (silver), those that the gold ranker leaves undecided among them. The policy learns from both by DPO (D2PO, https://arxiv.org/abs/2405.01511).
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
  const pairOf = (
    { pair, answers: [first, second] }: Candidates,
    verdict: Verdict,
    undecided = tools.undecided,
  ) => judgedPair({ prompt: pair, first, second, verdict }, { method: tools.method, undecided });
  const fresh = new Map<Candidates, FormedPair>();
  if (tools.step % every === 0) {
    const own = await verdicts(distinct, tools);
    const doubt = own.map((verdict) => Math.abs(preferenceOf(verdict) - 0.5));
    const least = distinct.map((_, i) => i).sort((a, b) => doubt[a] - doubt[b]).slice(0, gold);
    const given = await tools.gold(least.map((i) => comparison(distinct[i])));
    let contradicted = 0;
    least.forEach((at, i) => {
      const pair = pairOf(distinct[at], given[i], "skip"); // a gold ranker's silence is no label
      if (pair === null) return;
      fresh.set(distinct[at], pair);
      // Where the discriminator chose nobody there is nothing to contradict.
      const side = chosenSide(own[at]);
      if (side !== null && pair.chosen !== distinct[at].answers[side === "first" ? 0 : 1]) {
        contradicted++;
      }
    });
    tools.metric("contradicted", contradicted);
  }
  const golden = [...fresh.values()];
  await tools.memory.keep(tools.step, golden);
  if (golden.length > 0) {
    await tools.teach([...known.map(({ pair }) => pair), ...golden].slice(-window));
  }
  const rest = distinct.filter((sampled) => !fresh.has(sampled));
  const silver = await verdicts(rest, tools);
  const labelled = rest.flatMap((sampled, i) => pairOf(sampled, silver[i]) ?? []);
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

/** What the discriminator says of each prompt's two answers. */
async function verdicts(
  sampled: readonly Candidates[],
  tools: StepTools,
): Promise<readonly Verdict[]> {
  if (sampled.length === 0) return [];
  if (tools.method.ranker !== "none") return await tools.compare(sampled.map(comparison));
  const examples = sampled.flatMap(({ answers: [a, b] }) => [a.example, b.example]);
  const policy = await tools.logProbs(examples, "policy");
  const start = await tools.logProbs(examples, "start");
  return sampled.map((_, i): Verdict => {
    const [a, b] = [2 * i, 2 * i + 1].map((k) => policy[k] - start[k]);
    const pFirst = 1 / (1 + Math.exp(tools.beta * (b - a)));
    return { answered: true, winner: larger(a, b), pFirst, consistent: true, votes: [] };
  });
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
  revision: 2,
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

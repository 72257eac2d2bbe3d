import type { Turn } from "../../text/mod.ts";
import { afterPrompt, type Answer, type Candidates, type LoopPrompt } from "../candidates.ts";
import { encodePrompt } from "../encoder.ts";
import { learnedTokens } from "../example.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";

/** A system turn that asks for good answers, and one that asks for bad ones. */
export interface Contrast {
  readonly good: string;
  readonly bad: string;
}

const HELPFUL: Contrast = {
  good: "You are helpful: answer fully, truthfully and politely.",
  bad: "You are unhelpful: leave out what was asked for, and be careless with the truth.",
};

const headed = (system: string) => (prompt: readonly Turn[]): readonly Turn[] => [
  { role: "system", content: system },
  ...prompt.filter(({ role }) => role !== "system"),
];

/**
 * Three samples a prompt, asked for well (x+), badly (x-) and plainly (x), and three pairs: y+ over y- under x, and with
 * the weight W g y+ over y- under x+ and y over y+ under x-. W = sigmoid(-(mean log pi(y+) + mean log pi(y-)) / 2), of the
 * policy under x, a constant: answers that are likely already weigh less.
 *
 * The loss is L = l(x) + W g [l(x+) + l(x-)] of a prompt, the mean over prompts. A prompt whose start would be cut is left
 * out: the cut takes the principle.
 *
 * Self-Steering Optimization, https://arxiv.org/abs/2410.17131v1 and icip-cas/SSO. Nobody ranks.
 */
export const contrastStep = (contrast: Contrast = HELPFUL): OwnStep => async (tools) => {
  const { g = 0.1 } = tools.method.parameters ?? {};
  const prompts = tools.prompts();
  const sets = await contrasted(prompts, contrast, tools);
  const likely = await tools.logProbs(sets.flatMap(({ w, l }) => [w.example, l.example]), "policy");
  const meanOf = (sum: number, { example }: Answer) => sum / learnedTokens(example);
  const pairs = sets.flatMap(({ prompt, w, l, o }, i): FormedPair[] => {
    const mean = (meanOf(likely[2 * i], w) + meanOf(likely[2 * i + 1], l)) / 2;
    const weight = g / (1 + Math.exp(mean));
    const main: FormedPair = { prompt, chosen: w, rejected: l };
    if (weight === 0) return [main];
    const others = underPrinciples({ prompt, w, l, o }, contrast, tools);
    return [main, ...others.map((pair) => ({ ...pair, weight }))];
  });
  tools.metric("skippedPrompts", prompts.length - sets.length);
  return { parts: await tools.learn(pairs, { total: sets.length }), pairs };
};

/** Each prompt's answers asked for well (w), badly (l) and plainly (o), where the first two differ. */
async function contrasted(all: readonly LoopPrompt[], contrast: Contrast, tools: StepTools) {
  const { encoder } = tools;
  const prompts = all.filter(({ prompt }) =>
    encoder.overflow !== "truncate-start" ||
    [contrast.good, contrast.bad].every((system) =>
      encodePrompt(headed(system)(prompt), encoder).length <= encoder.maxTokens
    )
  );
  const draw = async (name: string, system?: string) => {
    const asked = system === undefined ? undefined : headed(system);
    const drawn = await tools.sample(prompts, { candidates: 1, name, asked, learned: (p) => p });
    return new Map(drawn.map((one: Candidates) => [one.pair, one.answers[0]]));
  };
  const good = await draw("good", contrast.good);
  const bad = await draw("bad", contrast.bad);
  const plain = await draw("plain");
  return prompts.flatMap((prompt) => {
    const [w, l, o] = [good, bad, plain].map((answers) => answers.get(prompt));
    return isLearned(w) && isLearned(l) && isLearned(o) && w.text !== l.text
      ? [{ prompt, w, l, o }]
      : [];
  });
}

/** The authors' conventions may leave nothing of an answer to learn: then it has no mean likelihood either. */
const isLearned = (answer?: Answer): answer is Answer =>
  answer !== undefined && learnedTokens(answer.example) > 0;

/** y+ over y- after the prompt that asks well, y over y+ after the one that asks badly. */
function underPrinciples(
  { prompt, w, l, o }: { prompt: LoopPrompt; w: Answer; l: Answer; o: Answer },
  contrast: Contrast,
  { encoder }: StepTools,
): FormedPair[] {
  const under = (system: string, { text, example }: Answer): Answer => ({
    text,
    example: afterPrompt(example, encodePrompt(headed(system)(prompt.prompt), encoder)),
  });
  return [
    { prompt, chosen: under(contrast.good, w), rejected: under(contrast.good, l) },
    { prompt, chosen: under(contrast.bad, o), rejected: under(contrast.bad, w) },
  ];
}

/** SSO, first version. */
export const SSO = {
  samples: "policy",
  candidates: 3,
  ranker: "none",
  words: { ranks: "nobody: asked for well over asked for badly" },
  own: contrastStep(),
  loss: "sigmoid",
  parameters: { g: 0.1 },
  revision: 2,
  source: "SSO, https://arxiv.org/abs/2410.17131v1; the words of the two principles are ours",
} as const satisfies Method;

/**
 * The data generator of SSO's second version: asked well it is to prefer y+ to y-, asked badly y to y+, each with a part
 * of the answer's own likelihood, L = l(x+; y+ > y-) + l(x-; y > y+) + 0.1 (SFT of y+ and of y), the mean over prompts (ACL
 * Findings 2025). What it leaves are the pairs y+ over y- of the plain prompt: the method's second half is plain DPO on them, a run with
 * `--data RUN/self-judge/pairs/train.jsonl` and the method offline-dpo.
 */
export const generatorStep = (contrast: Contrast = HELPFUL): OwnStep => async (tools) => {
  const prompts = tools.prompts();
  const sets = await contrasted(prompts, contrast, tools);
  const learned = sets.flatMap((set) => underPrinciples(set, contrast, tools));
  tools.metric("skippedPrompts", prompts.length - sets.length);
  return {
    parts: await tools.learn(learned, { total: sets.length }),
    pairs: sets.map(({ prompt, w, l }) => ({ prompt, chosen: w, rejected: l })),
  };
};

/** SSO, second version: its data generator. */
export const SSO_GENERATOR = {
  samples: "policy",
  candidates: 3,
  ranker: "none",
  words: { ranks: "nobody: asked for well over asked for badly" },
  own: generatorStep(),
  loss: "sigmoid_sft",
  parameters: { sft: 0.1 },
  revision: 2,
  source: "SSO, https://arxiv.org/abs/2410.17131, version 2: the generator of its pairs",
} as const satisfies Method;

import { fromDataset, type LoopPrompt } from "../candidates.ts";
import { knockoutFinal } from "../knockout_pairs.ts";
import type { FormedPair, Method, OwnStep, StepTools } from "../method.ts";

/**
 * Offline pairs to which the policy's own are added: every T steps the policy answers l questions twice, the judge it
 * started from ranks them, and the pairs join the others, of which each step's batch is drawn. T from 1 to infinity goes
 * from on-policy to offline.
 *
 * LoL, humour leaps, https://arxiv.org/abs/2410.10370. The same model chooses, ranks and answers there, too; its third
 * task, to rewrite a joke, and its data are not here.
 *
 * - `every`: T. - `offline`: 1 with the data set's pairs, 0 without. - `window`: pairs of the last so many rounds are kept.
 */
export const replayStep: OwnStep = async (tools) => {
  const { every = 10, offline = 1, window = Infinity } = tools.method.parameters ?? {};
  const { memory, step } = tools;
  const kept = await memory.recall(step);
  if (step % every === 0) {
    const drawn = tools.distinct(await tools.sample(tools.prompts(), {}));
    const made = await knockoutFinal(drawn, tools);
    await memory.keep(step, made);
    kept.push(...made.map((pair) => ({ step, pair })));
  }
  const since = Math.floor(step / every) * every - (window - 1) * every;
  const own = kept.filter((row) => row.step >= since).map(({ pair }) => pair);
  // Of the data set's pairs only those drawn become tokens.
  const pool = [
    ...(offline ? tools.all() : []).map((one) => () => given(one, tools)),
    ...own.map((pair) => () => [pair]),
  ];
  const pairs: FormedPair[] = [];
  for (const made of tools.rng("replay").shuffle(pool)) {
    if (pairs.length === tools.batchSize) break;
    pairs.push(...made());
  }
  tools.metric("replayed", own.length);
  return { parts: await tools.learn(pairs), pairs };
};

/** A pair of the data set, if it leaves room for its answers. */
function given(prompt: LoopPrompt, { encoder }: StepTools): FormedPair[] {
  return fromDataset([prompt], encoder).map(({ answers: [chosen, rejected] }) => ({
    prompt,
    chosen,
    rejected,
  }));
}

/** LoL's mixture of offline pairs and the policy's own. */
export const LOL = {
  samples: "policy",
  given: "answers",
  candidates: 2,
  ranker: "judge",
  own: replayStep,
  loss: "sigmoid",
  parameters: { every: 10 },
  source: "LoL, https://arxiv.org/abs/2410.10370",
} as const satisfies Method;

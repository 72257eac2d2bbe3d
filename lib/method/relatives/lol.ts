import { fromDataset } from "../candidates.ts";
import { knockoutFinal } from "../knockout_pairs.ts";
import type { FormedPair, Method, OwnStep } from "../method.ts";

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
  const given = offline
    ? fromDataset(tools.all(), tools.encoder).map((one): FormedPair => ({
      prompt: one.pair,
      chosen: one.answers[0],
      rejected: one.answers[1],
    }))
    : [];
  const pool = [...given, ...own];
  const pairs = tools.rng("replay").shuffle(pool).slice(0, tools.batchSize);
  tools.metric("replayed", own.length);
  return { parts: await tools.learn(pairs), pairs };
};

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

/** What the page carries, read from the repository as its builder reads it. */
import { PlayApi } from "../lib/lab/play/api.ts";
import { carried, weightsOf } from "../lib/lab/play/build.ts";
import type { PlayData } from "../lib/lab/play/session.ts";
import type { PlayModel } from "../lib/lab/play/settings.ts";

/** The data of one of the page's models. */
export async function playData(model: PlayModel): Promise<PlayData> {
  const { configs, pairs, requests } = await carried();
  return { config: configs[model], weights: await weightsOf(model), pairs, requests };
}

/** What browser and native engine are asked alike. */
export async function samePlay(
  api: Pick<PlayApi, "judge" | "readLoss" | "readVerdict" | "step" | "measure">,
  { pairs, steps }: { pairs: PlayData["pairs"]; steps: number },
) {
  const judged = [];
  for (const { prompt, chosen, rejected } of pairs) {
    const { judgment: { pFirst, labelProbability } } = await api.judge(prompt, chosen, rejected);
    judged.push(pFirst, labelProbability);
  }
  const [{ prompt, chosen, rejected }] = pairs;
  const verdicts = await api.readVerdict(prompt, chosen, rejected);
  const learned = [];
  for (let i = 0; i < steps; i++) {
    const { log, pairs } = await api.step({ method: "self-judge", beta: 0.1, learningRate: 2e-4 });
    learned.push({
      texts: pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]),
      numbers: [log.loss, log.gradientNorm, ...pairs.map(({ preference }) => preference!)],
    });
  }
  const { chosen: c, rejected: r, margin, loss } = await api.readLoss(
    prompt,
    chosen,
    rejected,
    0.1,
  );
  const point = steps > 0 ? await api.measure() : null;
  return {
    texts: [
      ...learned.flatMap(({ texts }) => texts),
      ...point?.answers.map(({ text }) => text) ?? [],
    ],
    numbers: [
      ...judged,
      ...verdicts.flatMap(({ next }) => next.map(({ logit }) => logit)),
      ...learned.flatMap(({ numbers }) => numbers),
      ...[c.policy, c.reference, r.policy, r.reference, margin, loss],
      ...point ? [point.reward, point.winRate, point.kl] : [],
    ],
  };
}

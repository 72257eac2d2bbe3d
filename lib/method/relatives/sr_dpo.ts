import type { Turn } from "../../text/mod.ts";
import { afterPrompt } from "../candidates.ts";
import { type AnswerEncoder, encodePrompt } from "../encoder.ts";
import type { Example } from "../example.ts";
import type { FormedPair, Method, StepTools } from "../method.ts";
import { logit } from "./osp.ts";

/** The prompt of an answer whose quality is said to be full (Sr-DPO, appendix; our wording). */
export function qualityPrompt(prompt: readonly Turn[]): readonly Turn[] {
  const note = "Answer with the highest usefulness, 100 out of 100.";
  return prompt.map((turn, i) =>
    i === prompt.length - 1 ? { ...turn, content: `${turn.content}\n${note}` } : turn
  );
}

/**
 * l D for every pair, D = beta h' a constant: h' is the margin of policy over reference under the quality prompt, as
 * the policy is now. With the prompt itself in its place the loss is DPO's at beta (1 - l) in value. A pair that is longer
 * than the model's context under the quality prompt has no D: its loss is DPO's, and it is counted.
 *
 * Self-refined DPO, https://arxiv.org/abs/2405.21040, eqs. 8 to 10.
 */
export const qualityOffsets =
  (asked = qualityPrompt) =>
  async (pairs: readonly FormedPair[], tools: StepTools): Promise<number[]> => {
    const { lambda = 0.3 } = tools.method.parameters ?? {};
    const { encoder, model: { config: { maxPositions } } } = tools;
    const all = pairs.map(({ prompt: { prompt }, chosen, rejected }) =>
      [chosen, rejected].map(({ example }) => underPrompt(example, { prompt, asked, encoder }))
    );
    const fitting = all.filter((both) => both.every(({ ids }) => ids.length <= maxPositions));
    tools.metric("withoutQuality", all.length - fitting.length);
    const examples = fitting.flat();
    const [policy, start] = [
      await tools.logProbs(examples, "policy"),
      await tools.logProbs(examples, "start"),
    ];
    const ratio = (i: number) => policy[i] - start[i];
    // One D for both losses, as the paper has it: beta h - l D under the sigmoid, h - l D - 1 / (2 beta) in IPO's square.
    const offsets = new Map(
      fitting.map((both, i) => [both, lambda * tools.beta * (ratio(2 * i) - ratio(2 * i + 1))]),
    );
    return all.map((both) => offsets.get(both) ?? 0);
  };

/** An answer after what `asked` makes of its prompt, of whose start as much is missing as the pair's own has lost. */
function underPrompt(
  example: Example,
  { prompt, asked, encoder }: {
    prompt: readonly Turn[];
    asked: typeof qualityPrompt;
    encoder: AnswerEncoder;
  },
): Example {
  const lost = encoder.overflow === "truncate-start"
    ? Math.max(0, encodePrompt(prompt, encoder).length - example.from)
    : 0;
  return afterPrompt(example, encodePrompt(asked(prompt), encoder).slice(lost));
}

/** l logit J(chosen, rejected), a constant: what the judge says in the place of what the model's own margin does. */
export const judgeOffsets = (
  pairs: readonly FormedPair[],
  { method }: StepTools,
): Promise<number[]> =>
  Promise.resolve(
    pairs.map(({ verdict }) =>
      (method.parameters?.lambda ?? 0.3) * (verdict ? logit(verdict.preference) : 0)
    ),
  );

const COMMON = { samples: "dataset", candidates: 2, ranker: "labels" } as const;
const SOURCE = "Sr-DPO, https://arxiv.org/abs/2405.21040";

/** On the data set's pairs, as in the paper. */
export const SR_DPO = {
  ...COMMON,
  loss: "sigmoid",
  offsets: qualityOffsets(),
  parameters: { lambda: 0.3 },
  source: SOURCE,
} as const satisfies Method;

/** The same with IPO's loss. */
export const SR_IPO = {
  ...COMMON,
  loss: "ipo",
  offsets: qualityOffsets(),
  parameters: { lambda: 0.3 },
  source: SOURCE,
} as const satisfies Method;

/** Ours: in the self-judging loop, with the judge's logit for the margin. */
export const SR_JUDGE = {
  samples: "policy",
  candidates: 2,
  ranker: "judge",
  loss: "sigmoid",
  offsets: judgeOffsets,
  parameters: { lambda: 0.3 },
  source: `${SOURCE}, its margin from the judge: a variant of ours`,
  known: "R",
} as const satisfies Method;

import { type AnswerEncoder, encodePrompt, endOfAnswer } from "../../method/mod.ts";
import { type Compare, type Judgment, larger } from "../../method/mod.ts";
import { generate, type LanguageModel, sequenceLogProbs, type WithModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { reward } from "../world/reward.ts";
import { BATCH_TOKENS, MAX_NEW_TOKENS } from "./session.ts";
import { rewardGap } from "./desk_evidence.ts";

/** An answer drawn from a policy. */
export interface Drawn {
  readonly order: string;
  readonly text: string;
  /** True reward. */
  readonly reward: number;
  /** Prompt and answer, end token included where the policy ended. */
  readonly ids: readonly number[];
  readonly from: number;
}

/** Answers to orders, drawn at temperature 1 from the whole distribution unless `topP` is given. */
export async function drawAnswersOf(
  model: LanguageModel,
  orders: readonly string[],
  options: {
    encoder: AnswerEncoder;
    seed: number;
    samples?: number;
    topP?: number;
  },
): Promise<Drawn[][]> {
  const { encoder, seed, samples = 1, topP = 1 } = options;
  const end = endOfAnswer(encoder.tokenizer);
  const prompts = orders.map((content) => encodePrompt([{ role: "user", content }], encoder));
  const drawn = await generate(model, prompts, {
    temperature: 1,
    topP,
    seed,
    samples,
    maxNewTokens: MAX_NEW_TOKENS,
    stopIds: [end],
    batchRows: 256,
  });
  return drawn.map((answers, i) =>
    answers.map((answer): Drawn => {
      const text = encoder.tokenizer.decode(answer.ids, { skipSpecial: true }).trim();
      const tail = answer.end === "stop" ? [end] : [];
      return {
        order: orders[i],
        text,
        reward: reward(orders[i], text),
        ids: [...prompts[i], ...answer.ids, ...tail],
        from: prompts[i].length,
      };
    })
  );
}

/** What a policy is worth on some orders. */
export interface PolicyNumbers {
  /** Mean true reward of one answer an order. */
  readonly reward: number;
  /** Share of orders on which the judge prefers its answer to one of the JSFT model; a tie is a half. */
  readonly judge_win_rate: number;
  /** Mean of log pi(y|x) - log pi_jsft(y|x) over its own answers: a sample estimate of the KL, in nats. */
  readonly kl: number;
  /** Mean tokens of an answer. */
  readonly length: number;
}

/**
 * Measures a policy with one answer an order.
 *
 * @param options.opponents Answers of the JSFT model to the same orders.
 */
export async function measurePolicy(
  model: LanguageModel,
  orders: readonly string[],
  options: {
    encoder: AnswerEncoder;
    seed: number;
    reference: WithModel;
    compare: Compare;
    opponents: readonly Drawn[];
  },
): Promise<{ numbers: PolicyNumbers; answers: Drawn[] }> {
  const { reference, compare, opponents } = options;
  const answers = (await drawAnswersOf(model, orders, options)).map(([answer]) => answer);
  const own = await sequenceLogProbs(model, answers, { batchTokens: BATCH_TOKENS });
  const before = await reference((m) =>
    sequenceLogProbs(m, answers, { batchTokens: BATCH_TOKENS })
  );
  const verdicts = await compare(answers.map(({ order, text }, i) => ({
    prompt: [{ role: "user", content: order }],
    first: text,
    second: opponents[i].text,
  })));
  return {
    answers,
    numbers: {
      reward: mean(answers.map((answer) => answer.reward)),
      judge_win_rate: mean(
        verdicts.map(({ winner }) => winner === "first" ? 1 : winner === "tie" ? 0.5 : 0),
      ),
      kl: mean(own.map((value, i) => value - before[i])),
      length: mean(answers.map(({ ids, from }) => ids.length - from)),
    },
  };
}

/**
 * What a judge is worth against the true reward, of all pairs: one that it does not answer is a half where right
 * and wrong are counted, and names no winner.
 */
export interface JudgeNumbers {
  /** Agreement with the held-out labels, which are noisy. */
  readonly accuracy_labels: number;
  /** Agreement with the reward where the two rewards differ. */
  readonly accuracy: number;
  /** The same where they differ by more than 0.3. */
  readonly accuracy_clear: number;
  /** Share of pairs whose two orders name the same winner. */
  readonly consistency: number;
  readonly first_position: number;
}

/** Least gap of two rewards that a judge should see. */
export const CLEAR = 0.3;

/** Rewards are sums of tenths: two equal ones may differ in their last bits. */
export const LAST_BITS = 1e-9;

/** A verdict and whether it was given. */
type Verdict = Pick<Judgment, "winner" | "answered">;

/** What a verdict is worth to the first answer: 1, 0, or a half for a tie and a verdict not given. */
const forFirst = ({ winner, answered }: Verdict): number =>
  winner === "tie" || !answered ? 0.5 : Number(winner === "first");

/** Share of judgments whose two orders name the same winner; one that was not given names none. */
export function agreement(judgments: readonly Judgment[]): number {
  return mean(judgments.map(({ answered, consistent }) => Number(answered && consistent)));
}

/**
 * 1, 0 or a half for each pair whose rewards differ by more than `least`: whether the better answer wins, a tie
 * and a verdict not given being a half.
 *
 * @param gaps Reward of the first answer less that of the second.
 */
export function rightOn(
  judgments: readonly Verdict[],
  { gaps, least }: { gaps: readonly number[]; least: number },
): number[] {
  return judgments.flatMap((judgment, i) => {
    if (Math.abs(gaps[i]) <= least + LAST_BITS) return [];
    return [gaps[i] > 0 ? forFirst(judgment) : 1 - forFirst(judgment)];
  });
}

/** Measures a judge on held-out pairs; `right` has 1, 0 or a half for each clear pair. */
export async function measureJudge(
  compare: Compare,
  pairs: readonly Pair[],
): Promise<{ numbers: JudgeNumbers; right: number[] }> {
  const comparisons = pairs.map(({ prompt, chosen, rejected }) => ({
    prompt,
    first: chosen,
    second: rejected,
  }));
  const judgments = await compare(comparisons);
  const gaps = comparisons.map(rewardGap);
  const right = rightOn(judgments, { gaps, least: CLEAR });
  const orders = judgments.flatMap(({ forward, backward, answered }) =>
    [forward, backward].map(({ a, b }): Verdict => ({ winner: larger(a, b), answered }))
  );
  return {
    right,
    numbers: {
      accuracy_labels: mean(judgments.map(forFirst)),
      accuracy: mean(rightOn(judgments, { gaps, least: 0 })),
      accuracy_clear: mean(right),
      consistency: agreement(judgments),
      first_position: mean(orders.map(forFirst)),
    },
  };
}

/** The mean. @throws {RangeError} of no values: a table never holds NaN */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the mean of no values");
  return values.reduce((a, b) => a + b, 0) / values.length;
}

import {
  type AnswerEncoder,
  type Compare,
  credit,
  encodePrompt,
  type Judgment,
  larger,
  pairComparison,
  sampleAnswers,
  type SampledAnswer,
} from "../../method/mod.ts";
import {
  type LanguageModel,
  sequenceLogProbs,
  type WithModel,
  withModel,
} from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { reward } from "../world/reward.ts";
import { LAST_BITS, rewardGap } from "./desk_evidence.ts";
import { BATCH_TOKENS, type DeskSession, MAX_NEW_TOKENS } from "./session.ts";

/** An answer drawn from a policy, with the request it answers and its true reward. */
export interface DrawnAnswer extends SampledAnswer {
  readonly request: string;
  readonly reward: number;
}

/**
 * Answers to requests, drawn at temperature 1.
 *
 * @param options.topP Draw among the likeliest tokens alone. @default 1, the whole distribution
 */
export async function drawAnswersOf(
  model: LanguageModel,
  requests: readonly string[],
  { encoder, seed, samples = 1, topP = 1 }: {
    encoder: AnswerEncoder;
    seed: number;
    samples?: number;
    topP?: number;
  },
): Promise<DrawnAnswer[][]> {
  const prompts = requests.map((content) => encodePrompt([{ role: "user", content }], encoder));
  const drawn = await sampleAnswers(model, prompts, {
    ...{ encoder, topP, seed, samples, temperature: 1 },
    maxNewTokens: MAX_NEW_TOKENS,
    batchRows: 256,
  });
  return drawn.map((answers, i) =>
    answers.map((answer): DrawnAnswer => ({
      ...answer,
      request: requests[i],
      reward: reward(requests[i], answer.text),
    }))
  );
}

/** What was measured of a policy on some requests. */
export interface PolicyNumbers {
  /** Mean true reward of one answer a request. */
  readonly reward: number;
  /** Share of requests on which the judge prefers its answer to one of the JSFT model, see `credit`. */
  readonly judge_win_rate: number;
  /** Mean of log pi(y|x) - log pi_jsft(y|x) over its own answers: a sample estimate of the KL, in nats. */
  readonly kl: number;
  /** Mean tokens of an answer, its end token included. */
  readonly length: number;
}

/**
 * Measures a policy with one answer a request.
 *
 * @param options.opponents Answers of the JSFT model to the same requests.
 */
export async function measurePolicy(
  model: LanguageModel,
  requests: readonly string[],
  { reference, compare, opponents, ...draw }: {
    encoder: AnswerEncoder;
    seed: number;
    reference: WithModel;
    compare: Compare;
    opponents: readonly DrawnAnswer[];
  },
): Promise<{ numbers: PolicyNumbers; answers: DrawnAnswer[] }> {
  const answers = (await drawAnswersOf(model, requests, draw)).map(([answer]) => answer);
  const own = await sequenceLogProbs(model, answers, { batchTokens: BATCH_TOKENS });
  const before = await reference((m) =>
    sequenceLogProbs(m, answers, { batchTokens: BATCH_TOKENS })
  );
  const judgments = await compare(answers.map(({ request, text }, i) => ({
    prompt: [{ role: "user", content: request }],
    first: text,
    second: opponents[i].text,
  })));
  return {
    answers,
    numbers: {
      reward: mean(answers.map((answer) => answer.reward)),
      judge_win_rate: mean(judgments.map((judgment) => credit(judgment))),
      kl: mean(own.map((value, i) => value - before[i])),
      length: mean(answers.map(({ ids, from }) => ids.length - from)),
    },
  };
}

/** Measures policies on the same requests against the same answers of the model they started from. */
export async function policyMeter(
  session: DeskSession,
  { start, requests: count }: { start: string; requests: number },
): Promise<(policy: LanguageModel) => ReturnType<typeof measurePolicy>> {
  const { seed } = session.study;
  const requests = await session.requests(count);
  const encoder = await session.encoder();
  const reference = withModel(await session.model(start));
  const drawn = await reference((m) => drawAnswersOf(m, requests, { encoder, seed: seed + 1 }));
  const opponents = drawn.map(([answer]) => answer);
  const { compare } = await session.judgeOf(start);
  return (policy) =>
    measurePolicy(policy, requests, { encoder, seed, reference, compare, opponents });
}

/** A judge's quality against the true reward, of all pairs; see `credit`. */
export interface JudgeNumbers {
  /** Agreement with the held-out labels, which are noisy. */
  readonly accuracy_labels: number;
  /** Agreement with the reward where the two rewards differ. */
  readonly accuracy: number;
  /** The same where they differ by more than 0.3. */
  readonly accuracy_clear: number;
  /** Share of pairs whose two positions name the same winner. */
  readonly consistency: number;
  readonly first_position: number;
}

/** Least gap of two rewards that a judge should see. */
export const CLEAR = 0.3;

/** Share of judgments whose two positions name the same winner; one that was not given names none. */
export function consistencyOf(judgments: readonly Judgment[]): number {
  return mean(judgments.map(({ answered, consistent }) => Number(answered && consistent)));
}

/**
 * The credit of the better answer of each pair whose rewards differ by more than `least`.
 *
 * @param gaps Reward of the first answer less that of the second.
 */
export function rightOn(
  judgments: readonly Pick<Judgment, "winner" | "answered">[],
  { gaps, least }: { gaps: readonly number[]; least: number },
): number[] {
  return judgments.flatMap((judgment, i) =>
    Math.abs(gaps[i]) <= least + LAST_BITS
      ? []
      : [credit(judgment, gaps[i] > 0 ? "first" : "second")]
  );
}

/** Measures a judge on held-out pairs; `right` has the credit of each clear pair. */
export async function judgeQuality(
  compare: Compare,
  pairs: readonly Pair[],
): Promise<{ numbers: JudgeNumbers; right: number[] }> {
  const comparisons = pairs.map(pairComparison);
  const judgments = await compare(comparisons);
  const gaps = comparisons.map(rewardGap);
  const right = rightOn(judgments, { gaps, least: CLEAR });
  const first = judgments.flatMap(({ forward, backward, answered }) =>
    [forward, backward].map(({ a, b }) => credit({ winner: larger(a, b), answered }))
  );
  return {
    right,
    numbers: {
      accuracy_labels: mean(judgments.map((judgment) => credit(judgment))),
      accuracy: mean(rightOn(judgments, { gaps, least: 0 })),
      accuracy_clear: mean(right),
      consistency: consistencyOf(judgments),
      first_position: mean(first),
    },
  };
}

/** The mean. @throws {RangeError} of no values: a table never holds NaN */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the mean of no values");
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** A share as text, for a log. */
export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

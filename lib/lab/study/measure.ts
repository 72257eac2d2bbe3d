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
import { type LanguageModel, sequenceLogProbs, type WithModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import { apartBy, rewardGap } from "./desk_evidence.ts";
import type { World } from "./world.ts";

/** An answer drawn from a policy, with the request it answers and its true reward. */
export interface DrawnAnswer extends SampledAnswer {
  readonly request: string;
  readonly reward: number;
}

/**
 * Answers to requests, drawn at temperature 1.
 *
 * @param options.topP Draw among the likeliest tokens alone. @default 1, the whole distribution
 * @param options.world @default the order desk
 */
export async function drawAnswersOf(
  model: LanguageModel,
  requests: readonly string[],
  { encoder, seed, samples = 1, topP = 1, world = ORDER_DESK }: {
    encoder: AnswerEncoder;
    seed: number;
    samples?: number;
    topP?: number;
    world?: World;
  },
): Promise<DrawnAnswer[][]> {
  const prompts = requests.map((content) => encodePrompt([{ role: "user", content }], encoder));
  const { maxNewTokens, batchRows } = world.limits;
  const drawn = await sampleAnswers(model, prompts, {
    ...{ encoder, topP, seed, samples, maxNewTokens, batchRows },
    temperature: 1,
  });
  return drawn.map((answers, i) =>
    answers.map((answer): DrawnAnswer => ({
      ...answer,
      request: requests[i],
      reward: world.reward(requests[i], answer.text),
    }))
  );
}

/** What was measured of a policy on some requests. */
export interface PolicyNumbers {
  /** Mean true reward of one answer a request. */
  readonly reward: number;
  /** Share of requests on which the judge prefers its answer to one of the JSFT model, see `credit`. */
  readonly judge_win_rate: number;
  /** Mean of log pi(y|x) - log pi_jsft(y|x) over its own answers: of the whole distribution an estimate of the KL, in nats. */
  readonly kl: number;
  /** Mean of - log pi(y|x) over its own answers: of the whole distribution an estimate of the entropy, in nats. */
  readonly entropy: number;
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
    topP?: number;
    world?: World;
    reference: WithModel;
    compare: Compare;
    opponents: readonly DrawnAnswer[];
  },
): Promise<{ numbers: PolicyNumbers; answers: DrawnAnswer[] }> {
  const answers = (await drawAnswersOf(model, requests, draw)).map(([answer]) => answer);
  const { batchTokens } = (draw.world ?? ORDER_DESK).limits;
  return {
    answers,
    numbers: {
      reward: mean(answers.map((answer) => answer.reward)),
      judge_win_rate: await winRate(answers, { opponents, compare }),
      ...await distributionOf(model, answers, { reference, batchTokens }),
    },
  };
}

/** KL to a reference, entropy and length by a policy's own answers, see {@linkcode PolicyNumbers}. */
export async function distributionOf(
  model: LanguageModel,
  answers: readonly DrawnAnswer[],
  { reference, batchTokens }: { reference: WithModel; batchTokens: number },
): Promise<Pick<PolicyNumbers, "kl" | "entropy" | "length">> {
  const own = await sequenceLogProbs(model, answers, { batchTokens });
  const before = await reference((m) => sequenceLogProbs(m, answers, { batchTokens }));
  return {
    kl: mean(own.map((value, i) => value - before[i])),
    entropy: -mean(own),
    length: mean(answers.map(({ ids, from }) => ids.length - from)),
  };
}

/** Share of requests on which a judge prefers an answer to the opponent's to the same request, see `credit`. */
export async function winRate(
  answers: readonly DrawnAnswer[],
  { opponents, compare }: { opponents: readonly DrawnAnswer[]; compare: Compare },
): Promise<number> {
  const judgments = await compare(answers.map(({ request, text }, i) => ({
    prompt: [{ role: "user", content: request }],
    first: text,
    second: opponents[i].text,
  })));
  return mean(judgments.map((judgment) => credit(judgment)));
}

/** The seed of a named stream of a run: no two of them, and none of two runs, are the same draws. */
export function streamSeed(seed: number, name: string): number {
  return Rng.named(seed, `study/${name}`).int(0x7fff_ffff);
}

/** A judge's quality against the true reward, of all pairs; see `credit`. */
export interface JudgeNumbers {
  /** Agreement with the held-out labels, which are noisy. */
  readonly accuracy_labels: number;
  /** Agreement with the reward where the two rewards differ. */
  readonly accuracy: number;
  /** The same on clear pairs, see `World.clear`. */
  readonly accuracy_clear: number;
  /** Share of pairs whose two positions name the same winner. */
  readonly consistency: number;
  readonly first_position: number;
}

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
    apartBy(gaps[i], least) ? [credit(judgment, gaps[i] > 0 ? "first" : "second")] : []
  );
}

/**
 * Measures a judge on held-out pairs; `right` has the credit of each clear pair.
 *
 * @param world @default the order desk
 */
export async function judgeQuality(
  compare: Compare,
  pairs: readonly Pair[],
  world: World = ORDER_DESK,
): Promise<{ numbers: JudgeNumbers; right: number[] }> {
  const comparisons = pairs.map(pairComparison);
  const judgments = await compare(comparisons);
  const gaps = comparisons.map((one) => rewardGap(one, world));
  const right = rightOn(judgments, { gaps, least: world.clear });
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

/** The mean of bases' means of a number, however many runs each has. */
export function meanOfBases<Row extends { readonly base: string }>(
  rows: readonly Row[],
  value: (row: Row) => number,
): number {
  return mean(
    [...Map.groupBy(rows, ({ base }) => base).values()].map((some) => mean(some.map(value))),
  );
}

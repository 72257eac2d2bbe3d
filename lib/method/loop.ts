import { type Compare, type Judgment } from "./judgment.ts";
import { randomJudge } from "../measure/mod.ts";
import { tournaments } from "./tournament.ts";
import {
  generate,
  type LanguageModel,
  type SamplingConfig,
  sequenceLogProbs,
  type WithModel,
} from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";
import { Rng } from "../base/random.ts";
import {
  type AnswerEncoder,
  answerExample,
  encodePrompt,
  endOfAnswer,
  type Example,
} from "./example.ts";
import type { Method } from "./methods.ts";
import {
  type MicroBatch,
  preferenceBatches,
  type ScoredPair,
  supervisedBatches,
} from "./microbatch.ts";

/** Settings of preference training beside the method. */
export interface PreferenceConfig extends SamplingConfig {
  beta: number;
  /** Prompts per step. */
  batchSize: number;
  maxNewTokens: number;
  /** Rows decoded together. */
  batchRows: number;
  microBatchTokens: number;
  seed: number;
}

/** Answers to one prompt on their way to becoming a training pair. */
export interface Candidates {
  readonly pair: Pair;
  readonly answers: readonly Answer[];
}

/** An answer as text, for the judge, and as the tokens to train on. */
export interface Answer {
  readonly text: string;
  readonly example: Example;
  /** Tokens of the answer alone, its end token counted. */
  readonly length: number;
}

/** What {@linkcode preferenceStep} made of a step's prompts, for the run folder. */
export interface RankedPair {
  readonly step: number;
  readonly pair: string;
  readonly chosen: string;
  readonly rejected: string;
  /** J(chosen, rejected) of the judge; absent where the data set's labels order. */
  readonly preference?: number;
  readonly consistent?: boolean;
}

/**
 * Prepares one step of preference training: sample, order, score under the reference.
 *
 * Identical samples teach nothing and are skipped, as are pairs on which the judge is undecided (a tie, or
 * next to no probability on either label); both are counted. The reference is the frozen model that the
 * policy started from; `compare` is whoever the method's `orders` names, a coin and labels excepted.
 *
 * @returns a function of the step, for the trainer
 */
export function preferenceStep(options: {
  method: Method;
  model: LanguageModel;
  frozen: WithModel;
  compare: Compare;
  pairs: readonly Pair[];
  encoder: AnswerEncoder;
  config: PreferenceConfig;
  onPairs?: (pairs: RankedPair[]) => Promise<void> | void;
}): (step: number) => Promise<{ parts: MicroBatch[]; metrics: Record<string, number> }> {
  const { method, config, frozen } = options;
  return async (step) => {
    const pairs = promptsOf(step, options);
    const started = performance.now();
    const candidates = method.samples === "dataset"
      ? fromDataset(pairs, options.encoder)
      : await sampled(pairs, { ...options, step });
    const sampledAt = performance.now();
    const distinct = candidates.filter(({ answers }) =>
      answers.some(({ text }) => text !== answers[0].text)
    );
    const { ordered, judgments } = await orderAll(distinct, { ...options, step });
    const judgedAt = performance.now();
    await options.onPairs?.(ordered.map(({ chosen, rejected, judgment, pair, preference }) => ({
      step: step + 1,
      pair: pair.id,
      chosen: chosen.text,
      rejected: rejected.text,
      ...(judgment && { preference, consistent: judgment.consistent }),
    })));
    const mean = (values: number[]) =>
      values.length ? values.reduce((a, b) => a + b, 0) / values.length : 0;
    return {
      parts: await partsOf(ordered, { method, frozen, config }),
      metrics: {
        pairs: ordered.length,
        skippedPrompts: pairs.length - candidates.length,
        identical: candidates.length - distinct.length,
        undecided: distinct.length - ordered.length,
        chosenTokens: mean(ordered.map((o) => o.chosen.length)),
        rejectedTokens: mean(ordered.map((o) => o.rejected.length)),
        ...(method.orders !== "labels" && judgeMetrics(judgments)),
        secondsSampling: (sampledAt - started) / 1000,
        secondsJudging: (judgedAt - sampledAt) / 1000,
      },
    };
  };
}

/** The prompts of a step: every pass over the data is a fresh seeded shuffle. */
function promptsOf(
  step: number,
  { pairs, config: { batchSize, seed } }: { pairs: readonly Pair[]; config: PreferenceConfig },
): Pair[] {
  const perEpoch = Math.max(1, Math.floor(pairs.length / batchSize));
  const epoch = Math.floor(step / perEpoch);
  const order = Rng.named(seed, `preference/epoch/${epoch}`).shuffle(pairs);
  const start = (step % perEpoch) * batchSize;
  return order.slice(start, start + batchSize);
}

function fromDataset(pairs: readonly Pair[], encoder: AnswerEncoder): Candidates[] {
  return pairs.flatMap((pair) => {
    const answers = [pair.chosen, pair.rejected].map((answer): Answer | null => {
      const made = answerExample({ prompt: pair.prompt, answer, pair: pair.id }, encoder);
      if (!made) return null;
      const { example } = made;
      return { text: answer, example, length: example.ids.length - example.from };
    });
    return answers[0] && answers[1] ? [{ pair, answers: [answers[0], answers[1]] }] : [];
  });
}

/** Answers of the sampler to each prompt that leaves room for one. */
async function sampled(
  pairs: readonly Pair[],
  { method, model, frozen, encoder, config, step }: {
    method: Method;
    model: LanguageModel;
    frozen: WithModel;
    encoder: AnswerEncoder;
    config: PreferenceConfig;
    step: number;
  },
): Promise<Candidates[]> {
  const end = endOfAnswer(encoder.tokenizer);
  const prompts = pairs.map((pair) => ({ pair, ids: encodePrompt(pair.prompt, encoder) }))
    .filter(({ ids }) => ids.length + config.maxNewTokens <= encoder.maxTokens);
  const draw = (sampler: LanguageModel) =>
    generate(sampler, prompts.map(({ ids }) => ids), {
      ...config,
      samples: method.candidates,
      stopIds: [end],
      seed: Rng.named(config.seed, `preference/sample/${step}`).int(0x7fff_ffff),
    });
  const drawn = method.samples === "policy" ? await draw(model) : await frozen(draw);
  return drawn.map((answers, i) => {
    const { pair, ids } = prompts[i];
    const finished = answers.map((answer): Answer => {
      // The end token is learned only where the model chose to end.
      const tokens = answer.end === "stop" ? [...answer.ids, end] : answer.ids;
      return {
        text: encoder.tokenizer.decode(answer.ids, { skipSpecial: true }).trim(),
        example: { kind: "answer", ids: [...ids, ...tokens], from: ids.length, pair: pair.id },
        length: tokens.length,
      };
    });
    return { pair, answers: finished };
  });
}

interface Ordered {
  pair: Pair;
  chosen: Answer;
  rejected: Answer;
  judgment?: Judgment;
  preference?: number;
}

/** The better answer of each candidate set first; nothing for a tie or without an answer. */
async function orderAll(
  candidates: readonly Candidates[],
  { method, compare, config, step }: {
    method: Method;
    compare: Compare;
    config: PreferenceConfig;
    step: number;
  },
): Promise<{ ordered: Ordered[]; judgments: Judgment[] }> {
  if (method.orders === "labels") {
    const ordered = candidates.map(({ pair, answers: [chosen, rejected] }) => ({
      pair,
      chosen,
      rejected,
    }));
    return { ordered, judgments: [] };
  }
  const contests = candidates.map(({ pair, answers }) => ({
    prompt: pair.prompt,
    candidates: answers.map(({ text }) => text),
  }));
  const rng = Rng.named(config.seed, `preference/order/${step}`);
  const judge = method.orders === "chance"
    ? randomJudge(Rng.named(config.seed, `preference/coin/${step}`))
    : compare;
  const brackets = await tournaments(contests, { compare: judge, rng });
  const ordered = brackets.flatMap(({ winner, matches }, i): Ordered[] => {
    const { pair, answers } = candidates[i];
    const { first, second, judgment } = matches.at(-1)!;
    if (!judgment || judgment.winner === "tie" || !judgment.answered) return [];
    const { pFirst } = judgment;
    return [{
      pair,
      chosen: answers[winner],
      rejected: answers[winner === first ? second : first],
      judgment,
      preference: winner === first ? pFirst : 1 - pFirst,
    }];
  });
  const judgments = brackets.flatMap(({ matches }) =>
    matches.flatMap(({ judgment }) => judgment ? [judgment] : [])
  );
  return { ordered, judgments };
}

/** What is learned from ordered pairs. */
async function partsOf(
  ordered: readonly Ordered[],
  { method: { loss }, frozen, config }: {
    method: Method;
    frozen: WithModel;
    config: PreferenceConfig;
  },
): Promise<MicroBatch[]> {
  if (ordered.length === 0) return [];
  if (loss === "sft") {
    const examples = ordered.map(({ chosen }) => chosen.example);
    return supervisedBatches(examples, {
      weighting: { mode: "token" },
      batching: "bucketed",
      microBatchTokens: config.microBatchTokens,
    });
  }
  const scored = await underReference(ordered, frozen, config.microBatchTokens);
  return preferenceBatches(scored, { ...config, loss });
}

async function underReference(
  ordered: readonly Ordered[],
  frozen: WithModel,
  microBatchTokens: number,
): Promise<ScoredPair[]> {
  const examples = ordered.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
  const sums = await frozen((reference) =>
    sequenceLogProbs(reference, examples, { batchTokens: microBatchTokens })
  );
  return ordered.map(({ chosen, rejected }, i) => ({
    chosen: chosen.example,
    rejected: rejected.example,
    referenceChosen: sums[2 * i],
    referenceRejected: sums[2 * i + 1],
  }));
}

function judgeMetrics(judgments: readonly Judgment[]): Record<string, number> {
  const share = (test: (judgment: Judgment) => boolean) =>
    judgments.length ? judgments.filter(test).length / judgments.length : 0;
  const positions = judgments.flatMap(({ forward, backward }) => [forward, backward]);
  return {
    judgeConsistent: share((j) => j.consistent),
    judgeFirstPosition: positions.length
      ? positions.filter(({ a, b }) => a > b).length / positions.length
      : 0,
    judgeLabelProbability: judgments.reduce((sum, j) => sum + j.labelProbability, 0) /
      Math.max(1, judgments.length),
    judgeUnanswered: share((j) => !j.answered),
    judgeConfidence: judgments.reduce((sum, j) => sum + Math.abs(2 * j.pFirst - 1), 0) /
      Math.max(1, judgments.length),
  };
}

/** The preference loop on the tiny model. */
import { longerWins } from "../lib/measure/mod.ts";
import {
  type Compare,
  type Comparison,
  type LoopOptions,
  type Method,
  METHODS,
  PreferenceLoop,
  type RankedPair,
} from "../lib/method/mod.ts";
import { type LanguageModel, withAdapterOff } from "../lib/model/mod.ts";
import { tinyPairs } from "./tiny.ts";
import { sumOfParts, tinyEncoder } from "./tiny_method.ts";

/** What the loop is given where a test says nothing else. */
export const pairs = tinyPairs(8, 4);
/** Its settings. */
export const config = {
  beta: 0.1,
  batchSize: 4,
  maxNewTokens: 24,
  batchRows: 8,
  microBatchTokens: 200,
  temperature: 1,
  topK: 0,
  topP: 1,
  seed: 3,
};

/** {@linkcode PreferenceLoop} with usual settings, and what it showed to the judge and to the run folder. */
export function stepper(
  model: LanguageModel,
  { compare = longerWins, ...options }:
    & Partial<Omit<LoopOptions, "ranker">>
    & { compare?: Compare } = {},
) {
  const compared: Comparison[] = [];
  const ranked: RankedPair[] = [];
  const method: Method = options.method ?? METHODS["self-judge"];
  const loop = new PreferenceLoop({
    model,
    reference: withAdapterOff(model),
    pairs,
    encoder: tinyEncoder(),
    config,
    ...options,
    method,
    ranker: method.ranker === "labels" || method.ranker === "none" ? null : {
      compare: (comparisons) => {
        compared.push(...comparisons);
        return compare(comparisons);
      },
    },
  });
  const step = async (at: number) => {
    const batch = await loop.batch(at);
    ranked.push(...batch.pairs);
    return batch;
  };
  return { step, compared, ranked };
}

/** Tools of which some are others. */
export function withTools<T extends object>(tools: T, others: object): T {
  return new Proxy(tools, {
    get(target, name) {
      const value = Reflect.get(name in others ? others : target, name);
      return typeof value === "function" && !(name in others) ? value.bind(target) : value;
    },
  });
}

/** Loss, gradient, pairs and counts of a method's first step on a model. */
export async function firstStep(
  model: LanguageModel,
  method: Method,
  options: Parameters<typeof stepper>[1] = {},
) {
  const drawn = stepper(model, { ...options, method });
  const { parts, metrics } = await drawn.step(0);
  return { ...await sumOfParts(model, parts), ranked: drawn.ranked, counts: metrics! };
}

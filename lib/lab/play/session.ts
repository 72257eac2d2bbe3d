import { byScore } from "../../measure/mod.ts";
import {
  type AnswerEncoder,
  type Compare,
  encodePrompt,
  type JudgeQuestion,
  JudgeTemplate,
  modelScorer,
  PairwiseJudge,
  principlesNamed,
  sampleAnswers,
  type SampledAnswer,
} from "../../method/mod.ts";
import {
  LanguageModel,
  parseConfig,
  safetensorsIn,
  type WithModel,
  withModel,
} from "../../model/mod.ts";
import { readAnswer, viewsOf } from "../world/reward.ts";
import { labelledPair } from "../world/preference.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../world/language.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import type { Pair } from "../../preference/mod.ts";

/** What the page carries: a trained model, some of the world's pairs and held-out requests. */
export interface PlayData {
  /** The model's `config.json`. */
  readonly config: unknown;
  /** Its weights, a safetensors file. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** Labelled pairs whose requests are trained on. */
  readonly pairs: readonly PlayPair[];
  /** Held-out requests, on which the policy is measured. */
  readonly requests: readonly string[];
}

/** A labelled pair of the world's data. */
export type PlayPair = Readonly<Record<"id" | "prompt" | "chosen" | "rejected", string>>;

const { batchTokens, judgeTokens, maxTokens, maxNewTokens, batchRows } = ORDER_DESK.limits;

/** How the page draws answers: as the study does in training. */
export const SAMPLING = { temperature: 1, topK: 0, topP: 0.9, maxNewTokens, batchRows } as const;

/** Where the page's random numbers come from, if nothing else is said. */
export const SEED = 1;

/** The order desk's true reward as judge of pairs. */
export const truth: Compare = byScore(({ prompt, answer }) =>
  ORDER_DESK.reward(prompt.at(-1)!.content, answer)
);

/** The politer answer is the better one, whatever else it says. */
export const politeness: Compare = byScore(({ prompt, answer }) =>
  viewsOf(readAnswer(prompt.at(-1)!.content, answer)).manners
);

/** What an answer does or fails to do, in words. */
export function habitsOf(request: string, answer: string): string[] {
  return Object.entries(ORDER_DESK.habits).filter(([, has]) => has(request, answer))
    .map(([habit]) => habit);
}

/**
 * The order desk with one trained model in two copies: the policy, which learns, and the model that it started from,
 * which is its reference and its judge. In a browser and on native TensorFlow alike.
 */
export class PlaySession {
  readonly encoder: AnswerEncoder;
  readonly templates: readonly JudgeQuestion[];
  readonly pairs: readonly Pair[];
  readonly requests: readonly string[];
  /** The model that the policy started from, frozen. */
  readonly start: LanguageModel;
  readonly reference: WithModel;
  #policy: LanguageModel;

  private constructor(
    readonly data: PlayData,
    { start, policy }: { start: LanguageModel; policy: LanguageModel },
  ) {
    const language = worldLanguage();
    this.encoder = { ...language, maxTokens, overflow: "refuse" };
    this.templates = principlesNamed(["overall"], WORLD_PRINCIPLES).map((principle) =>
      new JudgeTemplate({
        ...{ ...language, principle, layout: WORLD_LAYOUT },
        maxTokens: judgeTokens,
        overflow: "refuse",
      })
    );
    this.pairs = data.pairs.map(({ id, prompt, chosen, rejected }) =>
      labelledPair({ request: prompt, first: chosen, second: rejected }, { id, prefersFirst: true })
    );
    this.requests = data.requests;
    this.start = start;
    this.reference = withModel(start);
    this.#policy = policy;
  }

  /** @throws {UserError} if the weights are damaged or of another model than the config says */
  static async open(data: PlayData): Promise<PlaySession> {
    return new PlaySession(data, { start: await loaded(data), policy: await loaded(data) });
  }

  /** The model in training. */
  get policy(): LanguageModel {
    return this.#policy;
  }

  /** Puts the policy back to where it started. */
  async reset(): Promise<void> {
    this.#policy.dispose();
    this.#policy = await loaded(this.data);
  }

  /** A model as judge of pairs. */
  judgeOf(judged: WithModel): PairwiseJudge {
    return new PairwiseJudge({
      scorer: modelScorer(judged, { batchTokens }),
      templates: this.templates,
    });
  }

  /**
   * Answers to one request, drawn by the policy.
   *
   * @param options.onToken Hears of every token as it is drawn, with the answer that it belongs to.
   */
  async answers(
    request: string,
    { samples, seed, onToken }: {
      samples: number;
      seed: number;
      onToken?: (sample: number, token: string, probability: number) => void;
    },
  ): Promise<SampledAnswer[]> {
    const { encoder } = this;
    const prompt = encodePrompt([{ role: "user", content: request }], encoder);
    const [drawn] = await sampleAnswers(this.#policy, [prompt], {
      ...SAMPLING,
      ...{ encoder, samples, seed },
      onToken: onToken &&
        (({ sample, id, probability }) =>
          onToken(sample, encoder.tokenizer.decode([id]), probability)),
    });
    return drawn;
  }

  dispose(): void {
    this.start.dispose();
    this.#policy.dispose();
  }
}

function loaded({ config, weights }: PlayData): Promise<LanguageModel> {
  const file = "the page's weights";
  return LanguageModel.load(parseConfig(config, file), safetensorsIn(weights, file), { file });
}

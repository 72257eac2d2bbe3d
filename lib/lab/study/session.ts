import {
  type AnswerEncoder,
  type Compare,
  type JudgeLayout,
  type PairwiseJudge,
  type Principle,
  type Ranker,
} from "../../method/mod.ts";
import { Rng } from "../../base/random.ts";
import { discriminator, loadRewardModel, pointwiseJudge, rewardGrade } from "../../judges/mod.ts";
import { type LanguageModel, LORA_DEFAULTS, type WithModel, withModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { resolveConfig } from "../../run/config.ts";
import { type Language, Session, type Tuning } from "../../run/session.ts";
import { DATA_FOLDER, deskPairs } from "../world/data.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../world/language.ts";
import { reward } from "../world/reward.ts";
import type { StudyConfig } from "./config.ts";

/** Tokens run through the model at once: larger batches were no faster on 2 cores. */
export const BATCH_TOKENS = 4096;
/** Longest answer drawn. */
export const MAX_NEW_TOKENS = 40;
/** Most tokens of a request with its answer. */
const MAX_TOKENS = 128;

/** Every stage of a study trains every weight. */
const WHOLE: Tuning = {
  ...LORA_DEFAULTS,
  targetModules: [...LORA_DEFAULTS.targetModules],
  mode: "full",
};

/** What the stages of a study share: the session of a run, in the order desk's language and with its pairs. */
export class DeskSession extends Session {
  #pairs: Promise<{ train: Pair[]; heldOut: Pair[] }> | null = null;

  constructor(
    readonly study: StudyConfig,
    /** Folder of a stage. */
    folderOf: (stage: string) => string,
    /** Folder of the world's pairs. */
    readonly data = DATA_FOLDER,
  ) {
    super({
      seed: study.seed,
      model: study.base,
      data: { maxTokens: MAX_TOKENS },
      frozenDtype: "float32",
      chat: resolveConfig(null).chat,
      judge: {
        principles: ["overall"],
        principlesFile: null,
        system: null,
        maxTokens: 255,
        ...{ demonstrations: 0, demonstrationsFile: null },
        overflow: "refuse",
        batchTokens: BATCH_TOKENS,
      },
      jsft: { tuning: WHOLE },
      selfJudge: { tuning: WHOLE, maxNewTokens: MAX_NEW_TOKENS },
    }, folderOf);
    this.discriminatorOf = discriminator;
  }

  override language(): Promise<Language> {
    return Promise.resolve(worldLanguage());
  }

  override async encoder(maxTokens = MAX_TOKENS): Promise<AnswerEncoder> {
    return { ...await this.language(), maxTokens, overflow: "refuse" };
  }

  protected override wording(): Promise<{ principles: readonly Principle[]; layout: JudgeLayout }> {
    return Promise.resolve({ principles: WORLD_PRINCIPLES, layout: WORLD_LAYOUT });
  }

  /** This seed's training pairs and the held-out ones. */
  pairs(): Promise<{ train: Pair[]; heldOut: Pair[] }> {
    return this.#pairs ??= (async () => {
      const { seed, pairs, heldOut } = this.study;
      const train = Rng.named(seed, "study/pairs").shuffle(await deskPairs("train", this.data));
      return {
        train: train.slice(0, pairs),
        heldOut: (await deskPairs("held_out", this.data)).slice(0, heldOut),
      };
    })();
  }

  /** Held-out requests, the first so many. */
  async requests(count: number): Promise<string[]> {
    const { heldOut } = await this.pairs();
    return heldOut.slice(0, count).map(requestOf);
  }

  /** The training pairs' requests labelled by points of view. */
  async principlePairs(): Promise<Pair[]> {
    const { train } = await this.pairs();
    const ids = new Set(train.map(({ id }) => id));
    return (await deskPairs("principles", this.data)).filter(({ id, principle }) =>
      ids.has(id.slice(0, -principle!.length - 1))
    );
  }

  /** A copy of the model that a stage made, the caller's to change and to free. */
  copy(stage: string): Promise<LanguageModel> {
    return this.loaded(stage);
  }

  /** A model as judge by some principles, its judgments kept nowhere. @param names default "overall" */
  judgeBy(judged: WithModel, names?: readonly string[]): Promise<PairwiseJudge> {
    return this.judge(judged, { cacheFile: null, principles: names });
  }

  /** The model that a stage made, as judge. */
  async judgeOf(stage: string, names?: readonly string[]): Promise<PairwiseJudge> {
    return await this.judgeBy(withModel(await this.model(stage)), names);
  }

  /** The reward model that a stage made, as judge of pairs. */
  async rewardJudge(stage: string): Promise<Ranker> {
    const loaded = this.own(await loadRewardModel(`${this.folderOf(stage)}/model`));
    const grade = rewardGrade(loaded, await this.encoder(), { batchTokens: BATCH_TOKENS });
    return pointwiseJudge("reward model", grade);
  }
}

/** The request that a pair's answers answer. */
export function requestOf({ prompt }: Pick<Pair, "prompt">): string {
  return prompt[0].content;
}

/** The true reward as judge of pairs. */
export const truthJudge: Compare = pointwiseJudge(
  "truth",
  (questions) =>
    Promise.resolve(questions.map(({ prompt, answer }) => reward(prompt[0].content, answer))),
  { scale: 0 },
).compare;

import type { AnswerEncoder } from "../../method/mod.ts";
import {
  type Compare,
  JudgeTemplate,
  modelScorer,
  PairwiseJudge,
  principlesNamed,
} from "../../method/mod.ts";
import { loadRewardModel, pointwiseJudge, rewardGrade } from "../../judges/mod.ts";
import { type LanguageModel, type WithModel, withModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { loadModel } from "../../run/session.ts";
import { DATA_FOLDER, deskPairs } from "../world/data.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../world/language.ts";
import { reward } from "../world/reward.ts";
import type { StudyConfig } from "./config.ts";

/** Tokens run through the model at once: larger batches were no faster on 2 cores. */
export const BATCH_TOKENS = 4096;
/** Longest answer drawn. */
export const MAX_NEW_TOKENS = 40;

/** What the stages of a study share: the world's data and language, and models by the stage that made them. */
export class DeskSession {
  readonly language = worldLanguage();
  #pairs: Promise<{ train: Pair[]; heldOut: Pair[] }> | null = null;
  #open = new Map<string, LanguageModel>();

  constructor(
    readonly config: StudyConfig,
    /** Folder of a stage. */
    readonly folderOf: (stage: string) => string,
    /** Folder of the world's pairs. */
    readonly data = DATA_FOLDER,
  ) {}

  get encoder(): AnswerEncoder {
    return { ...this.language, maxTokens: 128, overflow: "refuse" };
  }

  /** The judge's templates, "overall" unless said. */
  templates(names: readonly string[] = ["overall"]): JudgeTemplate[] {
    return principlesNamed(names, WORLD_PRINCIPLES).map((principle) =>
      new JudgeTemplate({ ...this.language, principle, layout: WORLD_LAYOUT })
    );
  }

  /** This seed's training pairs and the held-out ones. */
  pairs(): Promise<{ train: Pair[]; heldOut: Pair[] }> {
    return this.#pairs ??= (async () => {
      const { seed, pairs, heldOut } = this.config;
      const train = Rng.named(seed, "study/pairs").shuffle(await deskPairs("train", this.data));
      return {
        train: train.slice(0, pairs),
        heldOut: (await deskPairs("held_out", this.data)).slice(0, heldOut),
      };
    })();
  }

  /** The training pairs' orders labelled by points of view. */
  async principlePairs(): Promise<Pair[]> {
    const { train } = await this.pairs();
    const ids = new Set(train.map(({ id }) => id));
    return (await deskPairs("principles", this.data)).filter(({ id, principle }) =>
      ids.has(id.slice(0, -principle!.length - 1))
    );
  }

  /** A fresh copy of the model that a stage saved; "base" is the one that all start from. The caller's to free. */
  load(stage: string): Promise<LanguageModel> {
    return loadModel(stage === "base" ? this.config.base : `${this.folderOf(stage)}/model`);
  }

  /** The model that a stage saved, shared and never trained. */
  async frozen(stage: string): Promise<WithModel> {
    let model = this.#open.get(stage);
    if (!model) this.#open.set(stage, model = await this.load(stage));
    return withModel(model);
  }

  /** A model as judge of pairs. */
  judge(frozen: WithModel, principles?: readonly string[]): PairwiseJudge {
    return new PairwiseJudge({
      scorer: modelScorer(frozen, { batchTokens: BATCH_TOKENS }),
      templates: this.templates(principles),
      batchTokens: 4 * BATCH_TOKENS,
    });
  }

  /** The reward model that a stage saved, as judge of pairs. */
  async rewardJudge(stage: string): Promise<Compare & { dispose(): void }> {
    const loaded = await loadRewardModel(`${this.folderOf(stage)}/model`);
    const grade = rewardGrade(loaded, this.encoder, { batchTokens: BATCH_TOKENS });
    const { compare } = pointwiseJudge("reward model", grade);
    return Object.assign(compare, { dispose: () => loaded.dispose() });
  }

  dispose(): void {
    this.#open.forEach((model) => model.dispose());
    this.#open.clear();
  }
}

/** The true reward as judge of pairs. */
export const truthJudge: Compare = pointwiseJudge(
  "truth",
  (questions) =>
    Promise.resolve(questions.map(({ prompt, answer }) => reward(prompt[0].content, answer))),
  { scale: 0 },
).compare;

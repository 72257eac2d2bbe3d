import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import {
  type AnswerEncoder,
  type JudgeLayout,
  JudgeTemplate,
  loadPrinciples,
  modelScorer,
  PairwiseJudge,
  type Principle,
  principlesNamed,
} from "../method/mod.ts";
import {
  type LanguageModel,
  loadAdapter,
  loadModel,
  LoraAdapter,
  modelFingerprint,
  saveAdapter,
  saveModel,
  withAdapterOff,
  type WithModel,
  withModel,
} from "../model/mod.ts";
import { ChatTemplate, openTokenizer, type TextTokenizer } from "../text/mod.ts";
import type { RunConfig } from "./config.ts";
import { judgmentCache } from "./judgment_cache.ts";
import { type Located, locateModel } from "./source.ts";

/** The models of a run of `deno task align`, as commands name them, by the stage that made each. */
export const RUN_STATES = { base: "base", jsft: "jsft", policy: "self-judge" } as const;
/** One of {@linkcode RUN_STATES}. */
export type ModelState = keyof typeof RUN_STATES;

/** What turns text into a model's tokens and back. */
export interface Language {
  tokenizer: TextTokenizer;
  chat: ChatTemplate;
}

/** The settings that a session works by. */
export type SessionConfig = Readonly<
  & Pick<RunConfig, "seed" | "model" | "judge" | "lora">
  & { data: Pick<RunConfig["data"], "maxTokens"> }
  & { selfJudge: Pick<RunConfig["selfJudge"], "maxNewTokens"> }
>;

/** In the place of a stage's name while its adapter is being trained. */
const IN_TRAINING = "(in training)";

/** Settings of {@linkcode Session.judge}. */
export interface SessionJudgeOptions {
  /** Where judgments are kept; null for a model that is being trained. */
  readonly cacheFile: string | null;
  /** Names of principles. @default those of the settings */
  readonly principles?: readonly string[];
}

/** The stage that another one starts from. */
const startOf = (stage: string): string => stage === "jsft" ? "base" : "jsft";

/**
 * What the stages of a run share: the base model, its language, and the models that stages made, by the stage's
 * name ("base" is the model as it came).
 *
 * Under LoRA there is one set of weights, moved from stage to stage: a finished stage's adapter is folded in before
 * the next one starts, so that the judge of self-training is the same weights with the new adapter off. Under full
 * fine-tuning every model is a separate copy.
 */
export class Session {
  #located: Promise<Located> | null = null;
  #language: Promise<Language> | null = null;
  /** LoRA: the weights, the stage that is folded into them, and the stage whose adapter is on them. */
  #moving: { model: LanguageModel; at: string; adapter: string | null } | null = null;
  /** Full fine-tuning: models by the stage that made them. */
  readonly #copies = new Map<string, LanguageModel>();
  /** What else the stage opened. */
  readonly #opened: { dispose(): void }[] = [];

  constructor(
    readonly config: SessionConfig,
    /** Folder of a stage of the run. */
    readonly folderOf: (stage: string) => string,
    readonly log: (line: string) => void = () => {},
  ) {}

  /** Where the base model is; fetched on first use. */
  located(): Promise<Located> {
    return this.#located ??= locateModel(this.config.model, { log: this.log });
  }

  /** Tokenizer and chat template of the base model. */
  language(): Promise<Language> {
    return this.#language ??= this.located().then(async ({ path }) => {
      const tokenizer = await openTokenizer(path);
      return { tokenizer, chat: ChatTemplate.of(tokenizer) };
    });
  }

  /** How answers become token ids. @param maxTokens Of prompt and answer together; default that of the data */
  async encoder(maxTokens = this.config.data.maxTokens): Promise<AnswerEncoder> {
    return { ...await this.language(), maxTokens, overflow: "truncate" };
  }

  /** The judge's templates, one a principle. */
  async templates(
    names: readonly string[] = this.config.judge.principles,
  ): Promise<JudgeTemplate[]> {
    const { system, maxTokens, overflow } = this.config.judge;
    const language = await this.language();
    const { principles, layout } = await this.wording();
    return principlesNamed(names, principles).map((principle) =>
      new JudgeTemplate({
        ...{ ...language, principle, layout, maxTokens, overflow },
        ...(system !== null && { system }),
      })
    );
  }

  /** The principles there are, and the words around what is judged. */
  protected async wording(): Promise<{ principles?: readonly Principle[]; layout?: JudgeLayout }> {
    const { principlesFile } = this.config.judge;
    return principlesFile === null ? {} : { principles: await loadPrinciples(principlesFile) };
  }

  /** The model that a stage made, to be used as it is: not to be trained or disposed of. */
  async model(stage: string): Promise<LanguageModel> {
    if (this.config.lora.mode === "lora") return await this.#moved(stage);
    let model = this.#copies.get(stage);
    if (!model) this.#copies.set(stage, model = await this.loaded(stage));
    return model;
  }

  /** The model that a training stage made, with the one it started from: under LoRA adapter on and adapter off. */
  async trained(stage: string): Promise<{ model: LanguageModel; reference: WithModel }> {
    if (this.config.lora.mode === "full") {
      const reference = withModel(await this.model(startOf(stage)));
      return { model: await this.model(stage), reference };
    }
    if (this.#moving?.adapter !== stage) {
      const model = await this.#moved(startOf(stage));
      model.adapter = await loadAdapter(`${this.folderOf(stage)}/adapter`, model.config);
      this.#moving!.adapter = stage;
    }
    const { model } = this.#moving!;
    return { model, reference: withAdapterOff(model) };
  }

  /** A model to train from what a stage made: under LoRA with a fresh adapter, else a separate copy. */
  async modelToTrain(start: string): Promise<LanguageModel> {
    const { mode, ...lora } = this.config.lora;
    if (mode === "full") return this.own(await this.loaded(start));
    const model = await this.#moved(start);
    const rng = Rng.named(this.config.seed, `adapter/${start}`);
    model.adapter = LoraAdapter.create(model.config, lora, rng);
    this.#moving!.adapter = IN_TRAINING;
    return model;
  }

  /** What a model in training started from: under LoRA the same weights with the adapter off. */
  async referenceOf(model: LanguageModel, start: string): Promise<WithModel> {
    return model.adapter ? withAdapterOff(model) : withModel(await this.model(start));
  }

  /** Saves what a training stage learned, in the layout others read. */
  async save(model: LanguageModel, stage: string): Promise<void> {
    const folder = this.folderOf(stage);
    if (!model.adapter) return await saveModel(model, `${folder}/model`);
    const { origin } = await this.located();
    await saveAdapter(model.adapter, `${folder}/adapter`, { baseModel: origin });
    if (this.#moving?.model === model) this.#moving.adapter = stage;
  }

  /** A model as judge. The judgments of one that does not change are kept in a file, so that none is made twice. */
  async judge(
    judged: WithModel,
    { cacheFile, principles }: SessionJudgeOptions,
  ): Promise<PairwiseJudge> {
    const { batchTokens } = this.config.judge;
    return new PairwiseJudge({
      scorer: modelScorer(judged, { batchTokens }),
      templates: await this.templates(principles),
      cache: cacheFile === null ? undefined : judgmentCache({
        fingerprint: await judged(modelFingerprint),
        path: cacheFile,
      }),
      batchTokens: 8 * batchTokens,
    });
  }

  /** Something to be freed with the rest of what the stage opened. */
  protected own<T extends { dispose(): void }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  /** Frees what the last stage opened; under LoRA the weights stay, for the next one. */
  release(): void {
    for (const model of [...this.#copies.values(), ...this.#opened.splice(0)]) model.dispose();
    this.#copies.clear();
  }

  dispose(): void {
    this.release();
    this.#moving?.model.dispose();
    this.#moving = null;
  }

  /** LoRA: the weights with all folded in up to a stage; from where they are if the way leads on, else anew. */
  async #moved(stage: string): Promise<LanguageModel> {
    const moving = this.#moving;
    if (moving && moving.adapter === stage) {
      moving.model.foldAdapter();
      return this.#arrived(moving.model, stage);
    }
    if (moving && moving.at === stage) {
      moving.model.adapter?.dispose();
      moving.model.adapter = null;
      return this.#arrived(moving.model, stage);
    }
    if (stage === "base") {
      moving?.model.dispose();
      this.#moving = null;
      return this.#arrived(await this.loaded("base"), stage);
    }
    const model = await this.#moved(startOf(stage));
    model.adapter = await loadAdapter(`${this.folderOf(stage)}/adapter`, model.config);
    model.foldAdapter();
    return this.#arrived(model, stage);
  }

  #arrived(model: LanguageModel, at: string): LanguageModel {
    this.#moving = { model, at, adapter: null };
    return model;
  }

  protected async loaded(stage: string): Promise<LanguageModel> {
    if (stage !== "base") return await loadModel(`${this.folderOf(stage)}/model`);
    const { path, origin } = await this.located();
    this.log(`loading ${origin === "local" ? path : `${origin} (${path})`}`);
    const model = await loadModel(path);
    const { data, judge, selfJudge } = this.config;
    const longest = Math.max(data.maxTokens + selfJudge.maxNewTokens, judge.maxTokens + 1);
    const { maxPositions } = model.config;
    if (longest <= maxPositions) return model;
    model.dispose();
    throw new UserError(
      `the settings allow sequences of ${longest} tokens, the context of ${path} is ${maxPositions}`,
      "lower data.maxTokens, judge.maxTokens or selfJudge.maxNewTokens",
    );
  }
}

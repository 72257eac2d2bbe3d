import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import {
  type AnswerEncoder,
  endOfAnswer,
  type JudgeQuestion,
  JudgeTemplate,
  loadPrinciples,
  PairwiseJudge,
  type Principle,
  principlesNamed,
  startId,
  WholeTextTemplate,
  withSystemTurn,
  type Wording,
} from "../method/mod.ts";
import {
  contextText,
  type LanguageModel,
  loadModel,
  LoraAdapter,
  type LoraConfig,
  withAdapterOff,
  type WithModel,
  withModel,
} from "../model/mod.ts";
import type { FrozenDtype } from "../tensor/mod.ts";
import { CHAT_PRESETS, ChatTemplate, openTokenizer, type TextTokenizer } from "../text/mod.ts";
import { loadBase } from "./artefact.ts";
import type { RunConfig } from "./config.ts";
import { demonstrated } from "./demonstrated.ts";
import type { DiscriminatorOf } from "./discriminator.ts";
import type { OpenRanker } from "./given_judge.ts";
import { judgmentCache } from "./judgment_cache.ts";
import { foldIn, MovingWeights } from "./moving_weights.ts";
import { modelHere, type StageModel } from "./stage_model.ts";
import { languagePath, locateModelFiles, type ModelFiles } from "./model_files.ts";
import { StageResults } from "./stage_results.ts";

/** The models of a run of `deno task align`, as commands name them, by the stage that made each. */
export const RUN_STATES = { base: "base", jsft: "jsft", policy: "self-judge" } as const;
/** One of {@linkcode RUN_STATES}. */
export type ModelState = keyof typeof RUN_STATES;

/** What turns text into a model's tokens and back. */
export interface Language {
  tokenizer: TextTokenizer;
  chat: ChatTemplate;
}

/** What a stage trains: an adapter or every weight. */
export type Tuning = RunConfig["jsft"]["tuning"];

/** The settings that a session works by. */
export type SessionConfig = Readonly<
  & Pick<RunConfig, "seed" | "model" | "frozenDtype" | "chat" | "judge">
  & { data: Pick<RunConfig["data"], "maxTokens"> }
  & { jsft: Pick<RunConfig["jsft"], "tuning"> }
  & {
    selfJudge:
      & Pick<RunConfig["selfJudge"], "tuning" | "maxNewTokens">
      & Partial<Pick<RunConfig["selfJudge"], "ranker" | "gold">>;
  }
>;

/** Settings of {@linkcode Session.judge}. */
export interface SessionJudgeOptions {
  /** Where judgments are kept; null for a model that is being trained. */
  readonly cacheFile: string | null;
  /** Names of principles. @default those of the settings */
  readonly principles?: readonly string[];
}

/**
 * What the stages of a run share: the base model, its language, and the models that stages made, by the stage's
 * name ("base" is the model as it came).
 *
 * Where a stage trains an adapter there is one set of weights, see `MovingWeights`: the judge of self-training is the
 * policy's weights with the new adapter off. A stage that trains every weight trains a copy, and where all stages do
 * every model is a separate copy.
 */
export class Session {
  #located: Promise<ModelFiles> | null = null;
  #language: Promise<Language> | null = null;
  readonly #moving: MovingWeights;
  /** Models that stages trained whole, by the stage. */
  readonly #copies = new Map<string, LanguageModel>();
  /** Opens a judge from outside of the run by its name; whoever makes the session knows how. */
  openRanker: OpenRanker | null = null;
  /** Makes a ranker that learns beside the policy; whoever makes the session knows how. */
  discriminatorOf: DiscriminatorOf | null = null;
  /** When the run began: chat templates that write the day write this one, however often it resumes. @default now */
  begun: Date | undefined = undefined;
  /** What was said already, not to be said at every judge that is made. */
  readonly #told = new Set<string>();
  /** What stages leave in their folders. */
  protected readonly results: StageResults;
  /** What else the stage opened. */
  readonly #opened: { dispose(): void }[] = [];

  constructor(
    readonly config: SessionConfig,
    /** Folder of a stage of the run. */
    readonly folderOf: (stage: string) => string,
    readonly log: (line: string) => void = () => {},
  ) {
    this.results = new StageResults({
      model: config.model,
      frozenDtype: config.frozenDtype,
      folderOf,
      startOf: (stage) => this.startOf(stage),
      isWhole: (stage) => this.tuningOf(stage).mode === "full",
      files: () => this.located(),
      tokenizer: async () => (await this.language()).tokenizer,
    });
    this.#moving = new MovingWeights({
      load: (stage) => this.loaded(stage),
      results: this.results,
    });
  }

  /** Where the base model is; fetched on first use. */
  located(): Promise<ModelFiles> {
    return this.#located ??= locateModelFiles(this.config.model, { log: this.log });
  }

  /** Tokenizer and chat template of the base model. */
  language(): Promise<Language> {
    return this.#language ??= this.located().then(async (files) => {
      const path = await languagePath(files);
      const tokenizer = await openTokenizer(path, {
        template: this.config.chat.template,
        model: files.path,
      });
      return { tokenizer, chat: ChatTemplate.of(tokenizer, { now: this.begun }) };
    });
  }

  /** How answers become token ids. @param maxTokens Of prompt and answer together; default that of the data */
  async encoder(maxTokens = this.config.data.maxTokens): Promise<AnswerEncoder> {
    const { template, overflow, ...conventions } = this.config.chat;
    const markers = template === null ? undefined : CHAT_PRESETS[template]?.markers;
    return {
      ...await this.language(),
      maxTokens,
      overflow,
      conventions: { ...conventions, markers },
    };
  }

  /** The judge's questions, one a principle. */
  async templates(
    names: readonly string[] = this.config.judge.principles,
  ): Promise<JudgeQuestion[]> {
    const { judge: { system, maxTokens, overflow }, chat: { text } } = this.config;
    const language = await this.language();
    const { principles, layout } = await this.wording();
    const bosId = startId(await this.encoder());
    const asked = (principle: Principle, system: string | undefined) => {
      const parts = { ...language, principle, layout, maxTokens, system, bosId };
      if (text === "parts") return new JudgeTemplate({ ...parts, overflow });
      return new WholeTextTemplate({
        ...parts,
        overflow: overflow === "refuse" ? "refuse" : "truncate-start",
      });
    };
    const questions = withSystemTurn(
      system,
      (system) => principlesNamed(names, principles).map((principle) => asked(principle, system)),
      (line) => {
        if (!this.#told.has(line)) this.log(line);
        this.#told.add(line);
      },
    );
    return await demonstrated(questions, { ...this.config, end: endOfAnswer(language.tokenizer) });
  }

  /** The principles there are, and the words around what is judged. */
  protected async wording(): Promise<Partial<Wording>> {
    const { principlesFile } = this.config.judge;
    return principlesFile === null ? {} : await loadPrinciples(principlesFile);
  }

  /** The stage that another one starts from. */
  protected startOf(stage: string): string {
    return stage === "jsft" ? "base" : "jsft";
  }

  /** What a stage trains. */
  tuningOf(stage: string): Tuning {
    return this.startOf(stage) === "base" ? this.config.jsft.tuning : this.config.selfJudge.tuning;
  }

  /** Whether any stage trains an adapter, so that there is one set of weights that moves. */
  get #moves(): boolean {
    return [this.config.jsft, this.config.selfJudge].some(({ tuning }) => tuning.mode === "lora");
  }

  /** The model that a stage made, to be used as it is: not to be trained or disposed of. */
  async model(stage: string): Promise<LanguageModel> {
    return this.#moves ? await this.#moving.to(stage) : await this.#copy(stage);
  }

  /** The model that a training stage made, with the one it started from: under LoRA adapter on and adapter off. */
  async trained(stage: string): Promise<{ model: LanguageModel; reference: WithModel }> {
    if (this.tuningOf(stage).mode === "full") {
      const reference = withModel(await this.model(this.startOf(stage)));
      return { model: await this.#copy(stage), reference };
    }
    const model = await this.#moving.under(stage);
    return { model, reference: withAdapterOff(model) };
  }

  /** A model for a stage to train, made from what another left: with a fresh adapter, or a separate copy. */
  async modelToTrain({ stage, start }: { stage: string; start: string }): Promise<LanguageModel> {
    const { mode, ...lora } = this.tuningOf(stage);
    if (mode === "full") {
      const model = this.own(await this.loaded(this.results.rootOf(start), "float32"));
      await this.#foldThrough(start, model);
      return model;
    }
    return await this.#moving.toTrain(
      start,
      ({ config }) => this.freshAdapter(start, config, lora),
    );
  }

  /** The adapter that a training on a stage's model begins with: it changes nothing yet. */
  protected freshAdapter(
    start: string,
    config: LanguageModel["config"],
    lora: LoraConfig,
  ): LoraAdapter {
    return LoraAdapter.create(config, lora, Rng.named(this.config.seed, `adapter/${start}`));
  }

  /** What a model in training started from: under LoRA the same weights with the adapter off. */
  async referenceOf(model: LanguageModel, start: string): Promise<WithModel> {
    return model.adapter ? withAdapterOff(model) : withModel(await this.model(start));
  }

  /** Frees the weights that move, where a stage made of them what its folder holds whole: the next model is loaded. */
  forget(): void {
    this.#moving.dispose();
  }

  /** Saves what a training stage learned, as other programs load it. */
  async save(model: LanguageModel, stage: string): Promise<void> {
    await this.results.save(model, stage);
  }

  /** A model in this process, to be asked. */
  here(under: WithModel): StageModel {
    return modelHere(under, this.config.judge);
  }

  /** The model that a stage made, to be asked. */
  async asked(stage: string): Promise<StageModel> {
    return this.here(withModel(await this.model(stage)));
  }

  /** The model that a training stage made and the one that it started from, to be asked by turns. */
  async askedTrained(stage: string): Promise<{ policy: StageModel; start: StageModel }> {
    const { model, reference } = await this.trained(stage);
    return { policy: this.here(withModel(model)), start: this.here(reference) };
  }

  /** A model as judge. The judgments of one that does not change are kept in a file, so that none is made twice. */
  async judge(
    judged: WithModel | StageModel,
    { cacheFile, principles }: SessionJudgeOptions,
  ): Promise<PairwiseJudge> {
    const { batchTokens } = this.config.judge;
    const model = typeof judged === "function" ? this.here(judged) : judged;
    const cache = cacheFile === null
      ? undefined
      : judgmentCache({ fingerprint: await model.fingerprint(), path: cacheFile });
    return new PairwiseJudge({
      scorer: model.scorer(cache),
      templates: await this.templates(principles),
      cache,
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
    this.#moving.dispose();
  }

  /** A separate copy of the model that a stage made, which is in one folder. */
  async #copy(stage: string): Promise<LanguageModel> {
    let model = this.#copies.get(stage);
    if (!model) this.#copies.set(stage, model = await this.loaded(stage));
    return model;
  }

  /** Makes of a root's weights those of a stage. */
  async #foldThrough(stage: string, model: LanguageModel): Promise<void> {
    if (this.results.rootOf(stage) === stage) return;
    await this.#foldThrough(this.startOf(stage), model);
    await foldIn(stage, { model, results: this.results });
  }

  /** @param frozenDtype How its matrices are stored; those that are trained have four bytes a number. */
  protected async loaded(
    stage: string,
    frozenDtype: FrozenDtype = this.config.frozenDtype,
  ): Promise<LanguageModel> {
    // What a stage trained whole is used as it was written: rounded, it would be another model than its folder's.
    if (stage !== "base") return await loadModel(`${this.folderOf(stage)}/model`);
    const files = await this.located();
    const { path, origin, adapter } = files;
    const from = origin === "local" ? path : `${origin} (${path})`;
    this.log(`loading ${from}${adapter === null ? "" : ` with ${adapter}`}`);
    const model = await loadBase(files, {
      folder: () => this.folderOf("base"),
      frozenDtype,
    });
    const { data, judge, selfJudge } = this.config;
    const longest = Math.max(data.maxTokens + selfJudge.maxNewTokens, judge.maxTokens + 1);
    if (longest <= model.config.maxPositions) return model;
    model.dispose();
    throw new UserError(
      `the settings allow sequences of ${longest} tokens, the context of ${path} is ${
        contextText(model.config)
      }`,
      "lower data.maxTokens, judge.maxTokens or selfJudge.maxNewTokens",
    );
  }
}

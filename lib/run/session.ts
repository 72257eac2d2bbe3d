import type { AnswerEncoder } from "../method/mod.ts";
import { UserError } from "../base/error.ts";
import {
  JudgeTemplate,
  JudgmentCache,
  loadPrinciples,
  modelFingerprint,
  modelScorer,
  PairwiseJudge,
  principlesNamed,
} from "../method/mod.ts";
import {
  LanguageModel,
  loadAdapter,
  LoraAdapter,
  openWeights,
  readConfig,
  saveAdapter,
  saveModel,
  withAdapterOff,
  type WithModel,
  withModel,
} from "../model/mod.ts";
import { ChatTemplate, openTokenizer, type TextTokenizer } from "../text/mod.ts";
import { Rng } from "../base/random.ts";
import type { RunConfig } from "./config.ts";
import { type Located, locateModel } from "./source.ts";

/** Which model of the pipeline: as it came, after JSFT, or after self-training. */
export type ModelState = "base" | "jsft" | "policy";

/** What a stage needs to write and read answers. */
export interface Language {
  tokenizer: TextTokenizer;
  chat: ChatTemplate;
}

/**
 * The things stages share: the located model, its tokenizer, and one set of weights that is moved from state
 * to state. After JSFT the adapter is folded into the weights, so that the judge of self-training is the
 * same weights with the new adapter off.
 */
export class Session {
  #model: LanguageModel | null = null;
  #state: ModelState | null = null;
  #copy: LanguageModel | null = null;
  #located: Promise<Located> | null = null;
  #language: Promise<Language> | null = null;

  constructor(
    readonly config: Readonly<RunConfig>,
    /** Folder of a stage of the run. */
    readonly folderOf: (stage: string) => string,
    readonly log: (line: string) => void,
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

  /** How answers become token ids; `maxTokens` is that of the data unless said. */
  async encoder(maxTokens = this.config.data.maxTokens): Promise<AnswerEncoder> {
    return { ...await this.language(), maxTokens, overflow: "truncate" };
  }

  /** The judge's templates, one a principle. */
  async templates(): Promise<JudgeTemplate[]> {
    const { principles, principlesFile, system, maxTokens, overflow } = this.config.judge;
    const known = principlesFile ? await loadPrinciples(principlesFile) : undefined;
    const language = await this.language();
    return principlesNamed(principles, known)
      .map((principle) =>
        new JudgeTemplate({
          ...language,
          principle,
          maxTokens,
          overflow,
          ...(system !== null && { system }),
        })
      );
  }

  /** The model in a state; the weights of another state are not kept. */
  async model(state: ModelState): Promise<LanguageModel> {
    if (this.#model && this.#state === state) return this.#model;
    if (!this.#model || this.#state !== "base") await this.#load("base");
    if (state !== "base") await this.#advance("jsft");
    if (state === "policy") await this.#advance("self-judge");
    this.#state = state;
    return this.#model!;
  }

  /** The model in a state, with fresh parameters to train: an adapter, or itself under full fine-tuning. */
  async modelToTrain(state: "base" | "jsft"): Promise<{ model: LanguageModel; frozen: WithModel }> {
    const model = await this.model(state);
    this.#state = null; // it will not be in that state any more
    const { mode, ...lora } = this.config.lora;
    if (mode === "lora") {
      const rng = Rng.named(this.config.seed, `adapter/${state}`);
      model.adapter = LoraAdapter.create(model.config, lora, rng);
      return { model, frozen: withAdapterOff(model) };
    }
    return { model, frozen: await this.#frozenCopy(state) };
  }

  /** What judges and refers during self-rejection: the model after JSFT, beside the policy in use. */
  async frozenJudge(): Promise<WithModel> {
    const model = await this.model("policy");
    return this.config.lora.mode === "lora"
      ? withAdapterOff(model)
      : await this.#frozenCopy("jsft");
  }

  /** Saves what a training stage learned, in the layout others read. */
  async save(model: LanguageModel, stage: "jsft" | "self-judge"): Promise<void> {
    const folder = this.folderOf(stage);
    const { origin } = await this.located();
    if (model.adapter) {
      await saveAdapter(model.adapter, `${folder}/adapter`, { baseModel: origin });
    } else await saveModel(model, `${folder}/model`);
  }

  /**
   * A judge over a model. The judgments of a frozen one are kept in a file, so that none is made twice.
   *
   * @param options.cacheFile None for a model that is being trained.
   */
  async judge(
    frozen: WithModel,
    { cacheFile }: { cacheFile: string | null },
  ): Promise<PairwiseJudge> {
    const { batchTokens } = this.config.judge;
    return new PairwiseJudge({
      scorer: modelScorer(frozen, { batchTokens }),
      templates: await this.templates(),
      cache: cacheFile === null ? undefined : JudgmentCache.open({
        fingerprint: await frozen(modelFingerprint),
        path: cacheFile,
      }),
      batchTokens: 8 * batchTokens,
    });
  }

  dispose(): void {
    this.#model?.dispose();
    this.#copy?.dispose();
    this.#model = this.#copy = null;
  }

  async #load(_state: "base"): Promise<void> {
    this.#model?.dispose();
    const { path, origin } = await this.located();
    this.log(`loading ${origin === "local" ? path : `${origin} (${path})`}`);
    this.#model = await loadModel(path);
    this.#state = "base";
    const { data, judge, selfJudge } = this.config;
    const longest = Math.max(data.maxTokens + selfJudge.maxNewTokens, judge.maxTokens + 1);
    const { maxPositions } = this.#model.config;
    if (longest > maxPositions) {
      throw new UserError(
        `the settings allow sequences of ${longest} tokens, the context of ${path} is ${maxPositions}`,
        "lower data.maxTokens, judge.maxTokens or selfJudge.maxNewTokens",
      );
    }
  }

  /** Puts what a training stage saved on top of the model. */
  async #advance(stage: "jsft" | "self-judge"): Promise<void> {
    const folder = this.folderOf(stage);
    if (this.config.lora.mode === "full") {
      this.#model!.dispose();
      this.#model = await loadModel(`${folder}/model`);
      return;
    }
    this.#model!.adapter = await loadAdapter(`${folder}/adapter`, this.#model!.config);
    if (stage === "jsft") this.#model!.foldAdapter();
  }

  /** Full fine-tuning moves every weight, so the frozen model has to be a copy of its own. */
  async #frozenCopy(state: "base" | "jsft"): Promise<WithModel> {
    const path = state === "base" ? (await this.located()).path : `${this.folderOf("jsft")}/model`;
    this.#copy?.dispose();
    this.#copy = await loadModel(path);
    return withModel(this.#copy);
  }
}

/** Config and weights at a path as one model. */
export async function loadModel(path: string): Promise<LanguageModel> {
  const config = await readConfig(path);
  const source = await openWeights(path);
  try {
    return await LanguageModel.load(config, source, { file: path });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new UserError(`${path}: the model does not fit in memory`, "use a smaller one", {
        cause: error,
      });
    }
    throw error;
  } finally {
    source.close();
  }
}

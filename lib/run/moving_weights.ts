import { type LanguageModel, type LoraAdapter } from "../model/mod.ts";
import type { StageResults } from "./stage_results.ts";

/** In the place of a stage's name while its adapter is being trained. */
const IN_TRAINING = "(in training)";

/**
 * One set of weights, moved from stage to stage of a run: a finished stage's adapter is folded in before the next one
 * starts, so that the model a stage started from is the same weights with the new adapter off.
 */
export class MovingWeights {
  /** The weights, the stage that is folded into them, and the stage whose adapter is on them. */
  #moving: { model: LanguageModel; at: string; adapter: string | null } | null = null;

  constructor(
    readonly options: {
      /** Loads the weights of a stage that are whole in a folder. */
      readonly load: (stage: string) => Promise<LanguageModel>;
      readonly results: StageResults;
    },
  ) {}

  /** The weights as those of the model that a stage made; from where they are if the way leads on, else anew. */
  async to(stage: string): Promise<LanguageModel> {
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
    const { load, results } = this.options;
    if (results.rootOf(stage) === stage) {
      this.dispose();
      return this.#arrived(await load(stage), stage);
    }
    const model = await this.to(this.options.results.startOf(stage));
    await foldIn(stage, { model, results });
    return this.#arrived(model, stage);
  }

  /** The weights of the model that a stage started from, with the stage's adapter on them. */
  async under(stage: string): Promise<LanguageModel> {
    if (this.#moving?.adapter !== stage) {
      const model = await this.to(this.options.results.startOf(stage));
      model.adapter = await this.options.results.adapterOf(stage, model);
      this.#moving!.adapter = stage;
    }
    return this.#moving!.model;
  }

  /** The weights of the model that a stage made, with a fresh adapter to train. */
  async toTrain(
    start: string,
    adapterFor: (model: LanguageModel) => LoraAdapter,
  ): Promise<LanguageModel> {
    const model = await this.to(start);
    model.adapter = adapterFor(model);
    this.#moving!.adapter = IN_TRAINING;
    return model;
  }

  dispose(): void {
    this.#moving?.model.dispose();
    this.#moving = null;
  }

  #arrived(model: LanguageModel, at: string): LanguageModel {
    this.#moving = { model, at, adapter: null };
    return model;
  }
}

/** Makes of the weights that a stage started from those that it made. */
export async function foldIn(
  stage: string,
  { model, results }: { model: LanguageModel; results: StageResults },
): Promise<void> {
  model.adapter = await results.adapterOf(stage, model);
  model.foldAdapter();
}

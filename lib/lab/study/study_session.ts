import type { AnswerEncoder, Compare, PairwiseJudge, Ranker } from "../../method/mod.ts";
import { Rng } from "../../base/random.ts";
import { discriminator, loadRewardModel, pointwiseJudge, rewardGrade } from "../../judges/mod.ts";
import { type LanguageModel, type WithModel, withModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { Session, type SessionConfig } from "../../run/session.ts";
import type { StudyConfig } from "./config.ts";
import type { World } from "./world.ts";

/** Stages that start from the base; all others from JSFT. */
const FROM_BASE: ReadonlySet<string> = new Set([
  ...["sft", "jsft", "jsft-weighted", "judge-only", "reward-model"],
  ...["jsft-principles", "jsft-principles-beside", "jsft-rationale", "jsft-rationale-decision"],
]);

/** Names a training of the curve of judge quality against pairs: of which kind, with how many pairs, all weights or not. */
export const sizedName = (kind: string, { pairs, whole }: { pairs: number; whole: boolean }) =>
  `${kind}${whole ? WHOLE : ""}-n${pairs}`;

const WHOLE = "-whole";
const SIZED = new RegExp(`(${WHOLE})?-n\\d+$`);

/** Whether a stage trains every weight, whatever its like of other sizes train. */
export const isWholeTraining = (stage: string) => SIZED.exec(stage)?.[1] === WHOLE;

/** A study's pairs. */
export interface StudyPairs {
  readonly train: Pair[];
  readonly validation: Pair[];
  readonly heldOut: Pair[];
}

/** What the stages of a study share: the session of a run, in the language of a world and with its pairs. */
export abstract class StudySession extends Session {
  #pairs: Promise<StudyPairs> | null = null;

  constructor(
    readonly study: StudyConfig,
    readonly world: World,
    settings: SessionConfig,
    /** Folder of a stage. */
    folderOf: (stage: string) => string,
  ) {
    super(settings, folderOf);
    this.discriminatorOf = discriminator;
  }

  protected override startOf(stage: string): string {
    return FROM_BASE.has(stage.replace(SIZED, "")) ? "base" : "jsft";
  }

  /** The world's training pairs in this seed's order: the first are trained on. */
  async #shuffled(): Promise<Pair[]> {
    return Rng.named(this.study.seed, "study/pairs").shuffle(await this.world.pairs("train"));
  }

  /** Training pairs that this seed's trainings leave out. */
  async sparePairs(): Promise<Pair[]> {
    return (await this.#shuffled()).slice(this.study.pairs);
  }

  /** This seed's training pairs, those to choose by, and the held-out ones. */
  pairs(): Promise<StudyPairs> {
    return this.#pairs ??= (async () => {
      const { pairs, heldOut } = this.study;
      return {
        train: (await this.#shuffled()).slice(0, pairs),
        validation: await this.world.pairs("validation"),
        heldOut: (await this.world.pairs("held_out")).slice(0, heldOut),
      };
    })();
  }

  /** Held-out requests, the first so many. */
  async requests(count: number): Promise<string[]> {
    return requestsOf((await this.pairs()).heldOut).slice(0, count);
  }

  /** Requests to choose settings and steps by, the first so many. */
  async validationRequests(count: number): Promise<string[]> {
    return requestsOf((await this.pairs()).validation).slice(0, count);
  }

  /** The training pairs' requests labelled by points of view. */
  async principlePairs(): Promise<Pair[]> {
    const { train } = await this.pairs();
    const ids = new Set(train.map(({ id }) => id));
    return (await this.world.pairs("principles")).filter(({ id, principle }) =>
      ids.has(id.slice(0, -principle!.length - 1))
    );
  }

  /** Another session of the same run, with models of its own: the caller's to dispose of. */
  abstract another(): StudySession;

  /** A copy of the model that a stage made, the caller's to change and to free. */
  copy(stage: string): Promise<LanguageModel> {
    return this.loaded(stage);
  }

  /** A model as judge by some principles, its judgments kept nowhere. @param names default those of the settings */
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
    const grade = rewardGrade(loaded, await this.encoder(), {
      batchTokens: this.world.limits.batchTokens,
    });
    return pointwiseJudge("reward model", grade);
  }

  override encoder(maxTokens = this.world.limits.maxTokens): Promise<AnswerEncoder> {
    return super.encoder(maxTokens);
  }
}

/** The request that a pair's answers answer. */
export function requestOf({ prompt }: Pick<Pair, "prompt">): string {
  return prompt.at(-1)!.content;
}

/** The different requests of some pairs, in their order. */
export function requestsOf(pairs: readonly Pair[]): string[] {
  return [...new Set(pairs.map(requestOf))];
}

/** The true reward as judge of pairs. */
export function truthOf({ reward }: Pick<World, "reward">): Compare {
  const grade = (questions: readonly { prompt: Pair["prompt"]; answer: string }[]) =>
    Promise.resolve(questions.map(({ prompt, answer }) => reward(requestOf({ prompt }), answer)));
  return pointwiseJudge("truth", grade, { scale: 0 }).compare;
}

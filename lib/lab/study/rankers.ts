import type { Method, PairwiseJudge, Ranker } from "../../method/mod.ts";
import { type LanguageModel, loadModel, saveModel, withModel } from "../../model/mod.ts";
import { rankerOf, type RankerParts } from "../../run/rankers.ts";
import { type DeskSession, truthJudge } from "./session.ts";
import type { StudyContext } from "./stage.ts";

/** The ranker that a method names: in the order desk every one of them is to be had. */
export async function deskRanker(
  ranker: Method["ranker"],
  parts: RankerParts<DeskSession>,
  { folder, config: { long: { refreshEvery } } }: Pick<StudyContext, "folder" | "config">,
): Promise<Ranker | null> {
  const { session } = parts;
  switch (ranker) {
    case "separate":
      return await session.judgeOf("judge-only");
    case "reward-model":
      return await session.rewardJudge("reward-model");
    case "truth":
      return { compare: truthJudge };
    case "refreshed":
      return await RefreshedJudge.open(parts, { folder, refreshEvery });
    default:
      return await rankerOf(ranker, { ...parts, cacheFile: null });
  }
}

/** A judge that is renewed from the policy every some steps; each is kept on disk, for a resumed run. */
class RefreshedJudge implements Ranker {
  #copy: LanguageModel | null = null;
  #made = 0;

  private constructor(
    readonly parts: RankerParts<DeskSession>,
    readonly options: { folder: string; refreshEvery: number },
    private judge: PairwiseJudge,
  ) {}

  static async open(
    parts: RankerParts<DeskSession>,
    options: { folder: string; refreshEvery: number },
  ): Promise<RefreshedJudge> {
    return new RefreshedJudge(parts, options, await parts.session.judgeBy(parts.reference));
  }

  readonly compare: Ranker["compare"] = (comparisons) => this.judge.compare(comparisons);

  readonly before = async (step: number): Promise<void> => {
    const { session, model } = this.parts;
    const due = Math.floor(step / this.options.refreshEvery) * this.options.refreshEvery;
    if (due === this.#made) return;
    const path = `${this.options.folder}/judge-${due}`;
    if (due === step) await saveModel(model, path);
    this.#copy?.dispose();
    this.#copy = await loadModel(path);
    this.judge = await session.judgeBy(withModel(this.#copy));
    this.#made = due;
  };

  readonly dispose = (): void => this.#copy?.dispose();
}

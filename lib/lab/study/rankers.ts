import type { Method, Ranker } from "../../method/mod.ts";
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
    case "given": // any judge: in the order desk, one that learned judging alone
      return await session.judgeOf("judge-only");
    case "truth":
      return { compare: truthJudge };
    case "refreshed":
      return await refreshedJudge(parts, { folder, refreshEvery });
    default:
      return await rankerOf(ranker, { ...parts, cacheFile: null });
  }
}

/** A judge that is renewed from the policy every some steps; each is kept on disk, for a resumed run. */
async function refreshedJudge(
  { session, model, reference }: RankerParts<DeskSession>,
  { folder, refreshEvery }: { folder: string; refreshEvery: number },
): Promise<Ranker> {
  let judge = await session.judgeBy(reference);
  let copy: LanguageModel | null = null;
  let made = 0;
  return {
    compare: (comparisons) => judge.compare(comparisons),
    promptsFor: (comparisons) => judge.promptsFor(comparisons),
    before: async (step) => {
      const due = Math.floor(step / refreshEvery) * refreshEvery;
      if (due === made) return;
      const path = `${folder}/judge-${due}`;
      if (due === step) await saveModel(model, path);
      copy?.dispose();
      copy = await loadModel(path);
      judge = await session.judgeBy(withModel(copy));
      made = due;
    },
    dispose: () => copy?.dispose(),
  };
}

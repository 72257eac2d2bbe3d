import recipe from "../../../data/sentences/recipe.json" with { type: "json" };
import { resolveConfig } from "../../run/config.ts";
import type { SessionConfig, Tuning } from "../../run/session.ts";
import type { StudyConfig } from "../study/config.ts";
import { isWholeTraining, StudySession } from "../study/study_session.ts";
import type { World } from "../study/world.ts";
import { SENTENCES } from "./world.ts";

/** The settings of data/sentences/recipe.json that a study's session goes by. */
export function sentenceSettings(
  { limits: { maxTokens, maxNewTokens, judgeTokens, batchTokens } }: Pick<World, "limits"> =
    SENTENCES,
): Omit<SessionConfig, "seed" | "model"> {
  const { frozenDtype, chat, judge, jsft, selfJudge } = resolveConfig(null, { recipe });
  return {
    ...{ frozenDtype, chat },
    data: { maxTokens },
    judge: { ...judge, maxTokens: judgeTokens, batchTokens },
    jsft: { tuning: jsft.tuning },
    selfJudge: { tuning: selfJudge.tuning, maxNewTokens },
  };
}

/**
 * A study's session in the world of sentences: adapters on a pretrained model. There is one set of weights, which moves
 * from model to model; what needs two at once asks for {@linkcode SentenceSession.another}.
 */
export class SentenceSession extends StudySession {
  constructor(
    study: StudyConfig,
    folderOf: (stage: string) => string,
    world = SENTENCES,
  ) {
    const settings = { ...sentenceSettings(world), seed: study.seed, model: study.base };
    super(study, world, settings, folderOf);
  }

  another(): SentenceSession {
    return new SentenceSession(this.study, this.folderOf, this.world);
  }

  override tuningOf(stage: string): Tuning {
    const tuning = super.tuningOf(stage);
    return isWholeTraining(stage) ? { ...tuning, mode: "full" } : tuning;
  }
}

import type { JudgeLayout, Principle } from "../../method/mod.ts";
import { LORA_DEFAULTS } from "../../model/mod.ts";
import { resolveConfig } from "../../run/config.ts";
import type { Language, Tuning } from "../../run/session.ts";
import type { AnswerEncoder } from "../../method/mod.ts";
import { DATA_FOLDER } from "../world/data.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../world/language.ts";
import { ORDER_DESK, orderDesk } from "../world/order_desk.ts";
import type { StudyConfig } from "./config.ts";
import { StudySession, truthOf } from "./study_session.ts";

/** Tokens run through the model at once, and the longest answer drawn. */
export const { batchTokens: BATCH_TOKENS, maxNewTokens: MAX_NEW_TOKENS } = ORDER_DESK.limits;

/** The order desk's true reward as judge of pairs. */
export const truthJudge = truthOf(ORDER_DESK);

/** Every stage of a study trains every weight. */
const WHOLE: Tuning = {
  ...LORA_DEFAULTS,
  targetModules: [...LORA_DEFAULTS.targetModules],
  mode: "full",
};

/** A study's session in the order desk. */
export class DeskSession extends StudySession {
  constructor(
    study: StudyConfig,
    folderOf: (stage: string) => string,
    /** Folder of the world's pairs. */
    readonly data = DATA_FOLDER,
  ) {
    const world = orderDesk(data);
    const { maxTokens, judgeTokens, batchTokens } = world.limits;
    super(
      study,
      world,
      {
        seed: study.seed,
        model: study.base,
        data: { maxTokens },
        frozenDtype: "float32",
        chat: resolveConfig(null).chat,
        judge: {
          principles: ["overall"],
          principlesFile: null,
          system: null,
          maxTokens: judgeTokens,
          ...{ demonstrations: 0, demonstrationsFile: null },
          overflow: "refuse",
          batchTokens,
        },
        jsft: { tuning: WHOLE },
        selfJudge: { tuning: WHOLE, maxNewTokens: world.limits.maxNewTokens },
      },
      folderOf,
    );
  }

  another(): DeskSession {
    return new DeskSession(this.study, this.folderOf, this.data);
  }

  override language(): Promise<Language> {
    return Promise.resolve(worldLanguage());
  }

  override async encoder(maxTokens = this.world.limits.maxTokens): Promise<AnswerEncoder> {
    return { ...await this.language(), maxTokens, overflow: "refuse" };
  }

  protected override wording(): Promise<{ principles: readonly Principle[]; layout: JudgeLayout }> {
    return Promise.resolve({ principles: WORLD_PRINCIPLES, layout: WORLD_LAYOUT });
  }
}
